/** The signed entries that make up a network's state: their shapes, and the bytes that are signed. */
import { z } from "zod";
import { parseAddress, parsePrefix } from "./address.ts";
import { concatBytes, fromBase64, toUtf8 } from "./bytes.ts";
import { identityKey, networkId, nodeName, sessionKey } from "./ids.ts";
import { mostNameEntries, nameEntry } from "./names.ts";
import { policyRecord } from "./policy.ts";

const millis = z.number().int().nonnegative();
const address = z.string().refine((text) => parseAddress(text) !== null, "not an address");
const prefix = z.string().refine((text) => text.includes("/") && parsePrefix(text) !== null, "not a prefix");
const endpoint = z.string().max(300);
/** Router pin: SHA-256 of its Ed25519 identity, base64. */
export const pin = z
  .string()
  .refine((text) => text.length === 44 && fromBase64(text)?.length === 32, "not a pin");

/** What a member may do besides being reached. */
export const rights = z.object({
  relay: z.boolean(),
  /** Prefixes it may route; null: no gateway. An empty list serves stock clients only. */
  gateway: z.array(prefix).max(256).nullable(),
  issue: z.boolean(),
});

/** A member: both keys, name, addresses, rights. Kind `stock` is signed by the gateway it names. */
export const certificate = z.object({
  network: networkId,
  kind: z.enum(["node", "stock"]),
  identity: identityKey,
  sessionKey,
  name: nodeName,
  addresses: z.array(address).min(1).max(4),
  tags: z.array(z.string().max(63)).max(64),
  rights,
  serial: z.number().int().min(1),
  issued: millis,
  expires: millis,
  /** Identity of the serving gateway, kind `stock` only. */
  gateway: identityKey.optional(),
});
export type Certificate = z.infer<typeof certificate>;

/** A router of a network: where it answers and who it is. */
export const routerAddress = z.object({ addresses: z.array(endpoint).min(1).max(32), pin });
export type RouterAddress = z.infer<typeof routerAddress>;

/** Broadcasts and multicasts that members pass to each other. */
export const broadcastTerms = z.object({
  /** UDP destination ports. */
  ports: z.array(z.number().int().min(1).max(65535)).min(1).max(64),
  /** Packets of each member that go out. */
  perSecond: z.number().int().min(1).max(1000),
});
export type BroadcastTerms = z.infer<typeof broadcastTerms>;

/** The network itself. Range, approval and routers count from here only. */
export const networkRecord = z.object({
  network: networkId,
  issuer: identityKey,
  name: nodeName,
  ranges: z.array(prefix).min(1).max(2),
  approval: z.boolean(),
  /** Kept by a shared secret: issuer and epoch key are derived from it. */
  secret: z.boolean(),
  routers: z.array(routerAddress).max(64),
  /** Members mask what they send over plain UDP; absent: they do not. */
  mask: z.boolean().optional(),
  /** Absent: none pass. */
  broadcast: broadcastTerms.optional(),
  version: z.number().int().min(1),
});
export type NetworkRecord = z.infer<typeof networkRecord>;

/** What a node found out about the NAT before it: information for verdicts and prediction, never a gate. */
export const natFacts = z.object({
  /**
   * How outer ports are chosen: `none` (no NAT), `independent` of the destination, `sequential` or `random` for each
   * destination, or not known.
   */
  mapping: z.enum(["none", "independent", "sequential", "random", "unknown"]),
  /** Kind `sequential`: from one destination's port to the next. */
  step: z.number().int().min(-64).max(64),
  /** Protocol by which the gateway opened a port for this node. */
  portMapping: z.enum(["upnp", "nat-pmp", "pcp"]).nullable(),
  /** UDP to some server is answered; null until tried. */
  udp: z.boolean().nullable(),
});
export type NatFacts = z.infer<typeof natFacts>;

/** How much a gateway is preferred: the lowest number wins. */
export const routePriority = z.number().int().min(1).max(1000);

/** A prefix behind a gateway, by the gateway's word. */
export const advertisedRoute = z.object({
  /** As it is there. */
  prefix,
  /** As the other members know it, address by address; absent: the same. */
  as: prefix.optional(),
  /** Absent: 100. */
  priority: routePriority.optional(),
  /** The gateway itself does not reach it just now. */
  down: z.boolean().optional(),
});
export type AdvertisedRoute = z.infer<typeof advertisedRoute>;

/**
 * Who routes what for whom, as administrators lay it down. For a prefix that stands here only what stands here counts,
 * whatever gateways say of their priority; for all other prefixes each gateway's own word does.
 */
export const routingTable = z.object({
  network: networkId,
  version: z.number().int().min(1),
  routes: z
    .array(
      z.object({
        prefix,
        /** Whose route it is; null: everybody's. */
        member: identityKey.nullable(),
        /** The gateway that carries it. */
        via: identityKey,
        priority: routePriority,
      }),
    )
    .max(1200),
});
export type RoutingTable = z.infer<typeof routingTable>;

/** Names written by hand for all members. */
export const namesRecord = z.object({
  network: networkId,
  version: z.number().int().min(1),
  names: z.array(nameEntry).max(mostNameEntries),
});
export type NamesRecord = z.infer<typeof namesRecord>;

