/** A peer's diary as columns of numbers that a chart draws, and what changed in words. */
import type { Diary, DiaryEvent } from "../../src-shared/diary.ts";

/** Columns of equal length; null where nothing was measured, so that lines break there. */
export interface Timeline {
  /** Seconds since 1970: the middle of each span. */
  readonly times: readonly number[];
  readonly median: Column;
  readonly lowest: Column;
  readonly highest: Column;
  /** 0–100. */
  readonly loss: Column;
  /** Bytes per second. */
  readonly received: Column;
  readonly sent: Column;
}
/** Undefined: this column has nothing to say about that time, and its line goes on. */
export type Column = readonly (number | null | undefined)[];

/** What the whole time comes to; null for what was never measured. */
export interface TimelineTotals {
  readonly median: number | null;
  readonly lowest: number | null;
  readonly highest: number | null;
  readonly loss: number | null;
  readonly rxBytes: number;
  readonly txBytes: number;
}

/** The spans that have points, with one empty span at each gap. */
export function timelineOf({ points, spanSeconds }: Diary): Timeline {
  const rows: (Diary["points"][number] | null)[] = [];
  const times: number[] = [];
  for (const point of points) {
    const at = Date.parse(point.at) / 1000 + spanSeconds / 2;
    const before = times.at(-1);
    if (before !== undefined && at - before > spanSeconds * 1.5) {
      times.push(before + spanSeconds);
      rows.push(null);
    }
    times.push(at);
    rows.push(point);
  }
  const column = (select: (point: Diary["points"][number]) => number | null): Column =>
    rows.map((row) => (row === null ? null : select(row)));
  return {
    times,
    median: column((point) => point.latencyMs),
    lowest: column((point) => point.lowestMs),
    highest: column((point) => point.highestMs),
    loss: column((point) => point.lossPercent),
    received: column((point) => point.rxBytes / spanSeconds),
    sent: column((point) => point.txBytes / spanSeconds),
  };
}

export function totalsOf({ points }: Diary): TimelineTotals {
  const known = (select: (point: Diary["points"][number]) => number | null) =>
    points.map(select).filter((value) => value !== null);
  const medians = known((point) => point.latencyMs).sort((one, other) => one - other);
  const lows = known((point) => point.lowestMs);
  const highs = known((point) => point.highestMs);
  const losses = known((point) => point.lossPercent);
  return {
    median: medians[Math.floor((medians.length - 1) / 2)] ?? null,
    lowest: lows.length === 0 ? null : Math.min(...lows),
    highest: highs.length === 0 ? null : Math.max(...highs),
    loss: losses.length === 0 ? null : losses.reduce((sum, each) => sum + each, 0) / losses.length,
    rxBytes: points.reduce((sum, point) => sum + point.rxBytes, 0),
    txBytes: points.reduce((sum, point) => sum + point.txBytes, 0),
  };
}

/** Several lines over one axis: every time of any of them, oldest first, and each line's values there. */
export function alignLines(
  lines: readonly { readonly times: readonly number[]; readonly values: Column }[],
): { readonly times: readonly number[]; readonly columns: readonly Column[] } {
  const times = [...new Set(lines.flatMap((line) => line.times))].sort((one, other) => one - other);
  const columns = lines.map((line) => {
    const values = new Map(line.times.map((time, at) => [time, line.values[at]]));
    return times.map((time) => values.get(time));
  });
  return { times, columns };
}

/** Changes of path or state, newest first; what only tells of a session is left out. */
export function changesOf({ events }: Diary): readonly DiaryEvent[] {
  return events.filter(({ code }) => code !== "session").reverse();
}
