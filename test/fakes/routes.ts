/** Fake answers about routes: a LAN behind two members, and whatever this machine is asked to route. */
import { parsePrefix } from "../../src-shared/address.ts";
import type { Handlers } from "../../src-shared/api/contract.ts";
import { AppError } from "../../src-shared/errors.ts";
import type {
  GatewayStatus,
  OverlapStatus,
  OwnRouteStatus,
  RouteStatus,
  RoutesStatus,
  SharedLans,
} from "../../src-shared/route-status.ts";
import type { Status } from "../../src-shared/status.ts";
import type { FakeWorld } from "./engine.ts";
import { requireAdmin } from "./members.ts";
import type { FakeNetwork } from "./network.ts";

/** What is routed in a fake network. */
export interface FakeRoutes {
  own: OwnRouteStatus[];
  acceptance: { all: boolean; prefixes: string[] };
  shared: SharedLans | null;
  overlaps: OverlapStatus[];
}

/** The part of the status about routes. */
export function routesOf(world: FakeWorld): Pick<Status, "routes" | "ownRoutes" | "overlaps"> {
  const all = world.networks.map(statusOf);
  return {
    routes: all.flatMap(({ routes }) => routes),
    ownRoutes: all.flatMap(({ own }) => own),
    overlaps: all.flatMap(({ overlaps }) => overlaps),
  };
}

export function routeHandlers(
  world: FakeWorld,
  opensFirewalls: () => Promise<boolean>,
): Pick<
  Handlers,
  | "routes.list"
  | "routes.advertise"
  | "routes.share"
  | "routes.withdraw"
  | "routes.grant"
  | "routes.accept"
  | "routes.lay"
> {
  const choose = (name: string | undefined) => {
    const network = name === undefined ? world.networks[0] : world.find(name);
    if (network === undefined) throw new AppError("unknown-network", { name: "" });
    return network;
  };
  return {
    "routes.list": async ({ network }) => {
      const chosen = network === undefined ? world.networks : [world.find(network)];
      return {
        routes: chosen.flatMap((each) => statusOf(each).routes),
        own: chosen.flatMap((each) => statusOf(each).own),
        overlaps: chosen.flatMap((each) => each.routes.overlaps),
        firewalls: chosen.some((each) => each.routes.own.length > 0)
          ? [{ name: "ip filter FORWARD", open: await opensFirewalls() }]
          : [],
        acceptance: chosen.map((each) => ({ network: each.name, ...each.routes.acceptance })),
        shared: chosen.flatMap(({ name, routes }) =>
          routes.shared === null ? [] : [{ network: name, ...routes.shared }],
        ),
      };
    },
    "routes.advertise": async ({ network: name, prefix, as, priority = 100, snat, allow }) => {
      const network = choose(name);
      if (parsePrefix(prefix) === null) throw new AppError("route-invalid", { prefix });
      const others = network.routes.own.filter((each) => each.prefix !== prefix);
      const made = { network: network.name, prefix, as: as ?? null, granted: network.admin, up: true };
      network.routes.own = [...others, { ...made, priority, snat, allow, problem: null }];
      world.changed();
      return { ...statusOf(network), notes: [] };
    },
    "routes.share": async ({ network: name, prefixes, fullCone }) => {
      const { routes } = choose(name);
      const wrong = prefixes.find((prefix) => parsePrefix(prefix) === null);
      if (wrong !== undefined) throw new AppError("route-invalid", { prefix: wrong });
      routes.shared = prefixes.length === 0 ? null : { prefixes, fullCone };
      world.changed();
      return { prefixes, fullCone };
    },
    "routes.withdraw": async ({ network: name, prefix }) => {
      const network = choose(name);
      const left = network.routes.own.filter((each) => each.prefix !== prefix);
      if (left.length === network.routes.own.length) throw new AppError("unknown-route", { prefix });
      network.routes.own = left;
      world.changed();
      return statusOf(network);
    },
    "routes.grant": async ({ network }) => {
      const found = choose(network);
      requireAdmin(found);
      return statusOf(found);
    },
    "routes.accept": async ({ network: name, what, take }) => {
      const { routes } = choose(name);
      if (what === "all" || what === "none") routes.acceptance = { all: what === "all", prefixes: [] };
      else {
        const { all, prefixes } = routes.acceptance;
        const others = prefixes.filter((each) => each !== what);
        routes.acceptance = { all, prefixes: take === all ? others : [...others, what] };
      }
      world.changed();
      return routes.acceptance;
    },
    "routes.lay": async ({ network }) => {
      const found = choose(network);
      requireAdmin(found);
      return statusOf(found);
    },
  };
}

function statusOf(network: FakeNetwork): RoutesStatus {
  const [first, second] = network.peers.filter(({ kind, approved }) => kind === "node" && approved);
  if (network.state !== "online" || first === undefined)
    return { routes: [], own: [], overlaps: [], firewalls: [] };
  const gateway = (peer: typeof first, standing: GatewayStatus["standing"]): GatewayStatus => ({
    name: peer.name,
    identity: peer.identity,
    self: false,
    inside: null,
    standing,
    priority: 100,
    latencyMs: peer.latencyMs,
  });
  const route: RouteStatus = {
    network: network.name,
    prefix: "192.168.50.0/24",
    state: "carried",
    via: first.name,
    reasonCode: second === undefined ? "only" : "fastest",
    reason: `${first.name} answers quickest.`,
    central: false,
    gateways: [gateway(first, "carries"), ...(second === undefined ? [] : [gateway(second, "ready")])],
  };
  return { routes: [route], own: network.routes.own, overlaps: network.routes.overlaps, firewalls: [] };
}
