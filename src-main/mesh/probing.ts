/** Which candidates are probed how often: much while something may change, little while it cannot, never when idle. */
import type { Millis } from "../../src-shared/ids.ts";
import type { Candidate } from "./candidate.ts";
import { isProvisional } from "./candidate.ts";
import type { Endpoint } from "./effect.ts";

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

/** When the activity changes if no packet comes. */
export function activityEnds(lastTraffic: Millis): readonly Millis[] {
  return [lastTraffic + busyFor, lastTraffic + idleFor];
}

/** Which paths carry the packets: those that share the flows, and those that take over when all of them are lost. */
export interface Use {
  readonly active: readonly Endpoint[];
  readonly standby: readonly Endpoint[];
}

/** What a `setPaths` effect says. */
export interface Plan extends Use {
  readonly paths: readonly PlannedPath[];
}

/** All candidates with their probe intervals, the one in use first. */
export function plan(
  candidates: readonly Candidate[],
  facts: {
    readonly active: Endpoint | null;
    readonly activity: Activity;
    readonly eager: Millis;
    readonly now: Millis;
  },
): readonly PlannedPath[] {
  const { active } = facts;
  const paths: PlannedPath[] = [];
  for (const candidate of candidates) {
    const path = { endpoint: candidate.endpoint, probeMillis: interval(candidate, facts) };
    if (candidate.endpoint === active) paths.unshift(path);
    else paths.push(path);
  }
  return paths;
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

function interval(
  candidate: Candidate,
  {
    active,
    activity,
    eager,
    now,
  }: {
    readonly active: Endpoint | null;
    readonly activity: Activity;
    readonly eager: Millis;
    readonly now: Millis;
  },
): Millis {
  const inUse = candidate.endpoint === active;
  if (activity === "quiet") return 0;
  if (activity === "idle") return inUse ? whenIdle : 0;
  if (isProvisional(candidate)) return eagerly;
  if (candidate.standing === "proved") return inUse ? inTraffic : onStandby;
  const tried = now - Math.max(candidate.since, eager);
  const steps = candidate.isLocal ? localTries : tries;
  return steps.find(({ until }) => tried < until)?.every ?? rarely;
}

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
const inTraffic: Millis = 1000;
const onStandby: Millis = 5000;
/** Below the 30 s after which the hastiest NATs forget. */
const whenIdle: Millis = 25_000;
const busyFor: Millis = 30_000;
const idleFor: Millis = 300_000;
