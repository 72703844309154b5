/** Joining a network, step by step: with an invite, or with a name and its secret. */
import { toBase64 } from "../../src-shared/bytes.ts";
import { AppError } from "../../src-shared/errors.ts";
import type { NetworkId } from "../../src-shared/ids.ts";
import { hostPort, joinHostPort, nodeName } from "../../src-shared/ids.ts";
import { isLink, parseInvite, parseRouterLink } from "../../src-shared/link.ts";
import { planeTarget } from "../../src-shared/plane.ts";
import type { Entry, EntryOf, NetworkRecord, Signed } from "../../src-shared/trust.ts";
import { overlapping } from "../mesh/addresses.ts";
import { Membership } from "../mesh/membership.ts";
import type { System } from "../system/system.ts";
import type { Control } from "../transport/control.ts";
import { openControl } from "../transport/control.ts";
import type { Greeting } from "../transport/greeting.ts";
import type { SessionPair, SigningKey } from "./crypto.ts";
import { deriveFromSecret, inviteSealKey, networkIdOf, newSessionPair, signingKey } from "./crypto.ts";
import type { EpochKey } from "./issue.ts";
import { memberRights, openEpoch, signCertificate, signDelegated } from "./issue.ts";
import { localPrefixes } from "./locals.ts";
import type { StoredNetwork } from "./stored.ts";
import type { Surroundings } from "./surroundings.ts";

/** What the user gave. */
export interface JoinRequest {
  readonly target: string;
  readonly secret?: string | undefined;
  readonly router?: string | undefined;
  /** Name to go by; the router may add `-2`. */
  readonly nodeName: string;
  readonly address?: string | undefined;
  readonly force: boolean;
}

/** A network joined, ready to be stored and taken up. */
export interface Joined {
  readonly stored: StoredNetwork;
  readonly address: string;
  readonly waitsFor: readonly string[];
  readonly warnings: readonly string[];
}

/** Where and as whom to join. */
interface Ticket {
  readonly network: NetworkId;
  readonly addresses: readonly string[];
  readonly pin: string | null;
  readonly greeting: Greeting;
  readonly secret: { readonly text: string; readonly issuer: SigningKey; readonly epoch: Uint8Array } | null;
  readonly delegated: { readonly key: SigningKey; readonly seed: Uint8Array } | null;
}

/**
 * Joins. `step` hears what is going on. Throws `link-garbled`, `invite-…`, `wrong-secret`, `no-network-here`,
 * `router-…`, `range-overlaps`, `address-…`, `already-member`.
 */
export async function joinNetwork(
  request: JoinRequest,
  surroundings: Surroundings,
  context: {
    readonly known: readonly NetworkId[];
    readonly nameOf: (name: string) => string;
    readonly step: (text: string) => void;
  },
): Promise<Joined> {
  if (!nodeName.safeParse(request.nodeName).success)
    throw new AppError("name-invalid", { name: request.nodeName });
  const ticket = await readTicket(request, surroundings, context.step);
  if (context.known.includes(ticket.network))
    throw new AppError("already-member", { name: request.target.slice(0, 40) });
  context.step("Looking for the router");
  const inbox: Signed[] = [];
  const control = await openControl({
    addresses: ticket.addresses,
    pin: ticket.pin,
    notary: surroundings.notary,
    connect: surroundings.connect,
    greeting: ticket.greeting,
    listener: {
      entries: (entries) => void inbox.push(...entries),
      presence: () => undefined,
      carried: () => undefined,
      closed: () => undefined,
    },
  });
  try {
    return await enter(request, ticket, { control, inbox, surroundings, ...context });
  } finally {
    control.close();
  }
}

async function readTicket(
  request: JoinRequest,
  surroundings: Surroundings,
  step: (text: string) => void,
): Promise<Ticket> {
  if (isLink(request.target, "join") || request.target.includes("://")) {
    const invite = parseInvite(request.target);
    if (invite.expires <= surroundings.now()) throw new AppError("invite-expired");
    const key = signingKey(invite.seed);
    return {
      network: invite.network,
      addresses: invite.addresses,
      pin: invite.pin,
      greeting: { role: "invited", network: invite.network, delegation: key.key, sign: key.sign },
      secret: null,
      delegated: { key, seed: invite.seed },
    };
  }
  const named = nameIn(request);
  if (request.secret === undefined || named === null) throw new AppError("link-garbled");
  const { pin, addresses } = readRouter(named.router);
  step("Deriving the network's keys");
  const derived = await deriveFromSecret(surroundings.cryptography, named.name, request.secret);
  const { issuer, network, epoch } = derived;
  return {
    network,
    addresses,
    pin,
    greeting: { role: "secret", network, name: named.name, issuer: issuer.key, sign: issuer.sign },
    secret: { text: request.secret, issuer, epoch },
    delegated: null,
  };
}

/** The network's name and its router: `HOST:PORT` alone names both. */
function nameIn({ target, router }: JoinRequest): { readonly name: string; readonly router: string } | null {
  return router === undefined ? planeTarget(target) : { name: target, router };
}

function readRouter(text: string): { readonly pin: string | null; readonly addresses: readonly string[] } {
  if (isLink(text, "router")) {
    const { pin, addresses } = parseRouterLink(text);
    return { pin, addresses };
  }
  const whole = hostPort.safeParse(text).success ? text : joinHostPort(text, defaultPort);
  if (!hostPort.safeParse(whole).success) throw new AppError("link-garbled");
  return { pin: null, addresses: [whole] };
}

interface Entering {
  readonly control: Control;
  readonly inbox: Signed[];
  readonly surroundings: Surroundings;
  readonly step: (text: string) => void;
  readonly nameOf: (name: string) => string;
}

