/** What nodes and routers say to each other: on the control socket, and as control messages inside sessions. */
import { z } from "zod";
import { parseAddress } from "./address.ts";
import { concatBytes, toUtf8 } from "./bytes.ts";
import { identityKey, networkId, nodeName, sessionKey, splitHostPort } from "./ids.ts";
import { natFacts, signed } from "./trust.ts";

const signature = z.string().length(88);
const base64 = z.string().max(4096);
const numericEndpoint = z
  .string()
  .max(64)
  .refine((text) => parseAddress(splitHostPort(text)?.host ?? "") !== null, "not a numeric endpoint");
const failure = z.object({
  code: z.string().max(64),
  message: z.string().max(1000),
  data: z.record(z.string(), z.union([z.string(), z.number()])).optional(),
});

/** First message of a router, at once: its keys, and its identity's signature over `routerHelloBytes`. */
export const routerHello = z.object({
  kind: z.literal("router"),
  version: z.literal(1),
  identity: identityKey,
  sessionKey,
  signature,
});
export type RouterHello = z.infer<typeof routerHello>;

/**
 * First message of a node, once the router's identity fits the pin. Each signature is over `nodeHelloBytes`, by the key
 * that the role names.
 */
export const nodeHello = z.discriminatedUnion("role", [
  /** The certificate's identity signs. */
  z.object({ role: z.literal("member"), network: networkId, certificate: signed, signature }),
  /** The invite's delegated key signs. */
  z.object({ role: z.literal("invited"), network: networkId, delegation: identityKey, signature }),
  /** The issuer key derived from name and secret signs; `network` is what it hashes to. */
  z.object({ role: z.literal("secret"), network: networkId, name: nodeName, issuer: identityKey, signature }),
  /** The issuer key signs: an administrator that is no member. */
  z.object({ role: z.literal("issuer"), network: networkId, issuer: identityKey, signature }),
  /** No signature: the hosting token (base64url) allows to create a network. */
  z.object({ role: z.literal("host"), network: networkId, token: z.string().max(64) }),
]);
export type NodeHello = z.infer<typeof nodeHello>;
export type NodeRole = NodeHello["role"];

/** What a router's hello signs: "starmesh/1 control" ‖ 0 ‖ "router" ‖ 0 ‖ TLS exporter ‖ its session key (32 bytes). */
export function routerHelloBytes(exporter: Uint8Array, sessionKeyBytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return helloBytes("router", exporter, sessionKeyBytes);
}

/** What a node's hello signs: "starmesh/1 control" ‖ 0 ‖ role ‖ 0 ‖ TLS exporter ‖ the router's identity (32 bytes). */
export function nodeHelloBytes(
  role: NodeRole,
  exporter: Uint8Array,
  routerIdentityBytes: Uint8Array,
): Uint8Array<ArrayBuffer> {
  return helloBytes(role, exporter, routerIdentityBytes);
}

/** A link as one of its ends tells of it. */
export const toldLink = z.object({
  /** The other end. */
  to: sessionKey,
  /** Names of the relays between; empty when direct. */
  via: z.array(z.string().max(300)).max(8),
  /** Round trip in milliseconds; null until measured. */
  ms: z.number().min(0).max(60_000).nullable(),
});
export type ToldLink = z.infer<typeof toldLink>;

/**
 * A port of a router, to be tried by members from outside. `port` 0: that of the address by which the network's record names
 * it. `https`: its page answers there.
 */
export const reachPort = z.object({
  protocol: z.enum(["udp", "tcp", "https"]),
  port: z.number().int().min(0).max(65_535),
});
export type ReachPort = z.infer<typeof reachPort>;

/** What came of trying one. `refused`: nobody listens there. `stranger`: somebody else answers. */
export const reachTry = z.object({
  protocol: reachPort.shape.protocol,
  /** `host:port`, the host as the network's record has it. */
  address: z.string().max(300),
  outcome: z.enum(["reached", "refused", "stranger", "silent"]),
});
export type ReachTry = z.infer<typeof reachTry>;

