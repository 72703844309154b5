/** The prefixes that this machine uses already. */
import { formatPrefix } from "../../src-shared/address.ts";
import type { LocalPrefix } from "../mesh/addresses.ts";
import type { System } from "../system/system.ts";
import { connectedPrefixes } from "../system/system.ts";

/** Whether an interface is one of Starmesh's; on macOS, which names them itself, any tunnel is taken for one. */
export function isOverlay(name: string): boolean {
  return name.startsWith("starmesh") || (process.platform === "darwin" && name.startsWith("utun"));
}

/** Connected prefixes and routes, those of our other networks too; loopback and default routes are left out. */
export function localPrefixes(system: System): readonly LocalPrefix[] {
  const routed = system
    .routes()
    .filter((route) => route.prefix.length > 0)
    .map((route) => ({ prefix: route.prefix, interface: route.interface ?? "no interface" }));
  const connected = connectedPrefixes(system.interfaces().filter(({ loopback }) => !loopback));
  return [...routed, ...connected].map((each) => ({
    prefix: formatPrefix(each.prefix),
    interface: each.interface,
  }));
}
