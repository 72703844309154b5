/** Why the path to a peer is what it is, and what would make it better: judged from what both ends know. */
import type { Millis } from "../../src-shared/ids.ts";
import { splitHostPort } from "../../src-shared/ids.ts";
import type { PeerStatus, ReasonCode, Transport } from "../../src-shared/status.ts";
import { transportNames } from "../../src-shared/status.ts";
import type { NatFacts } from "../../src-shared/trust.ts";
import type { RemedyStatus, VerdictCode, VerdictStatus } from "../../src-shared/verdict.ts";
import { remedyLine, verdictLine } from "../../src-shared/verdict.ts";
import type { Candidate } from "./candidate.ts";
import { hostPortOf, transportOf } from "./endpoint.ts";
import { evidenceOf } from "./evidence.ts";
import type { Pin } from "./pin.ts";
import { choosesPath } from "./pin.ts";

/** What is known of one end. */
export interface End {
  /** By its own word; undefined before it has said so. */
  readonly nat: NatFacts | undefined;
  /** Hosts as which it is seen from outside. */
  readonly outside: readonly string[];
}

/** The path in use. */
export interface PathInUse {
  readonly active: Candidate;
  /** Names of the relays on it, in order. */
  readonly via: readonly string[];
  /** How many paths share the packets. */
  readonly shared: number;
  /** What takes over; null: nothing. */
  readonly standby: { readonly via: readonly string[]; readonly latencyMillis: number | null } | null;
  /** What its relay wants added to its round trip, in milliseconds. */
  readonly relayCost: number;
  /** Whether it is what the user chose; true without a choice. */
  readonly isChosen: boolean;
}

/** A peer's address, the range it is of, and what here uses that range, too. */
export interface SameAddresses {
  readonly address: string;
  readonly range: string;
  readonly local: string;
  readonly interface: string;
}

/** All that a verdict rests on. */
export interface VerdictFacts {
  readonly name: string;
  readonly now: Millis;
  readonly state: PeerStatus["state"];
  /** Why this path, or what stands in the way of one. */
  readonly reason: ReasonCode | null;
  /** Whether what stands in the way is here. */
  readonly own: boolean;
  readonly path: PathInUse | null;
  readonly candidates: readonly Candidate[];
  readonly sessionSince: Millis | null;
  readonly pin: Pin | null;
  /** The transport that alone may be used; null: any. */
  readonly only: Transport | null;
  readonly here: End & { readonly port: number | null; readonly mayMapPorts: boolean };
  readonly there: End;
  /** A member in the same place as the peer that answers directly and could relay, but does not. */
  readonly neighbour: { readonly name: string; readonly rttMillis: number } | null;
  /** What this machine is connected to with the peer's address in it; null: nothing. */
  readonly overlap: SameAddresses | null;
  /** Set for an ordinary WireGuard client. */
  readonly stock: { readonly gateway: string; readonly isServedHere: boolean } | null;
}

/** The verdict with its evidence and the remedy. */
export function verdictOf(facts: VerdictFacts): VerdictStatus {
  const code = judge(facts);
  return {
    ...verdictLine(code, placesOf(facts)[code] ?? { name: facts.name }),
    remedy: remedyOf(code, facts),
    evidence: facts.stock === null ? evidenceOf(facts) : [],
  };
}

function judge(facts: VerdictFacts): VerdictCode {
  const { stock, path, pin, overlap } = facts;
  if (overlap !== null) return "same-addresses";
  if (stock !== null) {
    if (!stock.isServedHere) return "stock-elsewhere";
    return facts.state === "connected" ? "stock-connected" : "stock-waiting";
  }
  if (path === null) return judgeAbsence(facts);
  if (facts.only !== null) return "transport-chosen";
  if (choosesPath(pin)) {
    if (path.isChosen) return pin.direct ? "direct-chosen" : "relay-chosen";
    if (pin.direct) return "chosen-direct-dead";
    return path.active.kind === "relay" ? "chosen-relay-dead" : "chosen-relay-dead-direct";
  }
  return path.active.kind === "relay" ? judgeRelayed(facts) : judgeDirect(path, facts.reason);
}

function judgeAbsence({ state, reason, own, only }: VerdictFacts): VerdictCode {
  if (only !== null && state === "unreachable") return "transport-silent";
  if (reason === "router-udp-blocked") return own ? "udp-blocked-here" : "udp-blocked-there";
  switch (state) {
    case "connected":
    case "idle":
      return "unused";
    case "connecting":
      return "calling";
    case "offline":
      return "offline";
    case "unreachable":
      return "unanswered";
  }
}

