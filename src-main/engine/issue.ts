/** What an administrator signs: networks, certificates, invites, removals. Each function answers with signed entries. */
import type { Cryptography } from "../../drivers/dataplane.ts";
import { fromBase64, toBase64 } from "../../src-shared/bytes.ts";
import type { IdentityKey, Millis, NetworkId, SessionKey } from "../../src-shared/ids.ts";
import { identityKey } from "../../src-shared/ids.ts";
import type {
  Certificate,
  Delegation,
  EntryOf,
  EpochEnvelope,
  NetworkRecord,
  RouterAddress,
  Signed,
} from "../../src-shared/trust.ts";
import type { SigningKey } from "./crypto.ts";
import { inviteSealKey, sessionPair, sha256Base64, signEntry, signingKey } from "./crypto.ts";

/** An epoch key with its number; 32 bytes. */
export interface EpochKey {
  readonly number: number;
  readonly key: Uint8Array;
}

/** A certificate's holder, as far as signing one needs it. */
export interface Holder {
  readonly network: NetworkId;
  readonly identity: IdentityKey;
  readonly sessionKey: SessionKey;
  readonly name: string;
  readonly address: string;
}

/** Rights of an ordinary member. */
export const memberRights: Certificate["rights"] = { relay: true, gateway: null, issue: false };
/** Rights of an administrator: it may also serve stock WireGuard clients. */
export const adminRights: Certificate["rights"] = { relay: true, gateway: [], issue: true };

/** The signed network record. */
export function signRecord(record: NetworkRecord, issuer: SigningKey): Signed {
  return signEntry("network", record, issuer);
}

/** A direct certificate, good for a year. */
export function signCertificate(
  holder: Holder,
  terms: { readonly rights: Certificate["rights"]; readonly serial: number; readonly now: Millis },
  issuer: SigningKey,
): Signed {
  return signEntry("certificate", nodeCertificate(holder, terms, terms.now + year), issuer);
}

/** The certificate that a joining node signs with an invite's key: ends 30 days after the delegation. */
export function signDelegated(holder: Holder, delegation: Delegation, key: SigningKey, now: Millis): Signed {
  const body = nodeCertificate(
    holder,
    { rights: memberRights, serial: 1, now },
    delegation.expires + delegatedGrace,
  );
  return signEntry("certificate", { ...body, tags: delegation.tags }, key);
}

/** A stock client's certificate, signed by the gateway that serves it. */
export function signStock(holder: Holder, gateway: SigningKey, now: Millis): Signed {
  const rights = { relay: false, gateway: null, issue: false };
  const body = nodeCertificate(holder, { rights, serial: 1, now }, now + year);
  return signEntry("certificate", { ...body, kind: "stock", gateway: gateway.key }, gateway);
}

/** The same member again, one serial later: renewed, approved or with other rights. */
export function reissue(
  body: Certificate,
  issuer: SigningKey,
  change: { rights?: Certificate["rights"]; address?: string; now: Millis },
): Signed {
  return signEntry(
    "certificate",
    {
      ...body,
      rights: change.rights ?? body.rights,
      addresses: change.address === undefined ? body.addresses : [change.address],
      serial: body.serial + 1,
      issued: change.now,
      expires: change.now + year,
    },
    issuer,
  );
}

/** A delegation, and the newest epoch key waiting for whoever holds its seed (none under approval or a secret). */
export function signInvite(
  terms: Omit<Delegation, "key"> & { readonly seed: Uint8Array; readonly epoch: EpochKey | null },
  issuer: SigningKey,
  cryptography: Cryptography,
): readonly Signed[] {
  const { seed, epoch, ...limits } = terms;
  const delegated = signingKey(seed);
  const entry = signEntry("delegation", { ...limits, key: delegated.key }, issuer);
  if (epoch === null || terms.approval) return [entry];
  const to = sessionPair(cryptography, inviteSealKey(seed)).publicKey;
  return [
    entry,
    sealEpoch({ network: terms.network, to, delegation: delegated.key }, epoch, { issuer, cryptography }),
  ];
}

/** An epoch key sealed to a member or an invite. */
export function sealEpoch(
  target: { readonly network: NetworkId; readonly to: SessionKey; readonly delegation?: IdentityKey },
  epoch: EpochKey,
  by: { readonly issuer: SigningKey; readonly cryptography: Cryptography },
): Signed {
  const envelope: EpochEnvelope = {
    ...target,
    number: epoch.number,
    hash: sha256Base64(epoch.key),
    box: toBase64(by.cryptography.hpkeSeal(target.to, epoch.key)),
  };
  return signEntry("epoch", envelope, by.issuer);
}

/** The epoch key inside an envelope; null when it is not for this key or not what it says. */
export function openEpoch(
  envelope: EpochEnvelope,
  privateKey: string,
  cryptography: Cryptography,
): EpochKey | null {
  const box = fromBase64(envelope.box);
  const key = box === null ? null : cryptography.hpkeOpen(privateKey, box);
  return key?.length === 32 && sha256Base64(key) === envelope.hash ? { number: envelope.number, key } : null;
}

/** The end of a member's certificates. */
export function signRevocation(
  body: Certificate,
  reason: "removed" | "left",
  by: SigningKey,
  now: Millis,
): Signed {
  return signEntry(
    "revocation",
    {
      network: body.network,
      identity: body.identity,
      sessionKey: body.sessionKey,
      reason,
      at: now,
      until: Math.max(body.expires, now + year),
    },
    by,
  );
}

/** A new epoch key sealed to every member that stays and to every invite that is open. */
export function sealToAll(
  targets: readonly {
    readonly network: NetworkId;
    readonly to: SessionKey;
    readonly delegation?: IdentityKey;
  }[],
  epoch: EpochKey,
  by: { readonly issuer: SigningKey; readonly cryptography: Cryptography },
): readonly Signed[] {
  return targets.map((target) => sealEpoch(target, epoch, by));
}

/** The close record of a delegation: whoever is not listed was never admitted. */
export function signClose(
  delegation: EntryOf<"delegation">,
  admitted: readonly string[],
  issuer: SigningKey,
): Signed {
  return signEntry(
    "close",
    {
      network: delegation.body.network,
      delegation: delegation.body.key,
      admitted: admitted.map((identity) => identityKey.parse(identity)),
      until: delegation.body.expires + delegatedGrace,
    },
    issuer,
  );
}

/** A network record for a network that begins. */
export function firstRecord(
  network: NetworkId,
  issuer: IdentityKey,
  settings: {
    readonly name: string;
    readonly range: string;
    readonly approval: boolean;
    readonly secret: boolean;
    readonly mask?: boolean;
    readonly router: RouterAddress;
  },
): NetworkRecord {
  return {
    network,
    issuer,
    name: settings.name,
    ranges: [settings.range],
    approval: settings.approval,
    secret: settings.secret,
    routers: [settings.router],
    ...(settings.mask === true ? { mask: true } : {}),
    version: 1,
  };
}

function nodeCertificate(
  holder: Holder,
  terms: { readonly rights: Certificate["rights"]; readonly serial: number; readonly now: Millis },
  expires: Millis,
): Certificate {
  return {
    network: holder.network,
    kind: "node",
    identity: holder.identity,
    sessionKey: holder.sessionKey,
    name: holder.name,
    addresses: [holder.address],
    tags: [],
    rights: terms.rights,
    serial: terms.serial,
    issued: terms.now,
    expires,
  };
}

const day = 86_400_000;
const year = 365 * day;
const delegatedGrace = 30 * day;
