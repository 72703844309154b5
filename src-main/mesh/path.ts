/** Which of a peer's candidates carries its packets, and how one says why. */
import type { Millis, SessionKey } from "../../src-shared/ids.ts";
import { splitHostPort } from "../../src-shared/ids.ts";
import type { ReasonCode, Transport } from "../../src-shared/status.ts";
import { transportNames } from "../../src-shared/status.ts";
import type { Candidate } from "./candidate.ts";
import { isLossy, isProvisional, isTrusted } from "./candidate.ts";
import type { Endpoint } from "./effect.ts";
import { hostPortOf, transportOf } from "./endpoint.ts";
import type { GoodputFacts } from "./goodput.ts";
import { isFilled, isMoveForGoodput, isNarrow } from "./goodput.ts";
import type { Pin } from "./pin.ts";
import { choosesPath, fitsPin, pinned } from "./pin.ts";

/** What a choice follows besides the candidates. */
export interface Rules extends GoodputFacts {
  /** What the user chose; it is left while it does not answer. */
  readonly pin: Pin | null;
  readonly relays: ReadonlyMap<SessionKey, { readonly name: string }>;
  /** The transport that alone may be used, by the user's word; null or absent: any. */
  readonly only?: Transport | null;
  /** What a relay wants added to its round trip. */
  readonly relayCost: (relay: SessionKey) => Millis;
}

/**
 * The endpoint to send to: what the user chose, if it answers; else the local network first, then other direct ways,
 * relays last; among equals the quicker one. What is in use stays unless something better is better by a margin; what
 * is lost is left at once. While much is sent, what a path carries counts before all that.
 */
export function choosePath(
  candidates: readonly Candidate[],
  active: Endpoint | null,
  rules: Rules,
): Endpoint | null {
  const { now } = rules;
  const proved = candidates.filter(({ standing }) => standing === "proved");
  const usable = pinned(proved, rules.pin, {
    ...rules,
    active: proved.find(({ endpoint }) => endpoint === active) ?? null,
  });
  const isDirect = ({ kind }: Candidate) => kind !== "relay";
  const ways = usable.filter(isDirect);
  const direct = preferred(ways, active, rules);
  const relayed = preferred(
    usable.filter((candidate) => !isDirect(candidate)),
    active,
    rules,
  );
  if (direct === null || relayed === null) return (direct ?? relayed)?.endpoint ?? active;
  const onDirect = ways.some(({ endpoint }) => endpoint === active);
  if (!onDirect && !isTrusted(direct, now)) return relayed.endpoint;
  const [here, there] = onDirect ? [direct, relayed] : [relayed, direct];
  const from = onDirect ? direct : usable.find(({ endpoint }) => endpoint === active);
  const forGoodput = from === undefined ? null : isMoveForGoodput(from, there, rules);
  if (forGoodput !== null) return (forGoodput ? there : here).endpoint;
  const slower = ways.filter((way) => isMuchQuicker(relayed, way, { rules, margin: onDirect ? 1.5 : 1 }));
  return slower.length === ways.length ? relayed.endpoint : direct.endpoint;
}

/**
 * What a path costs in milliseconds: its round trip and how much that wavers, its losses (which weigh more the longer the
 * round trip is), what its relay wants added, and a little for a link around the packets and where they have to be cut.
 * An unmeasured one counts as slow; one that was filled as it was before.
 */
export function cost(candidate: Candidate, rules: Omit<Rules, "pin" | "relays" | "only">): number {
  const { endpoint, rttMillis, baseRttMillis, mtu, relay } = candidate;
  const { relayCost } = rules;
  const isOwn = isFilled(candidate, rules);
  const rtt = (isOwn ? baseRttMillis : null) ?? rttMillis ?? unmeasuredRtt;
  return (
    rtt +
    (isOwn ? 0 : unrest(candidate, rtt, rules.now)) +
    (transportOf(endpoint) === "udp" ? 0 : rtt * linkShare + linkCost) +
    (relay === null ? 0 : relayCost(relay)) +
    (mtu !== null && mtu < wholePacket ? cuttingCost : 0)
  );
}