async function enter(request: JoinRequest, ticket: Ticket, entering: Entering): Promise<Joined> {
  const { control, inbox, surroundings, step } = entering;
  const { identity, cryptography, notary, now } = surroundings;
  const membership = new Membership(ticket.network, notary.hash);
  const merge = (signed: readonly (Signed | null)[]) =>
    membership.merge(
      signed
        .flatMap((each) => (each === null ? [] : [notary.verify(each)]))
        .filter((entry): entry is Entry => entry !== null),
      now(),
    );
  const { record: signedRecord, delegation: signedDelegation, chain } = control.welcome;
  merge([...chain, signedRecord, signedDelegation]);
  const { record } = membership;
  if (record === null || networkIdOf(record.issuer) !== ticket.network) {
    throw new AppError("router-wrong", { address: control.address });
  }
  const warnings = refuseOverlap(record, request.force, surroundings.system);

  step("Asking for an address");
  const held = await control.request({
    call: "reserve",
    name: request.nodeName,
    identity: identity.key,
    ...(request.address === undefined ? {} : { address: request.address }),
  });
  if (held.name !== request.nodeName)
    warnings.push(`The name ${request.nodeName} was taken; this machine is ${held.name}.`);

  if (ticket.pin === null) {
    warnings.push(
      `The router at ${control.address} was trusted at first sight; from now on it must be ${control.router.pin}.`,
    );
  }

  step("Joining");
  const session = newSessionPair(cryptography);
  const certificate = signOwn(ticket, { ...held, session, membership }, surroundings);
  await control.request({ call: "admit", certificate });
  merge([...inbox, certificate]);
  const epoch = epochOf(ticket, membership, surroundings);
  const pending = membership.pending().some((member) => member.identity === identity.key);
  if (!pending && membership.member(identity.key) === null) {
    throw new AppError("not-allowed", { detail: "the certificate that it admitted does not count" });
  }
  return {
    stored: toStored({
      request,
      ticket,
      record,
      session,
      name: held.name,
      epoch,
      control,
      membership,
      localName: entering.nameOf(record.name),
    }),
    address: held.address,
    waitsFor: pending ? membership.issuers() : [],
    warnings,
  };
}

function refuseOverlap(record: NetworkRecord, force: boolean, system: System): string[] {
  for (const range of record.ranges) {
    const [clash] = overlapping(range, localPrefixes(system));
    if (clash === undefined) continue;
    const { prefix: local, interface: name } = clash;
    if (!force) throw new AppError("range-overlaps", { range, local, interface: name });
    return [`The range ${range} overlaps ${local} on ${name}: no route to the network is set.`];
  }
  return [];
}

function signOwn(
  ticket: Ticket,
  own: {
    readonly name: string;
    readonly address: string;
    readonly session: SessionPair;
    readonly membership: Membership;
  },
  { identity, now }: Surroundings,
): Signed {
  const { name, address, session, membership } = own;
  const holder = {
    network: ticket.network,
    identity: identity.key,
    sessionKey: session.publicKey,
    name,
    address,
  };
  if (ticket.secret !== null) {
    return signCertificate(
      holder,
      { rights: memberRights, serial: nextSerial(membership, identity), now: now() },
      ticket.secret.issuer,
    );
  }
  const delegation = ticket.delegated === null ? null : membership.invite(ticket.delegated.key.key);
  if (ticket.delegated === null || delegation === null) throw new AppError("invite-withdrawn");
  return signDelegated(holder, delegation.entry.body, ticket.delegated.key, now());
}

function nextSerial(membership: Membership, identity: SigningKey): number {
  return (
    Math.max(
      0,
      ...membership.certificatesOf(identity.key).map((entry: EntryOf<"certificate">) => entry.body.serial),
    ) + 1
  );
}

function epochOf(ticket: Ticket, membership: Membership, { cryptography }: Surroundings): EpochKey | null {
  if (ticket.secret !== null) return { number: 1, key: ticket.secret.epoch };
  if (ticket.delegated === null) return null;
  const sealKey = inviteSealKey(ticket.delegated.seed);
  let newest: EpochKey | null = null;
  for (const { body } of membership.entriesOf("epoch")) {
    if (body.delegation !== ticket.delegated.key.key) continue;
    const epoch = openEpoch(body, sealKey, cryptography);
    if (epoch !== null && epoch.number > (newest?.number ?? 0)) newest = epoch;
  }
  return newest;
}

function toStored(parts: {
  readonly request: JoinRequest;
  readonly ticket: Ticket;
  readonly record: NetworkRecord;
  readonly session: SessionPair;
  readonly name: string;
  readonly localName: string;
  readonly epoch: EpochKey | null;
  readonly control: Control;
  readonly membership: Membership;
}): StoredNetwork {
  const { request, ticket, session, epoch, control, membership } = parts;
  const reached = joinHostPort(
    control.remote,
    Number(control.address.slice(control.address.lastIndexOf(":") + 1)),
  );
  return {
    version: 1,
    network: ticket.network,
    name: parts.localName,
    sessionPrivate: session.privateKey,
    nodeName: parts.name,
    router: { addresses: [...new Set([...ticket.addresses, reached])].slice(0, 32), pin: control.router.pin },
    hostedHere: false,
    entries: membership.entries().map((entry) => entry.signed),
    epochs: epoch === null ? [] : [{ number: epoch.number, key: toBase64(epoch.key) }],
    issuerSeed: ticket.secret === null ? null : toBase64(ticket.secret.issuer.seed),
    secret: ticket.secret?.text ?? null,
    member: true,
    up: true,
    force: request.force,
    stampMillis: 0,
    stock: [],
    pins: [],
    rotatedFor: [],
  };
}

const defaultPort = 7743;