/** Requests of a node; each is idempotent. */
export const controlRequest = z.discriminatedUnion("call", [
  /** Role host: the signed network record, and the administrator's own certificate if it is a member. */
  z.object({ call: z.literal("host"), entries: z.array(signed).min(1).max(16) }),
  /** Role issuer or an administrator: the router forgets the network. */
  z.object({ call: z.literal("unhost") }),
  /** Holds name and address for 60 s → `{name, address}`; a duplicate name gets `-2`. */
  z.object({
    call: z.literal("reserve"),
    name: nodeName,
    address: z.string().max(64).optional(),
    identity: identityKey,
  }),
  /** Role invited or secret: the certificate that the joining node signed. → `{}` and the state as `entries`. */
  z.object({ call: z.literal("admit"), certificate: signed }),
  z.object({ call: z.literal("publish"), entries: z.array(signed).max(4096) }),
  /**
   * `have`: digest of the sender's state, envelopes left out: SHA-256 (base64) of all hashes, sorted, one per line. Answered at once by `{same}`; with `hashes` (the first 8 bytes of each entry's
   * hash, base64url) what the sender lacks is pushed before the answer, which says what the router wants in turn.
   */
  z.object({
    call: z.literal("sync"),
    have: z.string().max(64),
    hashes: z.array(z.string().max(16)).max(20_000).optional(),
  }),
  /** Whether the node's UDP session with the router stands. */
  z.object({ call: z.literal("presence"), udp: z.boolean() }),
  /** A sealed datagram for a member, where UDP to the router fails. */
  z.object({ call: z.literal("carry"), to: sessionKey, datagram: base64 }),
  /** Links of this node, for pictures of the network only; they replace what it told before. */
  z.object({ call: z.literal("links"), links: z.array(toldLink).max(64) }),
  /** What all members told of their links. `have`: the version that the asker has; null: none. */
  z.object({ call: z.literal("graph"), have: z.string().max(64).nullable() }),
  /** What came of a `reach` of the router; `id` is that one's. */
  z.object({ call: z.literal("reached"), id: z.number().int(), tries: z.array(reachTry).max(64) }),
]);
export type ControlRequest = z.infer<typeof controlRequest>;

/** Answers by call. */
export const controlAnswers = {
  host: z.object({}),
  unhost: z.object({}),
  reserve: z.object({ name: nodeName, address: z.string().max(64) }),
  admit: z.object({}),
  publish: z.object({}),
  sync: z.object({ same: z.boolean(), want: z.array(z.string().max(16)).max(20_000) }),
  presence: z.object({}),
  carry: z.object({}),
  links: z.object({}),
  graph: z.object({
    version: z.string().max(64),
    /** Null: as in the version that the asker has. */
    graph: z
      .object({
        keys: z.array(sessionKey).max(8192),
        /** `a`, `b`: places in `keys`. `via`: names of the relays from `a` to `b`. */
        links: z
          .array(
            z.object({
              a: z.number().int(),
              b: z.number().int(),
              via: toldLink.shape.via,
              ms: toldLink.shape.ms,
            }),
          )
          .max(4096),
      })
      .nullable(),
  }),
  reached: z.object({}),
} as const satisfies Record<ControlCall, z.ZodType>;
export type ControlCall = ControlRequest["call"];
export type ControlAnswer<Call extends ControlCall> = z.infer<(typeof controlAnswers)[Call]>;

/** Everything a node sends after its hello. */
export const nodeMessage = z.object({
  kind: z.literal("request"),
  id: z.number().int(),
  request: controlRequest,
});
export type NodeMessage = z.infer<typeof nodeMessage>;

/** A member's presence at the router. */
export const presence = z.object({ identity: identityKey, online: z.boolean(), udp: z.boolean() });
export type Presence = z.infer<typeof presence>;

/** A transport by which a router takes links; one that is not known here is no use. */
export const offeredLink = z.object({
  transport: z.string().max(8),
  /** 0: the port by which the control socket was reached. */
  port: z.number().int().min(0).max(65_535),
  /** Transport `wss`: the path of such links. */
  path: z.string().max(200).optional(),
});
export type OfferedLink = z.infer<typeof offeredLink>;

/** Everything a router sends after its hello. */
export const routerMessage = z.discriminatedUnion("kind", [
  /**
   * The hello was accepted. `record`: the signed network record (null for role host). `delegation`: the signed
   * delegation (role invited). `chain`: certificates that lead from their signers to the issuer key. `stunPort`: UDP
   * port beside the router's own that answers STUN too, so that one router tells how a NAT chooses ports. `udp`: whether
   * plain UDP is taken, at the port of this socket unless `links` names another. `links`: what else carries sessions.
   * `mask`: the router's mask key, 32 bytes, for members of networks that mask their datagrams.
   */
  z.object({
    kind: z.literal("welcome"),
    record: signed.nullable(),
    delegation: signed.nullable(),
    chain: z.array(signed).max(64),
    stunPort: z.number().int().min(1).max(65535).nullable().default(null),
    udp: z.boolean().default(true),
    links: z.array(offeredLink).max(16).default([]),
    mask: base64.max(44).nullable().default(null),
  }),
  /** The hello was refused, or the node was removed; the socket closes. */
  z.object({ kind: z.literal("refused"), error: failure }),
  z.object({ kind: z.literal("answer"), id: z.number().int(), answer: z.record(z.string(), z.unknown()) }),
  z.object({ kind: z.literal("failure"), id: z.number().int(), error: failure }),
  z.object({ kind: z.literal("entries"), entries: z.array(signed) }),
  /** `complete`: everybody not listed is offline. */
  z.object({ kind: z.literal("presence"), complete: z.boolean(), members: z.array(presence) }),
  z.object({ kind: z.literal("carried"), from: sessionKey, datagram: base64 }),
  /**
   * The router asks how it is reached from where the node is. It names ports alone: the node tries them at the hosts that
   * the network's signed record has for this router, and none that it was not told of at its welcome.
   */
  z.object({ kind: z.literal("reach"), id: z.number().int(), ports: z.array(reachPort).max(8) }),
]);
export type RouterMessage = z.infer<typeof routerMessage>;