/** Where a node can be reached, by its own word. */
export const nodeRecord = z.object({
  network: networkId,
  identity: identityKey,
  version: millis,
  /** An endpoint may name a link: `tls/192.0.2.1:443`. */
  candidates: z
    .array(z.object({ endpoint, kind: z.enum(["lan", "reflexive", "mapped", "declared"]) }))
    .max(64),
  /** Relays it can be reached through, by pin (routers) or identity (members). */
  relays: z.array(z.string().max(44)).max(16),
  nat: natFacts.optional(),
  /** Transports that it takes where its candidates of plain UDP are; those that are not known are no use. */
  takes: z.array(z.string().max(8)).max(8).optional(),
  /** Relays for other members at this cost in milliseconds, added to the measured ones; absent: does not. */
  relay: z.object({ cost: z.number().int().min(1).max(1000) }).optional(),
  /** Prefixes that it routes now. Each counts only inside its right `gateway`. */
  routes: z.array(advertisedRoute).max(256).optional(),
  /** Prefixes that it would route if an administrator granted them. */
  requests: z.array(prefix).max(64).optional(),
});
export type NodeRecord = z.infer<typeof nodeRecord>;

/** End of a member, by an administrator or by itself. Kept until what it names has expired. */
export const revocation = z.object({
  network: networkId,
  identity: identityKey,
  sessionKey,
  reason: z.enum(["removed", "left"]),
  at: millis,
  /** Expiry of the latest certificate it ends. */
  until: millis,
});

/** A short-lived issuer key with limits: the signed half of an invite. */
export const delegation = z.object({
  network: networkId,
  key: identityKey,
  expires: millis,
  count: z.number().int().min(1),
  tags: z.array(z.string().max(63)).max(64),
  approval: z.boolean(),
});
export type Delegation = z.infer<typeof delegation>;

/** Final list of whom a delegation admitted: any other certificate of it is refused from then on. */
export const closeRecord = z.object({
  network: networkId,
  delegation: identityKey,
  admitted: z.array(identityKey).max(100_000),
  until: millis,
});

/** An epoch key sealed (HPKE) to one member's session key, or to an invite's seal key. */
export const epochEnvelope = z.object({
  network: networkId,
  number: z.number().int().min(1),
  /** SHA-256 of the epoch key, base64: tells two keys with one number apart. */
  hash: z.string().length(44),
  to: sessionKey,
  /** Public half of the invite the envelope waits for; absent for a member. */
  delegation: identityKey.optional(),
  box: z.string().max(512),
});
export type EpochEnvelope = z.infer<typeof epochEnvelope>;

const bodies = {
  certificate,
  network: networkRecord,
  node: nodeRecord,
  revocation,
  delegation,
  close: closeRecord,
  epoch: epochEnvelope,
  routing: routingTable,
  policy: policyRecord,
  names: namesRecord,
} as const;
export type EntryKind = keyof typeof bodies;
type Bodies = { readonly [Kind in EntryKind]: z.infer<(typeof bodies)[Kind]> };

/** Characters of an entry's body at most. */
export const mostBody = 262_144;

/** A signed entry as it travels: the text exactly as its signer sent it, JSON, or that of a long policy packed. */
export const signed = z.object({
  kind: z.enum(Object.keys(bodies) as [EntryKind, ...EntryKind[]]),
  body: z.string().max(mostBody),
  key: identityKey,
  signature: z.string().length(88),
});
export type Signed = z.infer<typeof signed>;

/** A signed entry whose signature was found right. Whether its signer may say so is for `mesh/` to decide. */
export type Entry = {
  readonly [Kind in EntryKind]: {
    readonly kind: Kind;
    readonly body: Bodies[Kind];
    readonly signer: z.infer<typeof identityKey>;
    /** SHA-256 of the signed bytes and the signature, base64. */
    readonly hash: string;
    readonly signed: Signed;
  };
}[EntryKind];
export type EntryOf<Kind extends EntryKind> = Extract<Entry, { readonly kind: Kind }>;

/** The bytes an entry's signature covers: "starmesh/1 kind" ‖ 0 ‖ body as sent. */
export function signedBytes(kind: string, body: string | Uint8Array): Uint8Array<ArrayBuffer> {
  return concatBytes(
    toUtf8(`starmesh/1 ${kind}`),
    new Uint8Array(1),
    typeof body === "string" ? toUtf8(body) : body,
  );
}

/** The body of a signed entry, checked by its schema; null when it is not one. Does not look at the signature. */
export function parseBody<Kind extends EntryKind>(kind: Kind, text: string): Bodies[Kind] | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  const parsed = bodies[kind].safeParse(value);
  return parsed.success ? (parsed.data as Bodies[Kind]) : null;
}

/** What checks and hashes entries: made by the engine, given to those that may not import cryptography. */
export interface Notary {
  /** Signature and schema right → the entry; else null. */
  verify(signed: Signed): Entry | null;
  /** Whether `signature` (base64) of `key` covers the bytes. */
  verifyBytes(key: string, bytes: Uint8Array, signature: string): boolean;
  /** SHA-256, base64. */
  hash(bytes: Uint8Array): string;
}
