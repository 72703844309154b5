/** How a router is reached from outside: which of its doors members try for it, who is outside, and what their tries mean. */
import type { Address, Prefix } from "../../src-shared/address.ts";
import {
  contains,
  formatAddress,
  isLinkLocal,
  isLoopback,
  isPrivate,
  parseAddress,
} from "../../src-shared/address.ts";
import { joinHostPort, splitHostPort } from "../../src-shared/ids.ts";
import type { ReachPort, ReachTry } from "../../src-shared/wire.ts";

/** A port of a router at one of its hosts, `host:port`. */
export interface Door extends Pick<ReachTry, "protocol" | "address"> {
  /** As it was asked about. */
  readonly port: number;
}

/** What a member knows of a router by better words than the router's own. */
export interface KnownPlaces {
  /** `host:port` of the router in the network's signed record. */
  readonly addresses: readonly string[];
  /** Ports that its welcome told of. */
  readonly told: readonly number[];
}

/**
 * The doors to try for a router that asks about ports. Hosts come from the signed record alone, and ports of which it
 * never told are left out: nobody can have others knock anywhere else. Private addresses mean somebody else's LAN here.
 */
export function doorsOf(ports: readonly ReachPort[], { addresses, told }: KnownPlaces): readonly Door[] {
  const doors = new Map<string, Door>();
  for (const text of addresses.slice(0, mostAddresses)) {
    const place = splitHostPort(text);
    if (place === null || isPrivateHost(place.host)) continue;
    for (const { protocol, port } of ports) {
      if (port !== 0 && port !== place.port && !told.includes(port)) continue;
      const address = joinHostPort(place.host, port === 0 ? place.port : port);
      doors.set(`${protocol} ${address}`, { protocol, address, port });
    }
  }
  return [...doors.values()].slice(0, mostDoors);
}

/** Where a router is. */
export interface RouterPlace {
  readonly prefixes: readonly Prefix[];
  /** Addresses under which others see it. */
  readonly addresses: readonly Address[];
}

/** Whether somebody who is seen at an IP address sits beyond what protects the router: another LAN, another NAT. */
export function isOutside(remote: string, { prefixes, addresses }: RouterPlace): boolean {
  const address = parseAddress(remote.replace(/%.*$/, ""));
  if (address === null || isLoopback(address) || isLinkLocal(address) || isPrivate(address)) return false;
  if (prefixes.some((prefix) => contains(prefix, address))) return false;
  return !addresses.some((own) => formatAddress(own) === formatAddress(address));
}

/** What one member found; null: it did not answer. */
export interface Found {
  readonly name: string;
  readonly tries: readonly ReachTry[] | null;
}

/** What came of one door. */
export interface DoorState extends Door {
  /** `refused` and `stranger`: nobody reached it, and that is why; `missed`: nothing came back; `untried`: nobody tried. */
  readonly state: "reached" | "partly" | "refused" | "stranger" | "missed" | "untried";
  /** Names of members. */
  readonly reachedBy: readonly string[];
  readonly missedBy: readonly string[];
}

/** One state for each door; what members say of others counts for nothing. */
export function judgeDoors(doors: readonly Door[], found: readonly Found[]): readonly DoorState[] {
  return doors.map((door) => {
    const { protocol, address } = door;
    const tries = found.flatMap(({ name, tries: all }) => {
      const outcome = all?.find((one) => one.protocol === protocol && one.address === address)?.outcome;
      return outcome === undefined ? [] : [{ name, outcome }];
    });
    const names = (isReached: boolean) =>
      tries.filter(({ outcome }) => (outcome === "reached") === isReached).map(({ name }) => name);
    const [reachedBy, missedBy] = [names(true), names(false)];
    return { ...door, state: stateOf(tries, reachedBy.length), reachedBy, missedBy };
  });
}

function stateOf(tries: readonly Pick<ReachTry, "outcome">[], reached: number): DoorState["state"] {
  if (tries.length === 0) return "untried";
  if (reached > 0) return reached === tries.length ? "reached" : "partly";
  // What somebody answered says more than silence.
  const outcomes = new Set(tries.map(({ outcome }) => outcome));
  if (outcomes.has("stranger")) return "stranger";
  return outcomes.has("refused") ? "refused" : "missed";
}

/** Whether a host is written as an address that means nothing elsewhere. */
function isPrivateHost(host: string): boolean {
  const address = parseAddress(host.replace(/%.*$/, ""));
  return address !== null && (isPrivate(address) || isLoopback(address) || isLinkLocal(address));
}

const mostAddresses = 4;
const mostDoors = 16;
