/** Routes as users see them: who carries which prefix, who else could, and what stands in the way. */
import { z } from "zod";

/** How it stands with a gateway for one prefix. */
export const gatewayStanding = z.enum([
  /** Packets go to it. */
  "carries",
  /** It would take over at once. */
  "ready",
  /** Nothing was tried yet. */
  "untried",
  /** It does not answer. */
  "lost",
  /** It says itself that it does not reach the prefix just now. */
  "down",
  /** No administrator granted it. */
  "waits",
  /** Administrators laid down others. */
  "passed-over",
]);
export type GatewayStanding = z.infer<typeof gatewayStanding>;

export const routeState = z.enum([
  /** A gateway carries it. */
  "carried",
  /** This machine routes it itself. */
  "own",
  /** Nobody who may carry it can just now. */
  "unreachable",
  /** It is not accepted here. */
  "refused",
  /** Nobody may carry it yet: an administrator is asked. */
  "waits",
  /** This machine uses the addresses already, so nothing is routed. */
  "overlaps",
]);
export type RouteState = z.infer<typeof routeState>;

/** Why a prefix is routed as it is. */
export const routeReason = z.enum([
  "only",
  "first",
  "fastest",
  "took-over",
  "kept",
  "untried",
  "lost",
  "down",
  "own",
  "refused",
  "elsewhere",
  "waits",
  "overlaps",
  "range",
]);
export type RouteReason = z.infer<typeof routeReason>;

/** A gateway that tells of a prefix. */
export const gatewayStatus = z.object({
  name: z.string(),
  identity: z.string(),
  self: z.boolean(),
  /** The prefix as it is behind the gateway, where it is mapped; else null. */
  inside: z.string().nullable(),
  standing: gatewayStanding,
  /** The lowest number wins. */
  priority: z.number(),
  latencyMs: z.number().nullable(),
});
export type GatewayStatus = z.infer<typeof gatewayStatus>;

/** A prefix behind gateways of a network. */
export const routeStatus = z.object({
  network: z.string(),
  prefix: z.string(),
  state: routeState,
  /** Name of the gateway that carries it; null: none does. */
  via: z.string().nullable(),
  reasonCode: routeReason,
  /** One English sentence: why this gateway, or why none. */
  reason: z.string(),
  /** Laid down by administrators in the routing table. */
  central: z.boolean(),
  /** All that tell of it, the best first. */
  gateways: z.array(gatewayStatus),
});
export type RouteStatus = z.infer<typeof routeStatus>;

/** A prefix that this machine routes for others, as it was asked to. */
export const ownRouteStatus = z.object({
  network: z.string(),
  prefix: z.string(),
  /** As others know it; null: the same. */
  as: z.string().nullable(),
  /** An administrator granted it. */
  granted: z.boolean(),
  /** Whether this machine reaches the prefix itself. */
  up: z.boolean(),
  priority: z.number(),
  /** What comes from the network leaves here under this machine's address. */
  snat: z.boolean(),
  /** Prefixes that may come to it from the network; empty: all. */
  allow: z.array(z.string()),
  /** Why it does not work here; null: it does. */
  problem: z.string().nullable(),
});
export type OwnRouteStatus = z.infer<typeof ownRouteStatus>;

/** Addresses that are used twice: by the network and by what this machine is connected to besides. */
export const overlapStatus = z.object({
  network: z.string(),
  /** `range`: the network's own addresses; `route`: a prefix behind a gateway. */
  kind: z.enum(["range", "route"]),
  /** The network's range, or the route. */
  wanted: z.string(),
  /** What this machine uses, and on which interface. */
  local: z.string(),
  interface: z.string(),
  /** What to do, in one English line. */
  advice: z.string(),
  /** Addresses that are free, under which the prefix could be known instead; null where that is no help. */
  map: z.object({ prefix: z.string(), as: z.string() }).nullable(),
  /** A free range to which the network itself could move; null where that is no help. */
  move: z.string().nullable(),
});
export type OverlapStatus = z.infer<typeof overlapStatus>;

/** LANs without Starmesh whose hosts reach the network through this machine, under its address. */
export const sharedLans = z.object({
  prefixes: z.array(z.string()).max(64),
  /** Whoever of the network knows a port that a host uses reaches it there (RFC 4787 “full cone”), as games like it. */
  fullCone: z.boolean(),
});
export type SharedLans = z.infer<typeof sharedLans>;

/** Rules of another program on this machine (Docker, ufw) that drop what passes through it unless they name it. */
export const firewallStatus = z.object({
  /** Family, table and chain of nftables: `ip filter FORWARD`. */
  name: z.string(),
  /** Starmesh's packets are let through. */
  open: z.boolean(),
});
export type FirewallStatus = z.infer<typeof firewallStatus>;

/** What is routed here, and for whom. */
export const routesStatus = z.object({
  routes: z.array(routeStatus),
  own: z.array(ownRouteStatus),
  overlaps: z.array(overlapStatus),
  /** Only while something is to pass through this machine. */
  firewalls: z.array(firewallStatus),
});
export type RoutesStatus = z.infer<typeof routesStatus>;

/** Which routes of others this machine takes: all but `prefixes`, or those alone. */
export const routeAcceptance = z.object({ all: z.boolean(), prefixes: z.array(z.string()).max(256) });
export type RouteAcceptance = z.infer<typeof routeAcceptance>;
