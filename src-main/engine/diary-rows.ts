/** What the diary is made of, and how many rows become few. */
import type { Millis } from "../../src-shared/ids.ts";
import type { PeerStatus } from "../../src-shared/status.ts";

/** Whom a row is about. */
export interface DiaryPeer {
  /** Id of the network. */
  readonly network: string;
  /** Session key. */
  readonly key: string;
  readonly name: string;
}

/** What was measured of a peer from `at` on, for a minute or, joined, for longer. */
export interface DiaryRow {
  readonly at: Millis;
  /** Round trips in milliseconds; null when none was measured. */
  readonly median: number | null;
  readonly lowest: number | null;
  readonly highest: number | null;
  /** 0–1. */
  readonly loss: number | null;
  readonly state: PeerStatus["state"];
  readonly path: string | null;
  readonly rxBytes: number;
  readonly txBytes: number;
}

/** Something decided or happened about a peer. */
export interface DiaryNote {
  readonly at: Millis;
  readonly code: string;
  readonly text: string;
}

/**
 * Joins rows, oldest first, into spans of equal length that begin at `since`: the median of medians, the lowest and the
 * highest of all, the mean loss, the last state and path, the sum of bytes. Spans without rows are left out.
 */
export function downSample(
  rows: readonly DiaryRow[],
  { since, span }: { readonly since: Millis; readonly span: Millis },
): readonly DiaryRow[] {
  const spans = new Map<number, DiaryRow[]>();
  for (const row of rows) {
    const index = Math.floor((row.at - since) / span);
    const others = spans.get(index);
    if (others === undefined) spans.set(index, [row]);
    else others.push(row);
  }
  return [...spans]
    .sort(([one], [other]) => one - other)
    .map(([index, members]) => joined(since + index * span, members));
}

/** The middle one of some numbers, the lower of two; null of none. */
export function medianOf(values: readonly number[]): number | null {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? null;
}

/** The mean of some numbers; null of none. */
export function meanOf(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((sum, each) => sum + each, 0) / values.length;
}

function joined(at: Millis, rows: readonly DiaryRow[]): DiaryRow {
  const known = (select: (row: DiaryRow) => number | null) =>
    rows.map(select).filter((value) => value !== null);
  const lows = known((row) => row.lowest);
  const highs = known((row) => row.highest);
  const last = rows.at(-1);
  return {
    at,
    median: medianOf(known((row) => row.median)),
    lowest: lows.length === 0 ? null : Math.min(...lows),
    highest: highs.length === 0 ? null : Math.max(...highs),
    loss: meanOf(known((row) => row.loss)),
    state: last?.state ?? "idle",
    path: last?.path ?? null,
    rxBytes: rows.reduce((sum, row) => sum + row.rxBytes, 0),
    txBytes: rows.reduce((sum, row) => sum + row.txBytes, 0),
  };
}
