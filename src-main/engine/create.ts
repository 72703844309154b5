/** Creating a network: its keys, its first record, its first member, and its place at a router. */
import { randomBytes } from "node:crypto";
import { formatAddress, parsePrefix } from "../../src-shared/address.ts";
import { toBase64, toBase64Url } from "../../src-shared/bytes.ts";
import { AppError } from "../../src-shared/errors.ts";
import type { SessionKey } from "../../src-shared/ids.ts";
import { nodeName } from "../../src-shared/ids.ts";
import type { RouterAddress, Signed } from "../../src-shared/trust.ts";
import { AddressBook, newRange, overlapping, parseRange } from "../mesh/addresses.ts";
import { openControl } from "../transport/control.ts";
import type { SigningKey } from "./crypto.ts";
import {
  deriveFromSecret,
  isWeakSecret,
  networkIdOf,
  newSecret,
  newSessionPair,
  newSigningKey,
} from "./crypto.ts";
import { adminRights, firstRecord, signCertificate, signRecord } from "./issue.ts";
import { localPrefixes } from "./locals.ts";
import type { StoredNetwork } from "./stored.ts";
import type { Surroundings } from "./surroundings.ts";

/** What the user gave. */
export interface CreateRequest {
  readonly name: string;
  /** Empty: one is made. Absent: a network with invites. */
  readonly secret?: string | undefined;
  readonly cidr?: string | undefined;
  readonly approve: boolean;
  /** Members mask what they send over plain UDP. */
  readonly mask: boolean;
  readonly join: boolean;
  readonly nodeName: string;
}

/** The router that shall host it. */
export interface Host {
  readonly router: RouterAddress;
  /** Addresses for this install only, tried besides. */
  readonly near: readonly string[];
  readonly token: Uint8Array;
  readonly here: boolean;
}

/** A network created, ready to be stored and taken up. */
export interface Created {
  readonly stored: StoredNetwork;
  readonly warnings: readonly string[];
}

/** Creates a network at a router. Throws `name-invalid`, `range-…`, `wrong-token`, `router-…`, `network-exists`. */
export async function createNetwork(
  request: CreateRequest,
  host: Host,
  surroundings: Surroundings,
): Promise<Created> {
  for (const name of [request.name, request.nodeName]) {
    if (!nodeName.safeParse(name).success) throw new AppError("name-invalid", { name });
  }
  const warnings: string[] = [];
  const range = chooseRange(request.cidr, surroundings);
  const secret = request.secret === "" ? newSecret() : request.secret;
  if (secret !== undefined && [...secret].length < 8) throw new AppError("secret-weak");
  if (secret !== undefined && isWeakSecret(secret)) {
    warnings.push(
      "This secret can be guessed with some effort: let Starmesh make one with --secret and no value.",
    );
  }
  const keys = await networkKeys(request.name, secret, surroundings);
  const { issuer, epoch } = keys;
  const network = networkIdOf(issuer.key);
  const session = newSessionPair(surroundings.cryptography);
  const record = firstRecord(network, issuer.key, {
    name: request.name,
    range,
    approval: request.approve,
    secret: secret !== undefined,
    mask: request.mask,
    router: host.router,
  });
  const entries: Signed[] = [signRecord(record, issuer)];
  if (request.join)
    entries.push(
      firstMember(
        { network, range, name: request.nodeName, sessionKey: session.publicKey },
        issuer,
        surroundings,
      ),
    );
  await publishFirst(network, entries, host, surroundings);
  return {
    warnings,
    stored: {
      version: 1,
      network,
      name: request.name,
      sessionPrivate: session.privateKey,
      nodeName: request.nodeName,
      router: {
        addresses: [...new Set([...host.near, ...host.router.addresses])].slice(0, 32),
        pin: host.router.pin,
      },
      hostedHere: host.here,
      entries,
      epochs: [{ number: 1, key: toBase64(epoch) }],
      issuerSeed: toBase64(issuer.seed),
      secret: secret ?? null,
      member: request.join,
      up: true,
      force: false,
      stampMillis: 0,
      stock: [],
      pins: [],
      rotatedFor: [],
    },
  };
}

function chooseRange(cidr: string | undefined, { system }: Surroundings): string {
  const locals = localPrefixes(system);
  if (cidr === undefined) {
    const range = newRange(locals, Math.random);
    if (range === null) throw new AppError("range-full", { range: "10.0.0.0/8" });
    return range;
  }
  const range = parseRange(cidr);
  if (range === null) throw new AppError("range-invalid", { range: cidr });
  const [clash] = overlapping(range, locals);
  if (clash !== undefined) {
    throw new AppError("range-taken", { range, local: clash.prefix, interface: clash.interface });
  }
  return range;
}

async function networkKeys(
  name: string,
  secret: string | undefined,
  { cryptography }: Surroundings,
): Promise<{ readonly issuer: SigningKey; readonly epoch: Uint8Array }> {
  if (secret === undefined) return { issuer: newSigningKey(), epoch: randomBytes(32) };
  return deriveFromSecret(cryptography, name, secret);
}

function firstMember(
  holder: {
    readonly network: StoredNetwork["network"];
    readonly range: string;
    readonly name: string;
    readonly sessionKey: SessionKey;
  },
  issuer: SigningKey,
  { identity, notary, now }: Surroundings,
): Signed {
  const { network, range, name, sessionKey } = holder;
  const book = new AddressBook(network, notary.hash);
  const prefix = parsePrefix(range);
  const first =
    prefix === null ? undefined : formatAddress({ family: prefix.family, value: prefix.value + 1n });
  const reserved = book.reserve(
    { identity: identity.key, name, address: first },
    { ranges: [range], inUse: [] },
    now(),
  );
  if (!reserved.ok) throw new AppError(reserved.code, reserved.data);
  return signCertificate(
    { network, identity: identity.key, sessionKey, name, address: reserved.address },
    { rights: adminRights, serial: 1, now: now() },
    issuer,
  );
}

async function publishFirst(
  network: StoredNetwork["network"],
  entries: readonly Signed[],
  host: Host,
  { notary, connect }: Surroundings,
): Promise<void> {
  const control = await openControl({
    addresses: [...new Set([...host.near, ...host.router.addresses])],
    pin: host.router.pin,
    notary,
    connect,
    greeting: { role: "host", network, token: toBase64Url(host.token) },
    listener: {
      entries: () => undefined,
      presence: () => undefined,
      carried: () => undefined,
      closed: () => undefined,
    },
  });
  try {
    await control.request({ call: "host", entries: [...entries] });
  } finally {
    control.close();
  }
}
