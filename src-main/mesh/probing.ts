/** Which candidates are probed how often: much while something may change, little while it cannot, never when idle. */
import type { Millis } from "../../src-shared/ids.ts";
import type { Candidate } from "./candidate.ts";
import { isProvisional } from "./candidate.ts";
import type { Endpoint } from "./effect.ts";
import type { Use } from "./use.ts";

/** How lately packets went to or came from a peer. */
export type Activity = "busy" | "idle" | "quiet";

/** One path of a `setPaths` effect. */
export interface PlannedPath {
  readonly endpoint: Endpoint;
  readonly probeMillis: Millis;
}

export function activityOf(sinceTraffic: Millis): Activity {
  return sinceTraffic < busyFor ? "busy" : sinceTraffic < idleFor ? "idle" : "quiet";
}

/** Whether packets went to or came from a peer just now. */
export function isFlowing(sinceTraffic: Millis): boolean {
  return sinceTraffic < flowingFor;
}

/** When the activity changes if no packet comes. */
export function activityEnds(lastTraffic: Millis): readonly Millis[] {
  return [lastTraffic + flowingFor, lastTraffic + busyFor, lastTraffic + idleFor];
}

/** What a `setPaths` effect says. */
export interface Plan extends Use {
  readonly paths: readonly PlannedPath[];
}

/** What the intervals depend on. */
export interface ProbingFacts {
  readonly use: Use;
  readonly activity: Activity;
  readonly isFlowing: boolean;
  /** The session is kept by such probes though no packet flows; null: it is not. */
  readonly keepMillis: Millis | null;
  /** Since when unproved candidates are tried eagerly. */
  readonly eager: Millis;
  /** How many peers packets flow to or from: they share the node's budget. */
  readonly flowing: number;
  /** Another peer's path in use was lost just now. */
  readonly isAlarmed: boolean;
  /** Packets flow in such amounts that probes weigh nothing beside them. */
  readonly isHeavy: boolean;
  readonly now: Millis;
}

/** All candidates with their probe intervals, those in use first, then those that stand by. */
export function plan(candidates: readonly Candidate[], facts: ProbingFacts): readonly PlannedPath[] {
  const { active, standby } = facts.use;
  const rank = ({ endpoint }: Candidate) =>
    active.includes(endpoint) ? 0 : standby.includes(endpoint) ? 1 : 2;
  return [...candidates]
    .sort((one, other) => rank(one) - rank(other))
    .map((candidate) => ({ endpoint: candidate.endpoint, probeMillis: interval(candidate, facts) }));
}

/** Whether two plans ask the same of the data plane. */
export function samePlan(one: Plan, other: Plan): boolean {
  if (!sameList(one.active, other.active) || !sameList(one.standby, other.standby)) return false;
  if (one.paths.length !== other.paths.length) return false;
  return one.paths.every(({ endpoint, probeMillis }, at) => {
    const path = other.paths[at];
    return path?.endpoint === endpoint && path.probeMillis === probeMillis;
  });
}

function sameList(one: readonly Endpoint[], other: readonly Endpoint[]): boolean {
  return one.length === other.length && one.every((endpoint, at) => endpoint === other[at]);
}

/** When an unproved candidate is tried less often from then on. */
export function tryEnds({ isLocal, since }: Candidate, eager: Millis): readonly Millis[] {
  return (isLocal ? localTries : tries).map(({ until }) => until + Math.max(since, eager));
}

function interval(candidate: Candidate, facts: ProbingFacts): Millis {
  const { use, activity, eager, now } = facts;
  const { endpoint } = candidate;
  if (activity !== "busy") return whileQuiet(candidate, facts);
  if (isProvisional(candidate)) return eagerly;
  if (candidate.standing === "proved") {
    const { inUse, standingBy } = facts.isFlowing ? whileFlowing(facts) : afterwards;
    if (use.active.includes(endpoint)) return inUse;
    // A direct path may be as good as those in use, and add to them, once it is known what it loses.
    const isWanted = candidate.loss === null && candidate.kind !== "relay";
    return use.standby.includes(endpoint) || isWanted ? standingBy : aside;
  }
  const tried = now - Math.max(candidate.since, eager);
  const steps = candidate.isLocal ? localTries : tries;
  return steps.find(({ until }) => tried < until)?.every ?? rarely;
}

/** Without packets only what is in use is probed; to keep a session, also what may be in use soon. */
function whileQuiet(candidate: Candidate, { use, activity, keepMillis, eager, now }: ProbingFacts): Millis {
  if (candidate.endpoint === use.active[0]) return keepMillis ?? (activity === "idle" ? whenIdle : 0);
  if (keepMillis === null || candidate.standing === "proved") return 0;
  const tried = now - Math.max(candidate.since, eager);
  return tries.slice(0, 2).find(({ until }) => tried < until)?.every ?? 0;
}

/**
 * About ten probes a second for all peers together, so that a lost path is left soon and probing stays cheap; beyond ten
 * peers one a second each, which the data plane slows as its budget of bytes demands.
 */
function whileFlowing({ flowing, isAlarmed, isHeavy }: ProbingFacts): Intervals {
  const shared = budget.find(({ peers }) => flowing <= peers) ?? leastOften;
  if (isHeavy) return heavily;
  return isAlarmed && shared.inUse > alarmed.inUse ? alarmed : shared;
}

interface Intervals {
  readonly inUse: Millis;
  readonly standingBy: Millis;
}

/** For so many peers at most. */
const budget: readonly (Intervals & { readonly peers: number })[] = [
  { peers: 1, inUse: 100, standingBy: 1000 },
  { peers: 2, inUse: 250, standingBy: 1000 },
  { peers: 5, inUse: 500, standingBy: 2000 },
  { peers: 10, inUse: 1000, standingBy: 5000 },
];
const leastOften: Intervals = { inUse: 1000, standingBy: 10_000 };
const alarmed: Intervals = { inUse: 250, standingBy: 1000 };
const heavily: Intervals = { inUse: 100, standingBy: 1000 };
const afterwards: Intervals = { inUse: 1000, standingBy: 5000 };

/** How an unproved candidate is tried: fast at first, so that both ends' NATs open together, then ever more rarely. */
const tries: readonly { readonly until: Millis; readonly every: Millis }[] = [
  { until: 3000, every: 250 },
  { until: 30_000, every: 2000 },
  { until: 300_000, every: 15_000 },
];
/** On the local network there is no NAT to open: whoever is there answers soon. */
const localTries: typeof tries = [{ until: 1000, every: 250 }, ...tries.slice(1)];

const eagerly: Millis = 250;
const rarely: Millis = 60_000;
/** Proved, but neither in use nor next: only so that a change for the better is seen. */
const aside: Millis = 10_000;
/** Below the 30 s after which the hastiest NATs forget. */
const whenIdle: Millis = 25_000;
const flowingFor: Millis = 5000;
const busyFor: Millis = 30_000;
const idleFor: Millis = 300_000;
