/** Rates out of byte counters. */

/** Counters of a peer at a moment, and the rates that led there. */
export interface Traffic {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly rxBytes: number;
  readonly txBytes: number;
  /** Bytes per second. */
  readonly rxRate: number;
  readonly txRate: number;
}

export interface Counters {
  readonly rxBytes: number;
  readonly txBytes: number;
}

/** The traffic after another look at the counters. Counters that fell (the engine was restarted) begin anew. */
export function measureTraffic(before: Traffic | undefined, counters: Counters, at: number): Traffic {
  const { rxBytes, txBytes } = counters;
  if (before === undefined || rxBytes < before.rxBytes || txBytes < before.txBytes)
    return { at, rxBytes, txBytes, rxRate: 0, txRate: 0 };
  const seconds = (at - before.at) / 1000;
  if (seconds < shortestSpan) return before;
  return {
    at,
    rxBytes,
    txBytes,
    rxRate: settle((rxBytes - before.rxBytes) / seconds),
    txRate: settle((txBytes - before.txBytes) / seconds),
  };
}

/** Keepalives are no traffic: what is below a byte a second shows as silence. */
function settle(rate: number): number {
  return rate < 1 ? 0 : rate;
}

/** Looks that are closer together than this are merged: their rate would be mostly chance. Seconds. */
const shortestSpan = 0.4;
