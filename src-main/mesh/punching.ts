/**
 * How two ends behind NATs open a direct way to each other: what each of them sends, from how many sockets, to which
 * ports. Both know the same facts and who asked, so both come to fitting halves of one plan (RFC 5128, RFC 4787).
 */
import { isPrivate, parseAddress } from "../../src-shared/address.ts";
import { joinHostPort, splitHostPort } from "../../src-shared/ids.ts";
import type { NatFacts } from "../../src-shared/trust.ts";
import type { PunchFacts } from "../../src-shared/wire.ts";
import type { Endpoint } from "./effect.ts";

/** What one end sends: a small probe from each socket to each target, in this order. */
export interface Punch {
  /** Empty: nothing beyond the ordinary probes. */
  readonly targets: readonly Endpoint[];
  /** Extra sockets; 0: the main one. */
  readonly sockets: number;
  /** Datagrams a second at most. */
  readonly perSecond: number;
  /** How long extra sockets stay open. */
  readonly seconds: number;
}

/** Ends a punch that runs. */
export const noPunch: Punch = { targets: [], sockets: 0, perSecond: 1, seconds: 1 };

/**
 * The part that an end plays. `probe`: to what the other has told. `predict`: to the ports that the other's sequential
 * NAT gives next. `train`, `shifted`: both NATs are sequential; one end guesses each next port with the next datagram,
 * the other does so at several offsets, one of which makes up for the ports that others took. `many`: from many
 * sockets to the other's one port. `spray`: to ports by chance, until one of the other's many is hit.
 */
export type PunchRole = "probe" | "predict" | "train" | "shifted" | "many" | "spray";

/** What an end has to send. */
export function planPunch(
  ends: { readonly own: PunchFacts; readonly other: PunchFacts },
  attempt: { readonly number: number; readonly asks: boolean; readonly random: () => number },
): Punch {
  const { own, other } = ends;
  const { number, asks, random } = attempt;
  const [asker, answerer] = asks ? [own, other] : [other, own];
  const roles = rolesOf(asker.nat.mapping, answerer.nat.mapping, number);
  const told = other.endpoints.slice(0, mostTold);
  switch (asks ? roles.asker : roles.answerer) {
    case "probe":
      return { targets: told, sockets: 0, perSecond: 100, seconds: 2 };
    case "predict":
      return { targets: [...told, ...predicted(other)], sockets: 0, perSecond: 400, seconds: 2 };
    case "train":
      return { targets: train(other, () => 0), sockets: 0, perSecond: 400, seconds: 2 };
    case "shifted":
      return { targets: train(other, (at) => shiftAt(at, number)), sockets: 0, perSecond: 400, seconds: 2 };
    case "many":
      return { targets: guessable(told).slice(0, 1), sockets: 256, perSecond: 1000, seconds: 10 };
    case "spray":
      return {
        targets: [...told, ...sprayed(other, number, random)],
        sockets: 0,
        perSecond: 500,
        seconds: 10,
      };
  }
}

/** Who plays what. What is not known is taken to be easy at first, then to be hard in turns: a guess vetoes nothing. */
export function rolesOf(
  asker: NatFacts["mapping"],
  answerer: NatFacts["mapping"],
  attempt: number,
): { readonly asker: PunchRole; readonly answerer: PunchRole } {
  const isOdd = attempt % 2 === 1;
  if (asker === "sequential" && answerer === "sequential") return { asker: "shifted", answerer: "train" };
  const ranks = { asker: hardness(asker), answerer: hardness(answerer) };
  if (ranks.asker === ranks.answerer) {
    const bothKnown = asker !== "unknown" && answerer !== "unknown";
    if (ranks.asker === 0 && (attempt === 1 || bothKnown)) return { asker: "probe", answerer: "probe" };
    return isOdd ? { asker: "many", answerer: "spray" } : { asker: "spray", answerer: "many" };
  }
  const [hard, easy]: readonly [PunchRole, PunchRole] =
    Math.max(ranks.asker, ranks.answerer) === 1 && isOdd ? ["probe", "predict"] : ["many", "spray"];
  return ranks.asker > ranks.answerer ? { asker: hard, answerer: easy } : { asker: easy, answerer: hard };
}