/** Why a path is used, from the standing of all. */
export function reasonOf(
  active: Candidate,
  facts: Pick<Rules, "now" | "pin" | "relays" | "only"> & {
    readonly candidates: readonly Candidate[];
    readonly sessionSince: Millis;
  },
): ReasonCode {
  if (choosesPath(facts.pin)) {
    if (!fitsPin(active, facts.pin, facts)) return "chosen-dead";
    return active.kind === "relay" ? "chosen-relay" : "chosen-direct";
  }
  if (facts.only != null) return "chosen-transport";
  const transport = transportOf(active.endpoint);
  if (active.kind !== "relay" && transport !== "udp" && (active.kind !== "heard" || transport !== "tcp"))
    return transport === "kcp" ? "direct-for-losses" : isForRoom(facts) ? "direct-for-room" : "direct-link";
  if (active.kind === "relay" && transport !== "udp") return "relay-link";
  switch (active.kind) {
    case "lan":
      return active.isLocal ? "same-lan" : "direct-reflexive";
    case "reflexive":
    case "mapped":
    case "declared":
      return "direct-reflexive";
    case "heard":
      return transportOf(active.endpoint) === "tcp" ? "direct-tcp" : "direct-heard";
    case "relay": {
      const direct = facts.candidates.filter(({ kind }) => kind !== "relay");
      if (direct.some(({ standing, losses }) => standing === "proved" && losses.length === 0))
        return isForRoom(facts) ? "relay-for-room" : "relay-faster";
      if (direct.some(({ losses }) => losses.length > 0)) return "relay-direct-lost";
      return facts.now - facts.sessionSince < firstTries ? "relay-first" : "relay-direct-unanswered";
    }
  }
}

/** Whether plain UDP answers directly, but was found to carry little. */
function isForRoom({
  candidates,
  now,
}: Pick<Rules, "now"> & { readonly candidates: readonly Candidate[] }): boolean {
  return candidates.some(
    (one) =>
      one.kind !== "relay" &&
      one.standing === "proved" &&
      transportOf(one.endpoint) === "udp" &&
      isNarrow(one, now),
  );
}

/** What fills a reason's sentence. */
export interface ReasonFacts {
  readonly name: string;
  /** Where datagrams go, `host:port`. */
  readonly endpoint?: string | undefined;
  readonly transport?: Transport | undefined;
  readonly via?: string | undefined;
  readonly direct?: number | undefined;
  /** The relay that the user chose; absent: the direct path was chosen, or nothing. */
  readonly chosen?: string | undefined;
  /** Who the reason is about is this machine itself. */
  readonly own?: boolean | undefined;
}

/** A reason as one English sentence, with the remedy where there is one. */
export function sentence(code: ReasonCode, facts: ReasonFacts): string {
  const { name, endpoint = "", via, chosen, direct = 0, own = false } = facts;
  const relay = via ?? "a relay";
  const over = transportNames[facts.transport ?? "udp"];
  const port = splitHostPort(endpoint)?.port ?? 0;
  switch (code) {
    case "chosen-direct":
      return `direct, as you chose: ${name} answers at ${endpoint}`;
    case "chosen-relay":
      return `relayed through ${relay} to ${name}, as you chose`;
    case "chosen-dead": {
      const way = via === undefined ? `direct to ${name}` : `relayed through ${via} to ${name}`;
      return chosen === undefined
        ? `${way} until the direct path, which you chose, answers`
        : `${way} until ${chosen}, which you chose, answers`;
    }
    case "same-lan":
      return `direct: ${name} answers at its local address ${endpoint}`;
    case "direct-reflexive":
      return `direct: ${name} answers at ${endpoint}`;
    case "direct-tcp":
      return `direct over TCP, because UDP is closed at one end: ${name} answers at ${endpoint}`;
    case "direct-link":
      return `direct over ${over} on port ${port}, because plain UDP gets no answer: ${name} answers at ${endpoint}`;
    case "direct-for-room":
      return `direct over ${over} on port ${port}, which carries more than plain UDP does here: ${name} answers at ${endpoint}`;
    case "direct-for-losses":
      return `direct over ${over}, which makes up for the losses of the line: ${name} answers at ${endpoint}`;
    case "relay-link":
      return `relayed through ${relay} over ${over} on port ${port}, because UDP to it is blocked here; let UDP to that port through for a quicker path`;
    case "chosen-transport":
      return `${via === undefined ? "direct" : `relayed through ${via}`} over ${over}, as you chose: ${name} answers`;
    case "direct-heard":
      return `direct: ${name} was heard from ${endpoint} and answers there`;
    case "relay-first":
      return `relayed through ${relay} while the addresses of ${name} are being tried`;
    case "relay-direct-unanswered":
      return direct === 0
        ? `relayed through ${relay}: ${name} has told no other address`
        : `relayed through ${relay}: none of the ${direct} other addresses of ${name} answers; open a UDP port at one end for a direct path`;
    case "relay-direct-lost":
      return `relayed through ${relay}: the direct path to ${name} broke and is being tried again`;
    case "relay-for-room":
      return `relayed through ${relay}: that carries more than the direct path`;
    case "relay-faster":
      return `relayed through ${relay}: that is quicker than the direct path`;
    case "stock-client":
      return `${name} is an ordinary WireGuard client: only the gateway that serves it reaches it`;
    case "stock-waiting":
      return `${name} is an ordinary WireGuard client of this machine and has not connected yet`;
    case "stock-connected":
      return `${name} is an ordinary WireGuard client, connected to this machine`;
    case "no-way":
      return `neither an address of ${name} nor a relay answers; open a UDP port at one end, or run a router that both reach`;
    case "peer-offline":
      return `${name} is not connected to the router`;
    case "router-udp-blocked":
      return own
        ? `UDP to the router is blocked here, so nothing can be relayed to ${name}; let UDP to the router's port through`
        : `UDP between ${name} and the router is blocked, so nothing can be relayed to it; let UDP to the router's port through there`;
    case "no-traffic-yet":
      return `no packets for ${name} yet; a path is found with the first one`;
  }
}

