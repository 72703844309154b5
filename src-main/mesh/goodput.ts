/** How much a path carries: what it did carry while it was full, else what a TCP flow reaches on such a line. */
import type { Millis } from "../../src-shared/ids.ts";
import type { Candidate } from "./candidate.ts";
import { isProvisional } from "./candidate.ts";
import type { Limit } from "./limit.ts";
import { remembered } from "./limit.ts";

/** What a comparison follows besides the two paths. */
export interface GoodputFacts {
  readonly now: Millis;
  /** Much is sent: only then it matters. */
  readonly isHeavy?: boolean;
}

/** Bytes a second that a path carries, as far as one knows. */
export function goodput(candidate: Candidate, now: Millis): number {
  const limit = limitOf(candidate, now);
  if (limit !== null) return limit.perSecond;
  return Math.max(Math.min(reachable(candidate), believed), candidate.deliveredPerSecond ?? 0);
}

/**
 * Whether packets had better move for what the paths carry, whatever their round trips say: true when the one in use is full
 * and the other carries much more, false when the other is known to carry less. Null: nothing speaks for or against it.
 */
export function isMoveForGoodput(from: Candidate, to: Candidate, facts: GoodputFacts): boolean | null {
  const { now, isHeavy = false } = facts;
  if (!isHeavy) return null;
  const [full, known] = [limitOf(from, now), limitOf(to, now)];
  const isUsable = !isProvisional(to) && to.rttMillis !== null;
  if (full !== null && now - full.at < fullFor && isUsable) {
    // A try costs a moment of worse packets, and a relay's line belongs to somebody.
    const onto = to.kind === "relay" && from.kind !== "relay" ? relayMargin : 1;
    const margin = (known === null ? triedMargin : knownMargin) * onto;
    if (goodput(to, now) >= margin * full.perSecond) return true;
  }
  // A try that has just begun is not over.
  const isJudged = full !== null || from.limit === null || now - from.limit.at >= fullFor;
  const isHeld = known !== null && (!isJudged || goodput(from, now) >= heldMargin * known.perSecond);
  return isHeld ? false : null;
}

/** Whether a path was found full, so that one knows how little it carries. */
export function isNarrow(candidate: Candidate, now: Millis): boolean {
  return limitOf(candidate, now) !== null;
}

/** Whether a path's losses and round trips are those that much traffic makes for itself, and say nothing about the line. */
export function isFilled(candidate: Candidate, { now, isHeavy = false }: GoodputFacts): boolean {
  return isHeavy && isNarrow(candidate, now);
}

/** Whether a path is full and carries so little that a way that was never tried may well carry more. */
export function isStarved(candidate: Candidate, { now, isHeavy = false }: GoodputFacts): boolean {
  const limit = isHeavy ? limitOf(candidate, now) : null;
  return limit !== null && now - limit.at < fullFor && limit.perSecond * triedMargin <= believed;
}

/** Found full often enough that it was no moment's burst, and lately enough to count. */
function limitOf({ limit }: Candidate, now: Millis): Limit | null {
  return limit !== null && limit.found >= leastFound && now - limit.at < remembered ? limit : null;
}

/** What a TCP flow reaches by round trip and loss (Mathis and others, 1997); a repairing link's loss is what it left over. */
function reachable({ rttMillis, lineLoss }: Candidate): number {
  if (rttMillis === null) return 0;
  const loss = Math.max(lineLoss, leastLoss);
  return (segment * Math.sqrt(1.5 / loss)) / (Math.max(rttMillis, 1) / 1000);
}

const leastFound = 3;
const fullFor: Millis = 5000;
/** Bytes of a full segment, and loss below what probes can show. */
const segment = 1300;
const leastLoss = 1e-4;
/** Of a line that never carried much no more is believed. */
const believed = 2_500_000;
const triedMargin = 2;
const knownMargin = 1.3;
const relayMargin = 2;
const heldMargin = 1.2;
