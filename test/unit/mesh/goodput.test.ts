import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Candidate } from "../../../src-main/mesh/candidate.ts";
import { newCandidate, proved } from "../../../src-main/mesh/candidate.ts";
import { goodput, isMoveForGoodput, isStarved } from "../../../src-main/mesh/goodput.ts";
import type { Limit } from "../../../src-main/mesh/limit.ts";
import { baseAfter, limitAfter } from "../../../src-main/mesh/limit.ts";
import { choosePath } from "../../../src-main/mesh/path.ts";

const now = 10_000_000;
const mbit = 125_000;
const quick = "203.0.113.7:7743";
const slow = "203.0.113.8:7743";
const channel = "198.51.100.1:7743#7";
const rules = { now, pin: null, relays: new Map(), relayCost: () => 0, isHeavy: true };

function at(endpoint: string, rttMillis: number, change: Partial<Candidate> = {}): Candidate {
  const kind = endpoint.includes("#") ? ("relay" as const) : ("reflexive" as const);
  return { ...proved(newCandidate({ endpoint, kind }, now - 60_000), rttMillis, now - 60_000), ...change };
}

/** Found full at so many Mbit/s, so long ago. */
function full(mbits: number, ago = 0): Pick<Candidate, "limit"> {
  return { limit: { perSecond: mbits * mbit, found: 3, at: now - ago } };
}

describe("what a path carries", () => {
  const quiet = { deliveredPerSecond: null, lossOut: 0, minRttMillis: 20 };
  const facts = { base: 20, now };
  const known: Limit = { perSecond: mbit, found: 3, at: now - 1000 };

  it("is known from summaries in which packets got lost or waited", () => {
    const told = { ...quiet, deliveredPerSecond: mbit };
    expect(limitAfter(null, { ...told, lossOut: 0.02 }, facts)).toEqual({
      perSecond: mbit,
      found: 1,
      at: now,
    });
    expect(limitAfter(null, { ...told, minRttMillis: 90 }, facts)).toEqual({
      perSecond: mbit,
      found: 1,
      at: now,
    });
    expect(limitAfter(null, told, facts)).toBe(null);
    expect(limitAfter(null, { ...told, minRttMillis: 40 }, facts)).toBe(null);
    expect(limitAfter(null, { ...told, deliveredPerSecond: 20_000, lossOut: 0.1 }, facts)).toBe(null);
    expect(limitAfter(known, { ...quiet, lossOut: 0.5 }, facts)).toBe(known);
  });

  it("is the most of it lately: a quiet second changes nothing, a bad one little", () => {
    const less = limitAfter(known, { ...quiet, deliveredPerSecond: 0.6 * mbit, lossOut: 0.02 }, facts);
    expect(less).toMatchObject({ perSecond: 0.88 * mbit, found: 4 });
    const more = limitAfter(known, { ...quiet, deliveredPerSecond: 3 * mbit, lossOut: 0.02 }, facts);
    expect(more).toMatchObject({ perSecond: 3 * mbit });
  });

  it("is forgotten when more passes without a loss, and after a while", () => {
    expect(limitAfter(known, { ...quiet, deliveredPerSecond: 2 * mbit }, facts)).toBe(null);
    expect(limitAfter({ ...known, at: now - 600_000 }, quiet, facts)).toBe(null);
    expect(goodput(at(quick, 20, full(1)), now)).toBe(mbit);
    expect(goodput(at(quick, 20, full(1, 600_000)), now)).toBeGreaterThan(10 * mbit);
  });

  it("[P13] follows from round trip and loss where it was never full: what a repairing link has left over counts", () => {
    const plain = goodput(at(quick, 20, { lineLoss: 0.05 }), now);
    const repaired = goodput(at(`kcp/${quick}`, 24, { lineLoss: 0.0005 }), now);
    expect(repaired).toBeGreaterThan(5 * plain);
    expect(goodput(at(slow, 200), now)).toBeLessThan(goodput(at(quick, 20), now));
    expect(goodput(at(quick, 20, { rttMillis: null }), now)).toBe(0);
  });

  it("takes a longer line for longer by and by", () => {
    let base = baseAfter(null, 10);
    for (let second = 0; second < 30; second++) base = baseAfter(base, 60);
    expect(base).toBeLessThan(12);
    for (let second = 0; second < 600; second++) base = baseAfter(base, 60);
    expect(base).toBe(60);
    expect(baseAfter(base, null)).toBe(60);
  });
});