/** Direct ways are "being tried" for this long after a session began. */
export const firstTries: Millis = 3000;

/** The best of one sort, the one in use if nothing is better by a margin. */
function preferred(
  candidates: readonly Candidate[],
  active: Endpoint | null,
  rules: Rules,
): Candidate | null {
  const current = candidates.find(({ endpoint }) => endpoint === active);
  if (current === undefined) {
    const distrust = (candidate: Candidate) => (isTrusted(candidate, rules.now) ? 0 : 1);
    const order = (one: Candidate, other: Candidate) =>
      distrust(one) - distrust(other) ||
      tier(one) - tier(other) ||
      cost(one, rules) - cost(other, rules) ||
      (one.endpoint < other.endpoint ? -1 : 1);
    return [...candidates].sort(order)[0] ?? null;
  }
  let chosen = current;
  for (const candidate of candidates) if (isWorthMoving(chosen, candidate, rules)) chosen = candidate;
  return chosen;
}

/** What a path costs besides its round trip because that wavers and packets get lost. */
function unrest(candidate: Candidate, rtt: Millis, now: Millis): number {
  const { loss, lineLoss, jitterMillis } = candidate;
  return (
    Math.max(0, (jitterMillis ?? 0) - harmlessJitter) +
    Math.max(0, (loss ?? 0) - harmlessLoss) * lossCost +
    (isLossy(candidate, false, now) ? (rtt + 50) * lineLoss * lineLossCost : 0)
  );
}

function isWorthMoving(from: Candidate, to: Candidate, rules: Rules): boolean {
  const mending = isForLosses(from, to, rules) ?? isForLosses(to, from, rules);
  if (mending !== null) return mending === (transportOf(to.endpoint) === "kcp");
  const forGoodput = isMoveForGoodput(from, to, rules);
  if (forGoodput !== null) return forGoodput && isTrusted(to, rules.now);
  if (tier(to) !== tier(from)) return tier(to) < tier(from) && isTrusted(to, rules.now);
  const gain = cost(from, rules) - cost(to, rules);
  return gain >= leastGain && gain >= leastShare * cost(from, rules);
}

/**
 * Between a plain way and the lossy-line link over the same: whether the link is the better one. Round trips say little
 * there, for that of the one in use holds what waits in its queue. Null: it is not such a pair.
 */
function isForLosses(plain: Candidate, link: Candidate, { now }: Rules): boolean | null {
  const isPair =
    transportOf(plain.endpoint) === "udp" &&
    transportOf(link.endpoint) === "kcp" &&
    plain.relay === link.relay &&
    hostPortOf(plain.endpoint) === hostPortOf(link.endpoint);
  if (!isPair) return null;
  const isUsable = link.rttMillis !== null && link.rttMillis <= 3 * (plain.rttMillis ?? 0) + 100;
  return isUsable && isLossy(plain, true, now) && link.lineLoss < plain.lineLoss;
}

/** Local network, other direct ways, relays. A local way that loses much is no better than another. */
function tier(candidate: Candidate): number {
  if (candidate.kind === "relay") return 2;
  return candidate.isLocal && (candidate.loss ?? 0) < heavyLoss ? 0 : 1;
}

/** So much quicker that a relay beats a direct way: by 30 ms and half as long again, times `margin`. */
function isMuchQuicker(
  quick: Candidate,
  slow: Candidate,
  { rules, margin }: { readonly rules: Rules; readonly margin: number },
): boolean {
  if (isProvisional(quick) || isProvisional(slow)) return false;
  const [less, more] = [cost(quick, rules), cost(slow, rules)];
  return more - less > 30 * margin && more > less * (1 + 0.5 * margin);
}

const unmeasuredRtt = 1000;
/** A lost probe in twenty is chance. */
const harmlessLoss = 0.1;
/** One percent of loss beyond that weighs 10 ms. */
const lossCost = 1000;
const heavyLoss = 0.25;
/** One percent of datagrams lost for long weighs a quarter of the round trip, and more where that is short. */
const lineLossCost = 25;
/** A link adds headers, work and, over TCP, waiting: where all else is equal plain UDP is taken. */
const linkShare = 0.1;
const linkCost: Millis = 6;
/** So much do round trips waver on any line. */
const harmlessJitter: Millis = 5;
/** What every path of IPv6 carries; packets that do not fit are cut in two. */
const wholePacket = 1280;
const cuttingCost: Millis = 5;
/** Jitter alone must not move a path. */
const leastGain: Millis = 5;
const leastShare = 0.1;
