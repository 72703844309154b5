/** Addresses used twice: by a network or the prefixes behind its gateways, and by what a machine is connected to. */
import type { Prefix } from "../../src-shared/address.ts";
import { formatPrefix, overlaps, parsePrefix, toPrefix } from "../../src-shared/address.ts";
import type { LocalPrefix } from "./addresses.ts";
import { overlapping } from "./addresses.ts";

/** What a network wants to be reached, and what here stands against it. */
export interface Overlap {
  readonly kind: "range" | "route";
  readonly wanted: string;
  readonly local: LocalPrefix;
  /** A free prefix of the same length, under which a route could be known instead, or to which the network could move; null: none is. */
  readonly free: string | null;
}

/** Each of the network's ranges and routes that a local prefix contains, equals or lies inside. */
export function findOverlaps(
  network: { readonly ranges: readonly string[]; readonly routes: readonly string[] },
  locals: readonly LocalPrefix[],
): readonly Overlap[] {
  const taken = [...network.ranges, ...network.routes, ...locals.map(({ prefix }) => prefix)];
  const find = (kind: Overlap["kind"], wanted: string): readonly Overlap[] => {
    const [local] = overlapping(wanted, locals);
    if (local === undefined) return [];
    return [{ kind, wanted, local, free: freePrefix(wanted, taken) }];
  };
  return [
    ...network.ranges.flatMap((range) => find("range", range)),
    ...network.routes.flatMap((route) => find("route", route)),
  ];
}

/**
 * A private IPv4 prefix of the same length that none of the others overlaps, with the same end where it can be:
 * `192.168.1.0/24` becomes `10.9.1.0/24`. Null for IPv6, for prefixes longer than private space and where all is taken.
 */
export function freePrefix(text: string, taken: readonly string[]): string | null {
  const prefix = parsePrefix(text);
  if (prefix === null || prefix.family !== 4 || prefix.length <= 8) return null;
  const others = taken.flatMap((each) => parsePrefix(each) ?? []).filter(({ length }) => length > 1);
  for (const block of blocks) {
    const value = (block << 16n) | (prefix.value & 0xffffn);
    const free = toPrefix({ family: 4, value }, prefix.length);
    if (free.value >> 16n === block && !isTaken(free, others)) return formatPrefix(free);
  }
  return null;
}

function isTaken(prefix: Prefix, others: readonly Prefix[]): boolean {
  return others.some((other) => overlaps(prefix, other));
}

/** The first 16 bits of the prefixes to try: 10.9 and up, 10.0 to 10.8, then 172.16 to 172.31. */
const blocks: readonly bigint[] = [
  ...Array.from({ length: 256 }, (_, at) => (10n << 8n) | BigInt((at + 9) % 256)),
  ...Array.from({ length: 16 }, (_, at) => (172n << 8n) | BigInt(16 + at)),
];
