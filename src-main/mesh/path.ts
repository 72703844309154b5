/** Which of a peer's candidates carries its packets, and how one says why. */
import type { Millis } from "../../src-shared/ids.ts";
import type { ReasonCode } from "../../src-shared/status.ts";
import type { Candidate } from "./candidate.ts";
import { isProvisional, trustDelay } from "./candidate.ts";
import type { Endpoint } from "./effect.ts";

/**
 * The endpoint to send to: the local network first, then other direct ways, relays last; among equals the quicker one.
 * What is in use stays unless something better is better by a margin; what is lost is left at once.
 */
export function choosePath(
  candidates: readonly Candidate[],
  active: Endpoint | null,
  now: Millis,
): Endpoint | null {
  const usable = candidates.filter(({ standing }) => standing === "proved");
  const isDirect = ({ kind }: Candidate) => kind !== "relay";
  const ways = usable.filter(isDirect);
  const direct = preferred(ways, active, now);
  const relayed = preferred(
    usable.filter((candidate) => !isDirect(candidate)),
    active,
    now,
  );
  if (direct === null || relayed === null) return (direct ?? relayed)?.endpoint ?? active;
  const onDirect = ways.some(({ endpoint }) => endpoint === active);
  if (!onDirect && !isTrusted(direct, now)) return relayed.endpoint;
  const slower = ways.filter((way) => isMuchQuicker(relayed, way, onDirect ? 1.5 : 1));
  return slower.length === ways.length ? relayed.endpoint : direct.endpoint;
}

/** What a path's round trips and losses cost, in milliseconds; an unmeasured one counts as slow. */
export function cost({ rttMillis, loss }: Candidate): number {
  return (rttMillis ?? unmeasuredRtt) + Math.max(0, (loss ?? 0) - harmlessLoss) * lossCost;
}

/** Why a path is used, from the standing of all. */
export function reasonOf(
  active: Candidate,
  facts: { readonly candidates: readonly Candidate[]; readonly sessionSince: Millis; readonly now: Millis },
): ReasonCode {
  switch (active.kind) {
    case "lan":
      return active.isLocal ? "same-lan" : "direct-reflexive";
    case "reflexive":
    case "mapped":
    case "declared":
      return "direct-reflexive";
    case "heard":
      return "direct-heard";
    case "relay": {
      const direct = facts.candidates.filter(({ kind }) => kind !== "relay");
      if (direct.some(({ standing, losses }) => standing === "proved" && losses.length === 0))
        return "relay-faster";
      if (direct.some(({ losses }) => losses.length > 0)) return "relay-direct-lost";
      return facts.now - facts.sessionSince < firstTries ? "relay-first" : "relay-direct-unanswered";
    }
  }
}

/** What fills a reason's sentence. */
export interface ReasonFacts {
  readonly name: string;
  readonly endpoint?: string | undefined;
  readonly via?: string | undefined;
  readonly direct?: number | undefined;
  /** Who the reason is about is this machine itself. */
  readonly own?: boolean | undefined;
}

/** A reason as one English sentence, with the remedy where there is one. */
export function sentence(code: ReasonCode, facts: ReasonFacts): string {
  const { name, endpoint = "", via = "a relay", direct = 0, own = false } = facts;
  switch (code) {
    case "same-lan":
      return `direct: ${name} answers at its local address ${endpoint}`;
    case "direct-reflexive":
      return `direct: ${name} answers at ${endpoint}`;
    case "direct-heard":
      return `direct: ${name} was heard from ${endpoint} and answers there`;
    case "relay-first":
      return `relayed through ${via} while the addresses of ${name} are being tried`;
    case "relay-direct-unanswered":
      return direct === 0
        ? `relayed through ${via}: ${name} has told no other address`
        : `relayed through ${via}: none of the ${direct} other addresses of ${name} answers; open a UDP port at one end for a direct path`;
    case "relay-direct-lost":
      return `relayed through ${via}: the direct path to ${name} broke and is being tried again`;
    case "relay-faster":
      return `relayed through ${via}: that is quicker than the direct path`;
    case "stock-client":
      return `${name} is an ordinary WireGuard client: only the gateway that serves it reaches it`;
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
function preferred(candidates: readonly Candidate[], active: Endpoint | null, now: Millis): Candidate | null {
  const current = candidates.find(({ endpoint }) => endpoint === active);
  if (current === undefined) {
    const distrust = (candidate: Candidate) => (isTrusted(candidate, now) ? 0 : 1);
    const order = (one: Candidate, other: Candidate) =>
      distrust(one) - distrust(other) || tier(one) - tier(other) || cost(one) - cost(other);
    return [...candidates].sort(order)[0] ?? null;
  }
  let chosen = current;
  for (const candidate of candidates) if (isWorthMoving(chosen, candidate, now)) chosen = candidate;
  return chosen;
}

function isWorthMoving(from: Candidate, to: Candidate, now: Millis): boolean {
  if (tier(to) !== tier(from)) return tier(to) < tier(from) && isTrusted(to, now);
  const gain = cost(from) - cost(to);
  return gain >= leastGain && gain >= leastShare * cost(from);
}

function isTrusted(candidate: Candidate, now: Millis): boolean {
  return !isProvisional(candidate) && now - candidate.since >= trustDelay(candidate, now);
}

/** Local network, other direct ways, relays. A local way that loses much is no better than another. */
function tier(candidate: Candidate): number {
  if (candidate.kind === "relay") return 2;
  return candidate.isLocal && (candidate.loss ?? 0) < heavyLoss ? 0 : 1;
}

/** So much quicker that a relay beats a direct way: by 30 ms and half as long again, times `margin`. */
function isMuchQuicker(quick: Candidate, slow: Candidate, margin: number): boolean {
  if (isProvisional(quick) || isProvisional(slow)) return false;
  return cost(slow) - cost(quick) > 30 * margin && cost(slow) > cost(quick) * (1 + 0.5 * margin);
}

const unmeasuredRtt = 1000;
/** A lost probe in twenty is chance. */
const harmlessLoss = 0.1;
/** One percent of loss beyond that weighs 10 ms. */
const lossCost = 1000;
const heavyLoss = 0.25;
/** Jitter alone must not move a path. */
const leastGain: Millis = 5;
const leastShare = 0.1;