/** Kinds of control messages inside sessions (one byte each). */
export const controlKind = {
  state: 1,
  relayOpen: 2,
  relayOffer: 3,
  routes: 4,
  punch: 5,
  seek: 7,
  moved: 8,
  lookUp: 9,
} as const;

/** A query of the domain name system for a member that is a way to the internet, and its answer. */
export const lookUp = z.object({ message: z.string().max(60_000) });

/** Node → relay: open a channel to a member; carries the first datagram. */
export const relayOpen = z.object({
  to: sessionKey,
  certificate: signed,
  datagram: base64,
  /** Relays still allowed on the way. */
  hops: z.number().int().min(1).max(16),
  /** Relays passed so far; none of them takes it on again. */
  via: z.array(identityKey).max(16).optional(),
  /** The relay that has the member's session, as the first relay found; absent from a leaf. */
  towards: identityKey.optional(),
  /** Relays through which it did not work. */
  avoid: z.array(identityKey).max(16).optional(),
});
/** Relay's answer: the channel of the asking end, or why not. `here`: that member answers at the relay's own address. */
export const relayOpened = z.union([
  /** `via`: the relays after the answering one, in order. */
  z.object({ channel: z.number().int(), via: z.array(identityKey).max(16).optional() }),
  z.object({ refused: z.enum(["unknown", "offline", "not-allowed", "quota", "here"]) }),
]);
/** Relay → the other end: a member asks for it through this channel. Answered by `{}`. */
export const relayOffer = z.object({
  from: sessionKey,
  channel: z.number().int(),
  certificate: signed,
  datagram: base64,
  /** The relays behind the offering one, in order, the one next to the asking member last. */
  via: z.array(identityKey).max(16).optional(),
});

/** What one end knows of itself when it looks for a way through NATs. */
export const punchFacts = z.object({
  /** Where it is seen from outside, addresses on the internet only; numeric. */
  endpoints: z.array(numericEndpoint).max(16),
  nat: natFacts.pick({ mapping: true, step: true }),
  /** Outer port of a mapping made just now, for the end behind a sequential NAT; null: not measured. */
  latest: z.number().int().min(1).max(65_535).nullable(),
  /** Where its TCP links are seen from outside, when UDP is closed at either end. */
  tcp: numericEndpoint.nullable().default(null),
});
export type PunchFacts = z.infer<typeof punchFacts>;

/** Node → node: both send through their NATs at once, now. Answered by the other end's `punchFacts`. */
export const punchRequest = z.object({ attempt: z.number().int().min(1).max(1000), facts: punchFacts });

/**
 * A member is looked for, through peers that may know where it is, while no router says so. `seek`: node → any peer;
 * `from`: that peer → the member itself, which then calls the seeking one. Answered by `sought`.
 */
export const seek = z.union([
  z.object({ seek: sessionKey, certificate: signed, endpoints: z.array(numericEndpoint).max(16) }),
  z.object({ from: sessionKey, certificate: signed, endpoints: z.array(numericEndpoint).max(16) }),
]);
export type Seek = z.infer<typeof seek>;
/** What the asked peer knows: the member's entries, and where it hears it now. */
export const sought = z.object({
  entries: z.array(signed).max(4),
  endpoints: z.array(numericEndpoint).max(4),
});

/** First control message of a new session, both ways: digest, then what the other lacks. */
export const stateExchange = z.object({
  digest: z.string().max(64),
  /** First 8 bytes of each entry's hash (base64url), when the digests differ. */
  have: z.array(z.string().max(16)).max(20_000).optional(),
  entries: z.array(signed).max(4096).optional(),
});

function helloBytes(speaker: string, ...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const zero = new Uint8Array(1);
  return concatBytes(toUtf8("starmesh/1 control"), zero, toUtf8(speaker), zero, ...parts);
}