describe("[P16] choosing by what paths carry while much is sent", () => {
  const table: readonly (readonly [string, readonly Candidate[], string, string])[] = [
    [
      "a quick path that is full is left for one never tried",
      [at(quick, 5, full(1)), at(slow, 40)],
      quick,
      slow,
    ],
    ["also for a relay", [at(quick, 5, full(1)), at(channel, 40)], quick, channel],
    ["not for a relay that may carry little more", [at(quick, 5, full(8)), at(channel, 40)], quick, quick],
    ["a path that is full at a good rate is kept", [at(quick, 5, full(50)), at(slow, 40)], quick, quick],
    [
      "the quick one is not taken again while less was carried by it",
      [at(quick, 5, full(1, 60_000)), at(slow, 40)],
      slow,
      slow,
    ],
    ["nor from a relay", [at(quick, 5, full(1, 60_000)), at(channel, 40)], channel, channel],
    [
      "of two that are known the one that carries more",
      [at(quick, 5, full(4)), at(slow, 40, full(9, 60_000))],
      quick,
      slow,
    ],
    [
      "of two that carry the same the quicker one, whatever its load does to it",
      [
        at(quick, 5, { ...full(4), baseRttMillis: 5, rttMillis: 300, jitterMillis: 90 }),
        at(slow, 40, full(4, 60_000)),
      ],
      quick,
      quick,
    ],
    [
      "what nobody measured yet is not moved to",
      [at(quick, 5, full(1)), at(slow, 40, { rttMillis: null })],
      quick,
      quick,
    ],
  ];
  for (const [name, candidates, active, expected] of table) {
    it(name, () => {
      expect(choosePath(candidates, active, rules)).toBe(expected);
      expect(choosePath([...candidates].reverse(), active, rules)).toBe(expected);
    });
  }

  it("matters only while much is sent", () => {
    const candidates = [at(quick, 5, full(1)), at(slow, 40)];
    expect(choosePath(candidates, slow, { ...rules, isHeavy: false })).toBe(quick);
    expect(isStarved(at(quick, 5, full(1)), { now, isHeavy: false })).toBe(false);
    expect(isStarved(at(quick, 5, full(1)), { now, isHeavy: true })).toBe(true);
    expect(isStarved(at(quick, 5, full(12)), { now, isHeavy: true })).toBe(false);
  });

  it("never wants a move there and back again", () => {
    const any = fc
      .record({
        rtt: fc.integer({ min: 1, max: 500 }),
        mbits: fc.option(fc.double({ min: 0.6, max: 1000, noNaN: true })),
        found: fc.integer({ min: 1, max: 6 }),
        ago: fc.integer({ min: 0, max: 700_000 }),
        isRelay: fc.boolean(),
      })
      .map(
        ({ rtt, mbits, found, ago, isRelay }) =>
          (endpoint: string) =>
            at(isRelay ? `${endpoint}#1` : endpoint, rtt, {
              limit: mbits === null ? null : { perSecond: mbits * mbit, found, at: now - ago },
            }),
      );
    fc.assert(
      fc.property(any, any, (make, makeOther) => {
        const [one, other] = [make(quick), makeOther(slow)];
        const moves = [isMoveForGoodput(one, other, rules), isMoveForGoodput(other, one, rules)];
        expect(moves).not.toEqual([true, true]);
        const first = choosePath([one, other], one.endpoint, rules);
        const second = choosePath([one, other], first, rules);
        expect(choosePath([one, other], second, rules)).toBe(second);
      }),
      { numRuns: 2000 },
    );
  });
});
