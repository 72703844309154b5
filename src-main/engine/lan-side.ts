/** Whether this machine reaches a prefix itself, and how: what a gateway says of the LAN behind it. */
import type { Prefix } from "../../src-shared/address.ts";
import { overlaps } from "../../src-shared/address.ts";
import type { Route, System } from "../system/system.ts";
import { isOverlay } from "./locals.ts";

/** `connected` or `routed` by a route of its own; `default`: only where everything goes; `none`: not at all. */
export type LanSide = "connected" | "routed" | "default" | "none";

/** How this machine reaches a prefix without any network of ours. */
export function lanSideOf(prefix: Prefix, system: Pick<System, "interfaces" | "routes">): LanSide {
  const up = system.interfaces().filter(({ name, up: isUp }) => isUp && !isOverlay(name));
  const names = new Set(up.map(({ name }) => name));
  const routes = system
    .routes()
    .filter((route) => leadsOut(route, names) && route.prefix.family === prefix.family);
  const isDefault = routes.some((route) => route.prefix.length === 0);
  if (prefix.length === 0) return isDefault ? "connected" : "none";
  const connected = up.flatMap(({ addresses }) => addresses.map((each) => each.prefix));
  if (connected.some((each) => overlaps(each, prefix))) return "connected";
  if (routes.some((route) => route.prefix.length > 0 && overlaps(route.prefix, prefix))) return "routed";
  return isDefault ? "default" : "none";
}

function leadsOut(route: Route, names: ReadonlySet<string>): boolean {
  return !route.own && (route.interface === null ? route.gateway !== null : names.has(route.interface));
}
