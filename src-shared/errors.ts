/** Every error a user can meet: its code, what it says, and how each border shows it. */

/** Values that fill an error's text; strings and numbers only, so that they cross every border. */
export type ErrorData = Readonly<Record<string, string | number>>;

interface ErrorKind {
  /** HTTP status at REST and the panel. */
  readonly http: number;
  /** Whether the same call may succeed later without a change by the user. */
  readonly retry: boolean;
  /** One English line: what is wrong and what to do. `{name}` is filled from the data. */
  readonly text: string;
}

const kind = (http: number, text: string, retry = false): ErrorKind => ({ http, retry, text });

/** The table of errors; the catalogue of the panel translates by the same codes. */
export const errorKinds = {
  usage: kind(400, "{detail}"),
  internal: kind(500, "Something went wrong inside Starmesh: {detail}. The log in {logs} has more."),
  "not-running": kind(503, "Starmesh is not running here. Start it with: starmesh up"),
  "already-running": kind(
    409,
    "Starmesh already runs on this state folder (process {pid}). Stop it with: starmesh stop",
  ),
  "not-yours": kind(
    403,
    "The Starmesh on {folder} belongs to another user. Use sudo, or one of your own with --state.",
  ),
  "state-unreadable": kind(500, "The file {file} cannot be read: {detail}. Move it away to start afresh."),
  "state-not-writable": kind(
    500,
    "The state folder {folder} cannot be written: {detail}. Choose another with --state.",
  ),
  "addon-missing": kind(500, "The packet engine is not built: {detail}. Build it with: npm run build"),
  "port-in-use": kind(
    409,
    "Port {port} is in use by another program. Choose another one or stop that program.",
  ),
  "no-interface": kind(
    404,
    "This machine has no interface or address “{name}”. These are there: {list}. See: starmesh set",
  ),
  "port-of-router": kind(
    409,
    "This machine is a router on port {port}, and its node uses the same one. Choose it with: starmesh router --listen 0.0.0.0:PORT",
  ),
  "router-fixed": kind(
    409,
    "“{setting}” is set by the file {file}, with which this router was started. Change it there and start the router again.",
  ),
  "no-privilege": kind(
    403,
    "No right to create a network interface: no packets can flow here. Give it once with: starmesh rights. Or run it with sudo (or as root).",
  ),
  "helper-lost": kind(
    503,
    "The helper that changes this machine's network for Starmesh has ended; it is used again as soon as it is back. Start it again, or Starmesh.",
    true,
  ),
  "privilege-refused": kind(
    403,
    "The right to change this machine's network was not given: {detail}. Ask again with: starmesh rights. Or run Starmesh with sudo.",
  ),
  "no-tun": kind(
    501,
    "This system has no TUN device ({detail}): no packets can flow here. Load it with: modprobe tun",
  ),
  "system-refused": kind(500, "The system refused to {action}: {detail}."),
  "name-invalid": kind(
    400,
    "“{name}” cannot be used as a name: 1 to 63 letters, digits, dots or hyphens, beginning and ending with a letter or digit.",
  ),
  "unknown-network": kind(404, "There is no network “{name}” on this machine. See: starmesh networks"),
  "unknown-port-map": kind(404, "There is no port map {id} on this machine. See: starmesh portmap list"),
  "ambiguous-network": kind(409, "“{name}” fits several networks: {list}. Give more of the id."),
  "network-exists": kind(
    409,
    "A network named “{name}” already exists here. Choose another name or leave that one.",
  ),
  "network-off": kind(409, "The network “{name}” is down. Connect it with: starmesh up {name}"),
  "unknown-peer": kind(404, "No member “{name}” is known. See: starmesh members {network}"),
  "no-exit": kind(
    409,
    "{name} is no way to the internet: it has to offer it (starmesh route advertise 0.0.0.0/0) and an administrator to grant it. See: starmesh exit-node",
  ),
  "unknown-name": kind(404, "No name “{name}” is known in this network. See: starmesh name list"),
  "name-taken": kind(409, "“{name}” is the name of {owner} already. Choose another one, or take that back."),
  "names-full": kind(
    409,
    "{most} names are written by hand in this network: more do not fit. Remove some first.",
  ),
  "unknown-relay": kind(404, "No relay “{name}” is known in {network}. There are: {list}."),
  "ambiguous-peer": kind(
    409,
    "“{name}” fits several members: {list}. Give a name, an address or more of the key.",
  ),
  "peer-unreachable": kind(504, "{name} did not answer. See why with: starmesh path {name}", true),
  "link-garbled": kind(
    400,
    "This is not a whole Starmesh link: part of it is missing or changed. Copy the line again.",
  ),
  "link-newer": kind(400, "This link was made by a newer Starmesh. Update this machine first."),
  "invite-expired": kind(410, "This invite has expired. Ask for a new one."),
  "invite-used": kind(410, "This invite has been used up. Ask for a new one."),
  "invite-withdrawn": kind(410, "This invite was withdrawn. Ask for a new one."),
  "wrong-secret": kind(403, "Wrong secret for {name}."),
  "secret-weak": kind(400, "The secret is too short: use at least 8 characters, or let Starmesh make one."),
  "no-network-here": kind(404, "No network {name} here: the router at {router} does not host it."),
  "network-closed": kind(410, "The router no longer hosts this network. Ask its administrator."),
  "wrong-token": kind(
    403,
    "The router does not accept this link: its token was replaced. Get the new link with: starmesh router",
  ),
  "no-router": kind(
    400,
    "This install is no router yet. Give one with --router LINK, or let it be created here.",
  ),
  "router-off": kind(400, "This machine is not acting as a router. Start it with: starmesh router"),
  "router-unreachable": kind(
    503,
    "No router answers at {addresses}. Check that it runs and that its port is open, then try again.",
    true,
  ),
  "router-wrong": kind(
    502,
    "Whoever answers at {address} is not the router that this link names. Do not go on: ask for a new link.",
  ),
  "link-refused": kind(
    502,
    "An ordinary web server answers at {address}, or something stands between: no link to Starmesh can be opened there.",
  ),
  "proxy-unreachable": kind(
    503,
    "The proxy {proxy} cannot be used: {detail}. Check the proxy that is set here, or HTTPS_PROXY.",
    true,
  ),
  "proxy-refused": kind(
    502,
    "The proxy {proxy} lets nobody through to {target}: {detail}. Ask whoever runs it, or set another.",
    true,
  ),
  "router-lost": kind(503, "The connection to the router was lost before it answered. Try again.", true),
  "address-taken": kind(
    409,
    "The address {address} belongs to {owner}. Choose another one or leave out --ip.",
  ),
  "address-outside": kind(400, "The address {address} is not a usable one in {range}."),
  "range-invalid": kind(
    400,
    "“{range}” is no usable address range: write for example 10.20.0.0/16 (private, /8 to /29).",
  ),
  "range-full": kind(409, "No address is left in {range}."),
  "range-overlaps": kind(
    409,
    "The network's range {range} overlaps {local}, which this machine already uses ({interface}). Join with --force to go on without a route there.",
  ),
  "range-taken": kind(
    409,
    "The range {range} overlaps {local}, which this machine already uses ({interface}). Choose another, or leave it out.",
  ),
  "range-clashes": kind(
    409,
    "The range {range} overlaps {local}, which is used already ({where}). Choose another, or force it: {where} will not reach one of the two.",
  ),
  "route-invalid": kind(400, "“{prefix}” is no prefix: write for example 192.168.1.0/24."),
  "route-map": kind(
    400,
    "{prefix} cannot be known as {as}: both have to be of one kind and one length, as 192.168.1.0/24 and 10.9.1.0/24 are.",
  ),
  "route-shared": kind(
    409,
    "{prefix} and {route} overlap: hosts of a LAN share this machine's address, or are routed with their own. Take one back first.",
  ),
  "route-covers": kind(
    409,
    "{prefix} overlaps {range}, the network's own addresses. Give the LAN others for the network, with --as.",
  ),
  "unknown-route": kind(404, "{prefix} is not routed by it. See: starmesh route list"),
  "routes-full": kind(
    409,
    "The routing table holds {most} rows: more do not fit. Lay routes down for all members instead of one by one.",
  ),
  "already-member": kind(409, "This machine is already a member of “{name}”."),
  "not-gateway": kind(
    403,
    "This machine may not let WireGuard clients in. On one of {devices} run: starmesh member gateway {name} on",
  ),
  "not-admin": kind(403, "This machine may not do that. These can: {devices}."),
  "not-with-secret": kind(
    409,
    "“{name}” is kept by a shared secret: {what} is not possible there. Make a network with a new secret instead.",
  ),
  "policy-test": kind(
    409,
    "Test {test} of the policy does not hold any more: {detail}. Change the test, or add a rule.",
  ),
  "policy-too-large": kind(
    413,
    "This policy has {size} characters, and at most {most} fit. Use groups and prefixes, or shorter comments. One on trial carries the former one, too: --keep sets it without.",
  ),
  "no-trial": kind(
    409,
    "No policy of “{name}” is on trial: it was kept, or taken back when its time was over. See: starmesh policy show",
  ),
  "not-allowed": kind(403, "The router refused: {detail}."),
  revoked: kind(403, "This machine was removed from “{name}”. Ask for a new invite to come back."),
  "waits-approval": kind(409, "This machine waits for approval on {devices}."),
  "panel-unauthorized": kind(401, "Open the panel with the link that this command prints: starmesh panel"),
  "panel-link-spent": kind(
    401,
    "This link was used or is older than 10 minutes. Get a new one with: starmesh panel",
  ),
  "too-many-tries": kind(429, "Too many tries. Wait a minute.", true),
  "unknown-call": kind(404, "This Starmesh does not know the call “{call}”. Update the older side."),
  timeout: kind(504, "{what} took too long. Try again.", true),
} as const satisfies Record<string, ErrorKind>;