function judgeDirect({ active, shared }: PathInUse, reason: VerdictFacts["reason"]): VerdictCode {
  const transport = transportOf(active.endpoint);
  if (reason === "direct-for-room") return "direct-for-room";
  if (transport !== "udp") return transport === "kcp" ? "direct-for-losses" : "direct-link";
  if ((active.loss ?? 0) >= notableLoss) return "direct-lossy";
  if (active.mtu !== null && active.mtu < wholePacket) return "direct-small";
  if (shared > 1) return "direct-shared";
  return active.kind === "lan" && active.isLocal ? "same-network" : "direct-best";
}

function judgeRelayed({ reason, candidates, here, there }: VerdictFacts): VerdictCode {
  if (reason === "relay-link") return "relay-link";
  if (reason === "relay-first") return "relay-first";
  if (reason === "relay-faster") return "relay-quicker";
  if (reason === "relay-for-room") return "relay-for-room";
  if (reason === "relay-direct-lost") return "relay-direct-broke";
  if (candidates.every(({ kind }) => kind === "relay")) return "relay-no-address";
  if (sharedAddress(here, there) !== null) return "relay-apart";
  const [hardHere, hardThere] = [isSymmetric(here.nat), isSymmetric(there.nat)];
  if (hardHere && hardThere) return "relay-both-symmetric";
  // One symmetric end reaches an open one: then it is a firewall that is in the way, not the NAT.
  if (hardHere && there.nat?.mapping === "independent") return "relay-symmetric-here";
  if (hardThere && here.nat?.mapping === "independent") return "relay-symmetric-there";
  return "relay-unanswered";
}

function placesOf(facts: VerdictFacts): Partial<Record<VerdictCode, VerdictStatus["facts"]>> {
  const { name, path, pin, candidates, here, there, stock } = facts;
  const via = path?.via.join(", ") || "a relay";
  const relayed = { name, via };
  const active = path?.active ?? null;
  const transport = transportNames[facts.only ?? (active === null ? "udp" : transportOf(active.endpoint))];
  const port = active === null ? 0 : (splitHostPort(hostPortOf(active.endpoint))?.port ?? 0);
  // The line's own loss shows where packets would go without the link.
  const plain = candidates.filter(({ endpoint }) => transportOf(endpoint) === "udp");
  const loss = Math.max(0, ...plain.map(({ lineLoss }) => lineLoss));
  return {
    ...(facts.overlap === null ? {} : { "same-addresses": { name, ...facts.overlap } }),
    "direct-link": { name, transport, port },
    "direct-for-room": { name, transport, port },
    "relay-for-room": relayed,
    "direct-for-losses": { name, transport, loss: Math.max(1, Math.round(loss * 100)) },
    "relay-link": { ...relayed, transport, port },
    "transport-chosen": { name, transport },
    "transport-silent": { name, transport },
    "direct-shared": { name, paths: path?.shared ?? 1 },
    "direct-lossy": { name, loss: Math.round((path?.active.loss ?? 0) * 100) },
    "direct-small": { name, mtu: path?.active.mtu ?? 0 },
    "relay-chosen": relayed,
    "chosen-relay-dead": { chosen: pin?.via ?? "", via },
    "chosen-relay-dead-direct": { chosen: pin?.via ?? "", name },
    "chosen-direct-dead": relayed,
    "relay-first": relayed,
    "relay-quicker": relayed,
    "relay-direct-broke": relayed,
    "relay-both-symmetric": relayed,
    "relay-symmetric-here": relayed,
    "relay-symmetric-there": relayed,
    "relay-apart": { ...relayed, address: sharedAddress(here, there) ?? "" },
    "relay-no-address": relayed,
    "relay-unanswered": { ...relayed, count: candidates.filter(({ kind }) => kind !== "relay").length },
    "stock-elsewhere": { name, gateway: stock?.gateway ?? "another machine" },
  };
}

