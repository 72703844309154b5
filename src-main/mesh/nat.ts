/** What several servers' answers tell about the NAT before this machine (RFC 4787, 5780). Knowledge, never a gate. */
import { isPrivate, parseAddress } from "../../src-shared/address.ts";
import { splitHostPort } from "../../src-shared/ids.ts";
import type { NatFacts } from "../../src-shared/trust.ts";
import type { Endpoint } from "./effect.ts";
import { hostOf } from "./endpoint.ts";

/** A server's answer: at which address it sees a socket of ours. */
export interface Seen {
  readonly server: Endpoint;
  readonly address: Endpoint;
}

/** What was asked and answered. */
export interface Sightings {
  /** Of the socket in use, one answer per server. */
  readonly main: readonly Seen[];
  /** Of a fresh socket that asked one server after the other, in that order; empty when there was no need. */
  readonly fresh: readonly Seen[];
  /** Addresses of this machine's interfaces, without ports. */
  readonly own: ReadonlySet<string>;
}

/**
 * How outer ports are chosen. A server on this side of the NAT sees an own address and says nothing about it; of the
 * others, those count that see the same outer address, IPv4 first: two ways out are not one NAT.
 */
export function mappingOf(sightings: Sightings): Pick<NatFacts, "mapping" | "step"> {
  const main = beyond(sightings.main, sightings.own);
  if (main.length === 0) {
    return { mapping: sightings.main.length > 0 ? "none" : "unknown", step: 0 };
  }
  const ports = main.map(portOf);
  const [first] = ports;
  if (ports.length < 2) return { mapping: "unknown", step: 0 };
  if (ports.every((port) => port === first)) return { mapping: "independent", step: 0 };
  return perDestination(beyond(sightings.fresh, sightings.own).map(portOf));
}

/** Whether ports differ by destination as far as the socket in use shows, so that a fresh one should be asked about. */
export function needsFreshSocket({ main, own }: Pick<Sightings, "main" | "own">): boolean {
  const ports = beyond(main, own).map(portOf);
  return new Set(ports).size > 1;
}

/** Own addresses as seen from outside, those most servers agree on first, a few of each family. */
export function reflexiveOf({ main, own }: Pick<Sightings, "main" | "own">): readonly Endpoint[] {
  const votes = new Map<Endpoint, number>();
  for (const { address } of main) {
    if (!own.has(hostOf(address))) votes.set(address, (votes.get(address) ?? 0) + 1);
  }
  const sorted = [...votes].sort(([, one], [, other]) => other - one).map(([address]) => address);
  const of = (family: number) =>
    sorted.filter((address) => parseAddress(hostOf(address))?.family === family).slice(0, mostOfFamily);
  return [...of(4), ...of(6)];
}

/** Sequential when every step has one direction and is small; a step may jump over ports that others took meanwhile. */
function perDestination(ports: readonly number[]): Pick<NatFacts, "mapping" | "step"> {
  const steps = ports.slice(1).map((port, at) => port - (ports[at] ?? port));
  if (steps.length === 0) return { mapping: "random", step: 0 };
  const sizes = steps.map(Math.abs);
  const isOrderly =
    sizes.every((size) => size > 0 && size <= longestStep) &&
    steps.every((step) => Math.sign(step) === Math.sign(steps[0] ?? 0));
  return isOrderly
    ? { mapping: "sequential", step: Math.sign(steps[0] ?? 0) * Math.min(...sizes) }
    : { mapping: "random", step: 0 };
}

/** Answers from beyond the NAT that see the outer address which most of them see, public before private. */
function beyond(seen: readonly Seen[], own: ReadonlySet<string>): readonly Seen[] {
  const byHost = new Map<string, Seen[]>();
  for (const one of seen) {
    const host = hostOf(one.address);
    const address = parseAddress(host);
    if (own.has(host) || address === null) continue;
    byHost.set(host, [...(byHost.get(host) ?? []), one]);
  }
  const rank = (host: string, answers: readonly Seen[]) => {
    const address = parseAddress(host);
    const isPublic = address !== null && !isPrivate(address);
    return (address?.family === 4 ? 2000 : 0) + (isPublic ? 1000 : 0) + Math.min(answers.length, 999);
  };
  const [best] = [...byHost].sort((one, other) => rank(...other) - rank(...one));
  return best?.[1] ?? [];
}

function portOf({ address }: Seen): number {
  return splitHostPort(address)?.port ?? 0;
}

const longestStep = 64;
/** A NAT that takes another port for each server shows many; more than these help nobody. */
const mostOfFamily = 3;