/**
 * Whether a direct way is beyond reach by counting: where one end's port is chosen by chance for each destination, the
 * other end has to keep one port for all of them. With 64,512 ports each datagram hits with that chance only.
 */
export function isHopeless(one: NatFacts["mapping"], other: NatFacts["mapping"]): boolean {
  return Math.min(hardness(one), hardness(other)) >= 1 && (one === "random" || other === "random");
}

function hardness(mapping: NatFacts["mapping"]): 0 | 1 | 2 {
  return mapping === "random" ? 2 : mapping === "sequential" ? 1 : 0;
}

/** Ports round the last one seen, those that are likelier first: ahead of it, then those taken shortly before. */
function predicted({ endpoints, nat, latest }: PunchFacts): readonly Endpoint[] {
  const offsets = Array.from({ length: ahead }, (_, at) => at + 1);
  const steps = [0, ...offsets.flatMap((at) => (at <= behind ? [at, -at] : [at]))];
  return guessable(endpoints)
    .slice(0, 1)
    .flatMap((base) => portsAt(base, latest, (port) => steps.map((at) => port + at * stepOf(nat))));
}

/** The n-th datagram goes to the port that the other's n-th one leaves by, give or take a shift. */
function train({ endpoints, nat, latest }: PunchFacts, shift: (at: number) => number): readonly Endpoint[] {
  const order = Array.from({ length: trainLength }, (_, at) => at);
  return guessable(endpoints)
    .slice(0, 1)
    .flatMap((base) =>
      portsAt(base, latest, (port) => order.map((at) => port + (at + 1 + shift(at)) * stepOf(nat))),
    );
}

function shiftAt(at: number, attempt: number): number {
  return (shifts[Math.floor(at / shiftLength) % shifts.length] ?? 0) + (attempt - 1) * shifts.length;
}

function sprayed({ endpoints }: PunchFacts, attempt: number, random: () => number): readonly Endpoint[] {
  const hosts = [...new Set(guessable(endpoints).map((endpoint) => splitHostPort(endpoint)?.host ?? ""))];
  const [first] = hosts;
  if (first === undefined) return [];
  const ports = new Set<number>();
  const count = attempt <= 2 ? firstSpray : laterSpray;
  while (ports.size < count) ports.add(lowestPort + Math.floor(random() * (65_536 - lowestPort)));
  const hostAt = (at: number) => hosts[at % Math.min(hosts.length, mostHosts)] ?? first;
  return [...ports].map((port, at) => joinHostPort(hostAt(at), port));
}

/** IPv4 on the internet: whose ports may be guessed. IPv6 has no NAT before it, and private ranges are others' own. */
function guessable(endpoints: readonly Endpoint[]): readonly Endpoint[] {
  return endpoints.filter((endpoint) => {
    const address = parseAddress(splitHostPort(endpoint)?.host ?? "");
    return address?.family === 4 && !isPrivate(address);
  });
}

function portsAt(
  base: Endpoint,
  latest: number | null,
  ports: (from: number) => readonly number[],
): readonly Endpoint[] {
  const parts = splitHostPort(base);
  if (parts === null) return [];
  return ports(latest ?? parts.port)
    .filter((port) => port >= lowestPort && port <= 65_535)
    .map((port) => joinHostPort(parts.host, port));
}

function stepOf({ step }: PunchFacts["nat"]): number {
  return step === 0 ? 1 : step;
}

const mostTold = 16;
/** Carriers give one end two addresses at times. */
const mostHosts = 2;
/** NATs leave the ports below alone. */
const lowestPort = 1024;
const ahead = 96;
const behind = 32;
const trainLength = 128;
const shiftLength = 16;
const shifts = [0, 1, -1, 2, 3, 4, 5, 6];
/** With 256 open ports of 64,512 this many hit one in 98 of 100 cases. */
const firstSpray = 1024;
const laterSpray = 3072;
