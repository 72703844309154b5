/** TCP and UDP of one number, unless UDP has a place of its own: the one given by hand, or the first that is free for both. */
import { AppError } from "../../src-shared/errors.ts";
import type { RouterSettings } from "../../src-shared/router-settings.ts";
import { splitListen } from "../../src-shared/router-settings.ts";
import type { TlsPair } from "../transport/certificate.ts";
import type { openPort, PortOptions, TcpPort } from "./port.ts";
import type { OpenRealm, RealmSettings, RouterRealm } from "./realm.ts";
import type { RouterStore } from "./store.ts";

export interface PortsOptions extends Pick<PortOptions, "secrets" | "accept" | "streams" | "refused"> {
  /** Without `listen` both families, and the port may move. */
  readonly settings: RouterSettings;
  /** Remembers the port that was free last time. */
  readonly store: RouterStore;
  readonly tls: TlsPair;
  /** For the realm. */
  readonly privateKey: string;
  readonly prologue: string;
  readonly mask: string;
  readonly openPort: typeof openPort;
  readonly openRealm: OpenRealm;
}

export interface Ports {
  readonly port: TcpPort;
  readonly realm: RouterRealm;
}

/** Throws `port-in-use` or `system-refused`. */
export async function openPorts(options: PortsOptions): Promise<Ports> {
  const { listen } = options.settings;
  const given = listen === null ? null : splitListen(listen);
  const kept = Number(await options.store.setting("port"));
  const first = given?.port ?? (kept > 0 ? kept : defaultPort);
  const tries = given === null ? portTries : 1;
  for (let number = first; number < first + tries; number++) {
    const opened = await openBoth({ host: given?.host ?? null, number }, options);
    if (opened === null) continue;
    const { port } = opened.port;
    if (given === null && port !== kept) await options.store.setSetting("port", String(port));
    return opened;
  }
  throw new AppError("port-in-use", { port: first });
}

interface Place {
  /** Null: every address of both families. */
  readonly host: string | null;
  readonly number: number;
}

/** Null when one of the two is taken. */
async function openBoth(at: Place, options: PortsOptions): Promise<Ports | null> {
  const port = await openTcp(at, options);
  if (port === null) return null;
  try {
    const { privateKey, prologue, mask } = options;
    const udp = udpPlace(port, options.settings);
    const plain = options.settings.transports.udp.enable;
    const realm = await options.openRealm({ port: port.port, udp, plain, privateKey, prologue, mask });
    return { port, realm };
  } catch (error) {
    await port.close();
    return unlessBusy(error, at.number);
  }
}

/** Datagrams come in where the router listens unless another place was set; all that is made of them switched off, nowhere. */
function udpPlace({ host, port }: TcpPort, { transports }: RouterSettings): RealmSettings["udp"] {
  const { udp, kcp, quic } = transports;
  const isWanted = udp.enable || [kcp, quic].some(({ enable, listen }) => enable && listen === null);
  if (!isWanted) return null;
  return udp.listen === null ? { host, port } : splitListen(udp.listen);
}

async function openTcp({ host, number }: Place, options: PortsOptions): Promise<TcpPort | null> {
  const { tls, secrets, accept, streams, refused } = options;
  const open = (address: string) =>
    options.openPort({ host: address, port: number, tls, secrets, accept, streams, refused });
  try {
    return await open(host ?? "::");
  } catch (error) {
    // Where there is no IPv6, the wildcard of both families does not exist.
    const lacksIpv6 = ["EAFNOSUPPORT", "EADDRNOTAVAIL"].includes(codeOf(error));
    if (host !== null || !lacksIpv6) return unlessBusy(error, number);
  }
  return open("0.0.0.0").catch((error: unknown) => unlessBusy(error, number));
}

/** Null when the port is taken; anything else is an error. */
function unlessBusy(error: unknown, port: number): null {
  const code = codeOf(error);
  if (code === "EADDRINUSE") return null;
  if (error instanceof AppError) throw error;
  const text = error instanceof Error ? error.message : String(error);
  const detail = code === "EACCES" ? "ports below 1024 need root" : text;
  throw new AppError("system-refused", { action: `listen on port ${port}`, detail });
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : "";
}

const defaultPort = 7743;
const portTries = 100;
