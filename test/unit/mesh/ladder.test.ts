import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { LadderFacts } from "../../../src-main/mesh/ladder.ts";
import { inOrder, Ladder } from "../../../src-main/mesh/ladder.ts";

const quic = "quic/198.51.100.7:443";
const tls = "tls/198.51.100.7:443";
const wss = "wss/198.51.100.7:443";
const tcp = "tcp/198.51.100.7:7744";

function facts(now: number, change: Partial<LadderFacts> = {}): LadderFacts {
  const rungs = [quic, tcp, tls, wss];
  return { rungs, isServed: false, standing: [], used: [], notBefore: 0, now, random: () => 0.5, ...change };
}

/** Climbs whenever the ladder wants to, until a time; what it wanted last. */
function climb(ladder: Ladder, from: number, until: number, change: Partial<LadderFacts> = {}) {
  let wanted = ladder.climb(facts(from, change));
  const most = { open: wanted.length };
  for (let at = ladder.next(); at <= until; at = ladder.next()) {
    wanted = ladder.climb(facts(at, change));
    most.open = Math.max(most.open, wanted.length);
  }
  return { wanted, most: most.open };
}

describe("[P16] the order of links", () => {
  it("is what costs least first, and what worked here before that", () => {
    expect(inOrder([wss, tls, tcp, quic], null)).toEqual([quic, tcp, tls, wss]);
    expect(inOrder([wss, tls, tcp, quic], "wss")).toEqual([wss, quic, tcp, tls]);
  });
});

describe("[P16] [C08] [C09] a ladder", () => {
  it("begins the next before the last has timed out, three at a time", () => {
    const ladder = new Ladder();
    expect(ladder.climb(facts(1000))).toEqual([quic]);
    expect(ladder.next()).toBe(1300);
    expect(climb(ladder, 1300, 1700).wanted).toEqual([quic, tcp, tls]);
    expect(climb(ladder, 1700, 6900).most).toBe(3);
    // The first has had its time: the last gets its turn.
    expect(climb(ladder, 7000, 7200).wanted).toContain(wss);
  });

  it("leaves what needs no link its time first", () => {
    const ladder = new Ladder();
    expect(ladder.climb(facts(1000, { notBefore: 1600 }))).toEqual([]);
    expect(ladder.next()).toBe(1600);
    expect(ladder.climb(facts(1600, { notBefore: 1600 }))).toEqual([quic]);
  });

  it("keeps the one that stands and is used, and lets the others go after a comparison", () => {
    const ladder = new Ladder();
    climb(ladder, 1000, 1700);
    const stands = { standing: [tcp], used: [tcp] };
    expect(climb(ladder, 1700, 1900, stands).wanted).toEqual([quic, tcp, tls]);
    expect(climb(ladder, 1900, 20_000, stands).wanted).toEqual([tcp]);
  });

  it("tries for ever what does not come to stand, at most every 26 s each", () => {
    const ladder = new Ladder();
    const tries: number[] = [];
    let isTried = false;
    for (let now = 0; now < 600_000; now += 100) {
      const wanted = ladder.climb(facts(now, { rungs: [tls] }));
      if (wanted.includes(tls) && !isTried) tries.push(now);
      isTried = wanted.includes(tls);
    }
    const gaps = tries.slice(1).map((time, at) => time - (tries[at] ?? 0));
    expect(Math.max(...gaps)).toBeLessThanOrEqual(30_000);
    expect(gaps[0]).toBeLessThanOrEqual(7000);
    expect(tries.length).toBeGreaterThan(20);
  });

  it("begins anew at once when the one that stood falls", () => {
    const ladder = new Ladder();
    climb(ladder, 1000, 1000);
    climb(ladder, 1200, 1200, { standing: [quic], used: [quic] });
    expect(climb(ladder, 60_000, 60_000).wanted).toEqual([tcp]);
  });

  it("keeps a link for half a minute when plain UDP serves again, and none after that", () => {
    const ladder = new Ladder();
    climb(ladder, 1000, 1000);
    const served = { isServed: true, standing: [quic] };
    expect(climb(ladder, 5000, 34_000, served).wanted).toEqual([quic]);
    expect(climb(ladder, 34_000, 36_000, served).wanted).toEqual([]);
    expect(ladder.next()).toBe(Number.POSITIVE_INFINITY);
  });

  it("wants three at most beside those that stand, only of those there are, and always says when to look again", () => {
    const steps = fc.array(
      fc.record({
        pass: fc.integer({ min: 1, max: 20_000 }),
        isServed: fc.boolean(),
        standing: fc.subarray([quic, tcp, tls, wss]),
        rungs: fc.subarray([quic, tcp, tls, wss]),
      }),
      { maxLength: 30 },
    );
    fc.assert(
      fc.property(steps, (all) => {
        const ladder = new Ladder();
        let now = 0;
        for (const { pass, isServed, standing, rungs } of all) {
          now += pass;
          const wanted = ladder.climb(facts(now, { isServed, standing, rungs, used: standing.slice(0, 1) }));
          expect(rungs).toEqual(expect.arrayContaining([...wanted]));
          expect(wanted.filter((each) => !standing.includes(each)).length).toBeLessThanOrEqual(3);
          const isIdle = rungs.length === 0 || isServed || standing.some((each) => wanted.includes(each));
          expect(isIdle || (ladder.next() > now && ladder.next() < Number.POSITIVE_INFINITY)).toBe(true);
        }
      }),
    );
  });
});