/** The code of an error; the same at every border. */
export type ErrorCode = keyof typeof errorKinds;

/** An error with a code. Its message is the English line; `data` lets other languages say the same. */
export class AppError extends Error {
  readonly code: ErrorCode;
  readonly data: ErrorData;

  constructor(code: ErrorCode, data: ErrorData = {}) {
    super(fillText(errorKinds[code].text, data));
    this.name = "AppError";
    this.code = code;
    this.data = data;
  }
}

/** An error as it crosses a border. */
export interface WireError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly data: ErrorData;
}

/** Any thrown value as it crosses a border; what is no `AppError` becomes `internal`. */
export function toWireError(error: unknown, logs = "the log folder"): WireError {
  const known =
    error instanceof AppError
      ? error
      : new AppError("internal", { detail: error instanceof Error ? error.message : String(error), logs });
  return { code: known.code, message: known.message, data: known.data };
}

/** The error that came across a border; unknown codes of a newer side become `internal`. */
export function fromWireError(error: {
  code: string;
  message: string;
  data?: ErrorData | undefined;
}): AppError {
  if (isErrorCode(error.code)) return new AppError(error.code, error.data ?? {});
  return new AppError("internal", { detail: error.message, logs: "the log folder" });
}

/** Whether a string is one of our codes. */
export function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(errorKinds, code);
}

/** Fills `{name}` places of a text. */
export function fillText(text: string, data: ErrorData): string {
  return text.replace(/\{(\w+)\}/g, (place, name: string) => String(data[name] ?? place));
}
