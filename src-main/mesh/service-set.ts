/** Sets of services, as stretches of one line: the ports of TCP, those of UDP, ICMP, every other protocol. */
import type { Service } from "../../src-shared/policy.ts";

/** Stretches in order, that neither touch nor overlap; first and last belong to them. */
export type ServiceSet = readonly (readonly [number, number])[];

const udpStart = 65_536;
const icmpAt = 2 * 65_536;
const protocolsStart = icmpAt + 1;
const end = protocolsStart + 255;

export const noServices: ServiceSet = [];
export const allServices: ServiceSet = [[0, end]];

/** What a service covers. */
export function serviceSet({ protocol, ports }: Service): ServiceSet {
  if (protocol === "any") return allServices;
  if (protocol === "icmp") return [[icmpAt, icmpAt]];
  if (typeof protocol === "number") return [[protocolsStart + protocol, protocolsStart + protocol]];
  const start = protocol === "tcp" ? 0 : udpStart;
  if (ports.length === 0) return [[start, start + 65_535]];
  return ports.reduce<ServiceSet>(
    (set, [first, last]) => union(set, [[start + first, start + last]]),
    noServices,
  );
}

export function union(one: ServiceSet, other: ServiceSet): ServiceSet {
  const joined: [number, number][] = [];
  for (const [first, last] of [...one, ...other].sort((a, b) => a[0] - b[0])) {
    const before = joined.at(-1);
    if (before !== undefined && first <= before[1] + 1) before[1] = Math.max(before[1], last);
    else joined.push([first, last]);
  }
  return joined;
}

export function intersection(one: ServiceSet, other: ServiceSet): ServiceSet {
  const common: [number, number][] = [];
  for (let at = 0, against = 0; ; ) {
    const [a, b] = [one[at], other[against]];
    if (a === undefined || b === undefined) return common;
    const [first, last] = [Math.max(a[0], b[0]), Math.min(a[1], b[1])];
    if (first <= last) common.push([first, last]);
    if (a[1] < b[1]) at++;
    else against++;
  }
}

/** What is in the first and not in the second. */
export function difference(one: ServiceSet, other: ServiceSet): ServiceSet {
  const rest: [number, number][] = [];
  for (const [first, last] of one) {
    let next = first;
    for (const [from, to] of other) {
      if (to < next) continue;
      if (from > last) break;
      if (from > next) rest.push([next, from - 1]);
      next = to + 1;
    }
    if (next <= last) rest.push([next, last]);
  }
  return rest;
}

/** As rules are written: `any`, or `tcp:22,80-90`, `udp`, `icmp`, `protocol:47`; `other protocols` for all that have no name here. */
export function formatServices(set: ServiceSet): string[] {
  if (difference(allServices, set).length === 0) return ["any"];
  const texts = [formatPorts("tcp", 0, set), formatPorts("udp", udpStart, set)];
  if (intersection(set, [[icmpAt, icmpAt]]).length > 0) texts.push("icmp");
  const others = intersection(set, [[protocolsStart, end]]);
  if (difference([[protocolsStart, end]], others).length === 0) texts.push("other protocols");
  else
    for (const [first, last] of others)
      texts.push(
        first === last
          ? `protocol:${first - protocolsStart}`
          : `protocols ${first - protocolsStart}-${last - protocolsStart}`,
      );
  return texts.filter((text) => text !== "");
}

function formatPorts(name: string, start: number, set: ServiceSet): string {
  const ports = intersection(set, [[start, start + 65_535]]);
  const [first] = ports;
  if (first === undefined) return "";
  if (first[1] - first[0] === 65_535) return name;
  const parts = ports.map(([from, to]) =>
    from === to ? `${from - start}` : `${from - start}-${to - start}`,
  );
  return `${name}:${parts.join(",")}`;
}
