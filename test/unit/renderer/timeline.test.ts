import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { alignLines, changesOf, timelineOf, totalsOf } from "../../../src-renderer/state/timeline.ts";
import type { Diary, DiaryPoint } from "../../../src-shared/diary.ts";

const noon = Date.UTC(2026, 0, 15, 12);

function point(span: number, given: Partial<DiaryPoint> = {}): DiaryPoint {
  return {
    at: new Date(noon + span * 60_000).toISOString(),
    latencyMs: 10,
    lowestMs: 8,
    highestMs: 20,
    lossPercent: 1,
    state: "connected",
    path: null,
    rxBytes: 600,
    txBytes: 60,
    ...given,
  };
}

function diary(points: DiaryPoint[], events: Diary["events"] = []): Diary {
  return { points, events, spanSeconds: 60 };
}

describe("a timeline", () => {
  it("has each span at its middle, rates in bytes per second, and breaks at a gap", () => {
    const timeline = timelineOf(
      diary([point(0), point(1, { latencyMs: null }), point(9, { rxBytes: 6000 })]),
    );
    expect(timeline.times.map((time) => time - noon / 1000)).toEqual([30, 90, 150, 570]);
    expect(timeline.median).toEqual([10, null, null, 10]);
    expect(timeline.received).toEqual([10, 10, null, 100]);
    expect(timeline.sent).toEqual([1, 1, null, 1]);
    expect(timeline.loss).toEqual([1, 1, null, 1]);
  });

  it("goes forward, with columns of one length, and loses no point", () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(5000), { maxLength: 60 }), (spans) => {
        const points = [...spans].sort((one, other) => one - other).map((span) => point(span));
        const { times, ...columns } = timelineOf(diary(points));
        for (const [at, time] of times.entries()) expect(time).toBeGreaterThan(times[at - 1] ?? 0);
        for (const column of Object.values(columns)) {
          expect(column).toHaveLength(times.length);
          expect(column.filter((value) => value !== null)).toHaveLength(points.length);
        }
      }),
    );
  });

  it("is summed up, or has nothing to say", () => {
    const points = [
      point(0, { latencyMs: 5, lossPercent: 3 }),
      point(1, { highestMs: 99 }),
      point(2, { lowestMs: 2 }),
    ];
    expect(totalsOf(diary(points))).toEqual({
      median: 10,
      lowest: 2,
      highest: 99,
      loss: expect.closeTo(5 / 3),
      rxBytes: 1800,
      txBytes: 180,
    });
    expect(totalsOf(diary([]))).toEqual({
      median: null,
      lowest: null,
      highest: null,
      loss: null,
      rxBytes: 0,
      txBytes: 0,
    });
  });

  it("tells changes, the newest first, without those of the session", () => {
    const event = (code: string, text: string) => ({
      at: point(0).at,
      network: "home",
      peer: "nas",
      code,
      text,
    });
    const events = [event("session", "one"), event("same-lan", "two"), event("peer-offline", "three")];
    expect(changesOf(diary([], events)).map(({ text }) => text)).toEqual(["three", "two"]);
  });
});

describe("several lines over one axis", () => {
  it("have every time of any of them, and go on where another one was measured", () => {
    expect(
      alignLines([
        { times: [1, 3, 5], values: [10, null, 30] },
        { times: [2, 3], values: [7, 8] },
      ]),
    ).toEqual({
      times: [1, 2, 3, 5],
      columns: [
        [10, undefined, null, 30],
        [undefined, 7, 8, undefined],
      ],
    });
    expect(alignLines([])).toEqual({ times: [], columns: [] });
  });
});