function remedyOf(code: VerdictCode, facts: VerdictFacts): RemedyStatus | null {
  const { name } = facts;
  const there = { target: name, gainMs: null };
  switch (code) {
    case "relay-both-symmetric":
    case "relay-symmetric-here":
    case "relay-symmetric-there":
    case "relay-no-address":
    case "relay-unanswered":
      return openingOf(facts);
    case "relay-apart":
      return remedyLine("same-network", {}, { target: null, gainMs: null });
    case "relay-direct-broke":
      return remedyLine("reconnect", {}, { target: "here", gainMs: gainOver(facts, lastDirect(facts)) });
    case "direct-link":
      return remedyLine("open-port", {}, { target: null, gainMs: null });
    case "relay-link":
      return remedyLine("udp-open-router", placesOf(facts)["relay-link"] ?? {}, {
        target: "here",
        gainMs: null,
      });
    case "transport-chosen":
    case "transport-silent":
      return remedyLine(
        facts.pin?.transport == null ? "any-transport" : "unpin",
        {},
        { target: "here", gainMs: null },
      );
    case "direct-for-losses":
    case "direct-lossy":
      return remedyLine("try-cable", {}, { target: null, gainMs: null });
    case "direct-chosen":
    case "relay-chosen":
    case "chosen-relay-dead":
    case "chosen-relay-dead-direct":
    case "chosen-direct-dead":
      return unpinning(code, facts);
    case "offline":
      return remedyLine("start-there", { name }, there);
    case "udp-blocked-here":
      return remedyLine("udp-open-here", {}, { target: "here", gainMs: null });
    case "udp-blocked-there":
      return remedyLine("udp-open-there", { name }, there);
    case "unanswered":
      return remedyLine("run-router", {}, { target: null, gainMs: null });
    case "same-addresses":
      return remedyLine(
        "renumber",
        { interface: facts.overlap?.interface ?? "" },
        { target: null, gainMs: null },
      );
    case "stock-waiting":
      return remedyLine("connect-client", { name }, there);
    default:
      return null;
  }
}

/** A port that would let the other end in; or a member there that could relay. */
function openingOf(facts: VerdictFacts): RemedyStatus {
  const { name, here, there, neighbour } = facts;
  const gainMs = gainOver(facts, neighbour?.rttMillis ?? null);
  const relay = neighbour === null || gainMs === null ? null : neighbour.name;
  if (isBehindNat(here.nat) && !here.mayMapPorts)
    return remedyLine("port-mapping-on-here", {}, { target: "here", gainMs });
  if (isBehindNat(here.nat)) {
    const to = { target: "here", gainMs };
    if (relay !== null) return remedyLine("port-mapping-here-or-relay", { name, relay }, to);
    return remedyLine("port-mapping-here", { port: here.port ?? 7743 }, to);
  }
  if (isBehindNat(there.nat)) {
    const to = { target: name, gainMs };
    if (relay !== null) return remedyLine("port-mapping-there-or-relay", { name, relay }, to);
    return remedyLine("port-mapping-there", { name }, to);
  }
  return remedyLine("open-port", {}, { target: null, gainMs });
}

function unpinning(code: VerdictCode, facts: VerdictFacts): RemedyStatus | null {
  const isDead = code !== "direct-chosen" && code !== "relay-chosen";
  const others = facts.candidates.filter(({ standing }) => standing === "proved");
  const quickest = Math.min(...others.map(({ rttMillis }) => rttMillis ?? Number.POSITIVE_INFINITY));
  const gainMs = gainOver(facts, quickest);
  return isDead || gainMs !== null ? remedyLine("unpin", {}, { target: "here", gainMs }) : null;
}

/** By how much another round trip is shorter; null unless it is worth speaking of. */
function gainOver({ path }: VerdictFacts, rttMillis: number | null): number | null {
  const now = path?.active.rttMillis ?? null;
  if (now === null || rttMillis === null || now - rttMillis < notableGain) return null;
  return Math.round(now - rttMillis);
}

function lastDirect({ candidates }: VerdictFacts): number | null {
  const known = candidates
    .filter(({ kind }) => kind !== "relay")
    .flatMap(({ lastRttMillis }) => lastRttMillis ?? []);
  return known.length === 0 ? null : Math.min(...known);
}

function isSymmetric(nat: NatFacts | undefined): boolean {
  return nat?.portMapping === null && (nat.mapping === "sequential" || nat.mapping === "random");
}

/** Behind a NAT that has opened no port. */
function isBehindNat(nat: NatFacts | undefined): boolean {
  return nat !== undefined && nat.portMapping === null && nat.mapping !== "none" && nat.mapping !== "unknown";
}

function sharedAddress(here: End, there: End): string | null {
  return here.outside.find((host) => there.outside.includes(host)) ?? null;
}

/** Of a hundred packets so many may get lost before it is worth a sentence. */
const notableLoss = 0.03;
const notableGain: Millis = 10;
/** What every path of IPv6 carries. */
const wholePacket = 1280;
