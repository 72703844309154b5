/** Routes of this install as users see them. */
import type {
  GatewayStanding,
  GatewayStatus,
  OverlapStatus,
  RouteStatus,
  RoutesStatus,
} from "../../src-shared/route-status.ts";
import type { Overlap } from "../mesh/overlap.ts";
import type { GatewayView, RouteView } from "../mesh/route-table.ts";
import { routeSentence } from "../mesh/route-words.ts";
import type { Engine } from "./engine.ts";
import type { Held } from "./held-networks.ts";
import type { NetworkLoop } from "./loop.ts";

/** The routes of these networks; of those that are down none. */
export function routesStatus(engine: Engine, helds: readonly Held[]): RoutesStatus {
  const open = helds.flatMap(({ loop }) => loop ?? []);
  return {
    routes: open.flatMap((loop) => routesOf(engine, loop)),
    own: open.flatMap((loop) => [...loop.routes.own()]),
    overlaps: open.flatMap((loop) => overlapsOf(loop)),
    firewalls: engine.surroundings.forwarding.firewalls().map((each) => ({ ...each })),
  };
}

function routesOf(engine: Engine, loop: NetworkLoop): readonly RouteStatus[] {
  const overlapping = new Set([
    ...loop.routes.overlaps().map(({ wanted }) => wanted),
    ...loop.routes.unrouted().map(({ prefix }) => prefix),
  ]);
  return loop.machine.routes().map((view) => {
    const isOverlapping = view.carrier !== null && overlapping.has(view.prefix);
    const gateways = view.gateways.map((gateway) => gatewayOf(engine, view, gateway));
    const reasonCode = isOverlapping ? "overlaps" : view.reason;
    const via = view.gateways.find(({ identity }) => identity === view.carrier)?.name ?? null;
    const others = gateways
      .filter(({ standing, name }) => name !== via && isMeant(standing))
      .map(({ name }) => name);
    return {
      network: loop.stored.name,
      prefix: view.prefix,
      state: isOverlapping ? "overlaps" : view.state,
      via,
      reasonCode,
      reason: routeSentence(reasonCode, { via: via ?? "", others }),
      central: view.central,
      gateways,
    };
  });
}

function gatewayOf(engine: Engine, view: RouteView, gateway: GatewayView): GatewayStatus {
  return {
    name: gateway.name,
    identity: gateway.identity,
    self: gateway.identity === engine.identity.key,
    inside: gateway.inside === view.prefix ? null : gateway.inside,
    standing: standingOf(view, gateway),
    priority: gateway.priority,
    latencyMs: gateway.rttMillis === null ? null : Math.round(gateway.rttMillis * 100) / 100,
  };
}

function standingOf(view: RouteView, { identity, counts, health }: GatewayView): GatewayStanding {
  if (counts !== "yes") return counts;
  if (health === "down" || health === "lost") return health;
  if (identity === view.carrier) return "carries";
  return health === "stands" ? "ready" : "untried";
}

function isMeant(standing: GatewayStanding): boolean {
  return standing !== "waits" && standing !== "passed-over";
}

function overlapsOf({ stored, routes, machine }: NetworkLoop): readonly OverlapStatus[] {
  return routes.overlaps().map((overlap) => {
    const gateway = machine.routes().find(({ prefix }) => prefix === overlap.wanted)?.gateways[0];
    return {
      network: stored.name,
      kind: overlap.kind,
      wanted: overlap.wanted,
      local: overlap.local.prefix,
      interface: overlap.local.interface,
      advice: adviceOf(overlap, stored.name, gateway),
      map:
        overlap.free === null || overlap.kind === "range"
          ? null
          : { prefix: gateway?.inside ?? overlap.wanted, as: overlap.free },
      move: overlap.kind === "range" ? overlap.free : null,
    };
  });
}

function adviceOf({ kind, free }: Overlap, network: string, gateway: GatewayView | undefined): string {
  if (kind === "range")
    return `Members with these addresses are not reached from here. Use another LAN range here, or let an administrator move the network: starmesh network renumber ${network} ${free ?? "RANGE"}`;
  if (free === null || gateway === undefined) return "Use other addresses at one of the two ends.";
  return `On ${gateway.name} give the LAN other addresses for the network: starmesh route advertise ${gateway.inside} --as ${free}`;
}
