/** What the engine keeps on disk: the node itself, and each of its networks. */
import { z } from "zod";
import { exitChoice } from "../../src-shared/exit.ts";
import { identityKey, networkId, nodeName, sessionKey } from "../../src-shared/ids.ts";
import { routeAcceptance, sharedLans } from "../../src-shared/route-status.ts";
import { networkStart, pinStatus } from "../../src-shared/status.ts";
import { advertisedRoute, routerAddress, signed } from "../../src-shared/trust.ts";

const base64 = z.string().max(128);

/** `node.json`: the identity and what was chosen for this install. */
export const storedNode = z.object({
  version: z.literal(1),
  /** Seed of the Ed25519 identity. */
  seed: base64,
  name: nodeName,
  /** UDP port that was free last time. */
  port: z.number().int().min(1).max(65535).nullable(),
  /** Mbit/s that each member may have relayed here; absent: any number. */
  relayQuotaMbit: z.number().int().min(1).optional(),
});
export type StoredNode = z.infer<typeof storedNode>;

/** A prefix that this machine routes for a network, as it was asked to. */
export const storedRoute = advertisedRoute.omit({ down: true }).extend({
  /** What comes from the network leaves under this machine's address. */
  snat: z.boolean(),
  /** Prefixes that may come to it from the network; empty: all. */
  allow: z.array(z.string()).max(256),
  /** It was connected to it, or had a route of its own, when it was asked: without that it does not reach it. */
  direct: z.boolean(),
});
export type StoredRoute = z.infer<typeof storedRoute>;

/** `networks/ID.json`: one network this node belongs to or administers. */
export const storedNetwork = z.object({
  version: z.literal(1),
  network: networkId,
  /** Name it goes by here. */
  name: nodeName,
  /** X25519 private key of this network. */
  sessionPrivate: base64,
  nodeName,
  /** Where control is looked for, besides the routers of the network record. */
  router: routerAddress,
  /** The router is this install itself. */
  hostedHere: z.boolean(),
  entries: z.array(signed),
  epochs: z.array(z.object({ number: z.number().int(), key: base64 })),
  /** Seed of the issuer key where this install holds it. */
  issuerSeed: base64.nullable(),
  secret: z.string().nullable(),
  /** False: administered here without being a member. */
  member: z.boolean(),
  /** Connected, also when the engine starts unless `start` says otherwise. */
  up: z.boolean(),
  start: networkStart.optional(),
  /** Its place among the networks of this install, the lowest first. */
  place: z.number().int().optional(),
  /** Joined in spite of an overlap: no route is set. */
  force: z.boolean(),
  /** TAI64N floor: milliseconds since 1970. */
  stampMillis: z.number(),
  /** Stock clients served here, with the seed of the identity that each leaves by. */
  stock: z.array(z.object({ sessionKey, presharedKey: base64, seed: base64 })),
  /** What was chosen for the paths to peers. */
  pins: z.array(pinStatus.extend({ identity: identityKey })),
  /** Whether it relays for other members, once that was chosen. */
  relay: z.object({ on: z.boolean(), cost: z.number().int().min(1).max(1000) }).optional(),
  /** Whether ways to peers that were used lately are kept open, once that was chosen. */
  early: z.boolean().optional(),
  /** False: it neither sends nor takes the network's broadcasts. */
  broadcast: z.boolean().optional(),
  /** The member through which this machine goes to the internet. */
  exit: exitChoice.optional(),
  /** What it routes for others. */
  routes: z.array(storedRoute).optional(),
  /** Hosts of which LANs reach the network through this machine, under its address. */
  shared: sharedLans.optional(),
  /** Which routes of others it takes, once that was chosen. */
  acceptance: routeAcceptance.optional(),
  /** Revocations after which a new epoch was minted here. */
  rotatedFor: z.array(z.string()),
});
export type StoredNetwork = z.infer<typeof storedNetwork>;
