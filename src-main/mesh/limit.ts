/** What a path turned out to carry at most, from summary to summary. */
import type { Millis } from "../../src-shared/ids.ts";
import type { Measure } from "./effect.ts";

/** What a path carried in the busiest second lately while it was full. */
export interface Limit {
  /** Bytes that arrived in a second. */
  readonly perSecond: number;
  /** Summaries in which it was found full, and when that was last. */
  readonly found: number;
  readonly at: Millis;
}

/** What a path is known to carry at most after another summary. `base`: the shortest round trip of its quiet times. */
export function limitAfter(
  before: Limit | null,
  measure: Pick<Measure, "deliveredPerSecond" | "lossOut" | "minRttMillis">,
  { base, now }: { readonly base: Millis | null; readonly now: Millis },
): Limit | null {
  const known = before === null || now - before.at >= remembered ? null : before;
  const { deliveredPerSecond: delivered, lossOut, minRttMillis } = measure;
  if (delivered === null || delivered < leastTold) return known;
  const waits = base !== null && minRttMillis !== null && minRttMillis >= base * longQueue + harmlessQueue;
  if (waits || (lossOut ?? 0) >= fullLoss) {
    const fading = known === null ? delivered : known.perSecond + (delivered - known.perSecond) * smoothing;
    return { perSecond: Math.max(delivered, fading), found: (known?.found ?? 0) + 1, at: now };
  }
  // It carries that much, and nothing waits or gets lost: there is more room than was thought.
  return known !== null && delivered > known.perSecond ? null : known;
}

/** The shortest round trip after another summary; slowly more where the line has become longer. */
export function baseAfter(before: Millis | null, minRttMillis: Millis | null): Millis | null {
  if (minRttMillis === null || before === null) return minRttMillis ?? before;
  return Math.min(minRttMillis, before * drift);
}

/** Less than this a second is no load. */
const leastTold = 65_536;
/** So much is lost, or waits so long, where a line is full. */
const fullLoss = 0.005;
const longQueue = 1.5;
const harmlessQueue: Millis = 15;
const smoothing = 0.3;
const drift = 1.005;
/** How long a limit counts after the path was found full last. */
export const remembered: Millis = 600_000;
