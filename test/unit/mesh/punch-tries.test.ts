import { describe, expect, it } from "vitest";
import type { PunchNeed } from "../../../src-main/mesh/punch-tries.ts";
import { PunchTries } from "../../../src-main/mesh/punch-tries.ts";
import { sessionOf } from "../../fakes/entries.ts";

const bob = sessionOf("bob");

function need(now: number, change: Partial<PunchNeed> = {}): PunchNeed {
  return {
    wanted: true,
    direct: false,
    own: "random",
    other: "independent",
    addresses: () => "one",
    first: true,
    now,
    random: () => 0.5,
    ...change,
  };
}

/** Seconds at which attempts begin while one looks every 100 ms. */
function attempts(
  punches: PunchTries,
  seconds: number,
  change: (now: number) => Partial<PunchNeed> = () => ({}),
) {
  const begun: number[] = [];
  for (let now = 0; now <= seconds * 1000; now += 100)
    if (typeof punches.due(bob, need(now, change(now))) === "number") begun.push(now / 1000);
  return begun;
}

describe("[C10] [W21] when a pair is punched for", () => {
  it("begins 1 s after traffic without a direct way, and tries ever more rarely", () => {
    expect(attempts(new PunchTries(), 500)).toEqual([1, 5, 13, 33, 93, 393]);
  });

  it("leaves the first second to the end that asks first", () => {
    expect(attempts(new PunchTries(), 4, () => ({ first: false }))).toEqual([2]);
  });

  it("does nothing without traffic, and nothing once a direct path is proved", () => {
    expect(attempts(new PunchTries(), 60, () => ({ wanted: false }))).toEqual([]);
    const until = (now: number) => ({ wanted: now < 7000, direct: now >= 7000 });
    expect(attempts(new PunchTries(), 600, until)).toEqual([1, 5]);
  });

  it("begins anew when the way was lost, or an end has other addresses", () => {
    const lost = (now: number) => ({ direct: now >= 2000 && now < 50_000 });
    expect(attempts(new PunchTries(), 52, lost)).toEqual([1, 51]);
    expect(
      attempts(new PunchTries(), 41, (now) => ({ addresses: () => (now < 40_000 ? "one" : "two") })),
    ).toEqual([1, 5, 13, 33, 40]);
  });

  it("tries where only chance can help once an hour", () => {
    const hopeless = () => ({ own: "random", other: "random" }) as const;
    expect(attempts(new PunchTries(), 7300, hopeless)).toEqual([1, 3601, 7201]);
  });

  it("ends what runs once a direct way is found", () => {
    const punches = new PunchTries();
    punches.due(bob, need(0));
    expect(punches.due(bob, need(1000))).toBe(1);
    expect(punches.due(bob, need(1700, { direct: true }))).toBe("found");
    expect(punches.due(bob, need(1800, { direct: true }))).toBe(null);
  });

  it("says when to look again", () => {
    const punches = new PunchTries();
    expect(punches.next(bob)).toBe(Number.POSITIVE_INFINITY);
    punches.due(bob, need(0));
    expect(punches.next(bob)).toBe(1000);
    expect(punches.due(bob, need(1000))).toBe(1);
    expect(punches.next(bob)).toBe(5000);
    punches.part(bob);
    expect(punches.next(bob)).toBe(Number.POSITIVE_INFINITY);
  });

  it("runs four at a time, and the next when one of them ends", () => {
    const punches = new PunchTries();
    const peers = Array.from({ length: 6 }, (_, at) => sessionOf(`peer-${at}`));
    for (const peer of peers) punches.due(peer, need(0));
    expect(peers.map((peer) => punches.due(peer, need(1000)))).toEqual([1, 1, 1, 1, null, null]);
    expect(punches.next(peers[5] ?? bob)).toBe(5000);
    expect(punches.due(peers[5] ?? bob, need(5000))).toBe(1);
  });

  it("follows what the other end asks for, but not without pause", () => {
    const punches = new PunchTries();
    expect(punches.asked(bob, 3, need(0))).toBe(true);
    expect(punches.asked(bob, 4, need(500))).toBe(false);
    expect(punches.due(bob, need(1000))).toBe(null);
    expect(punches.asked(bob, 4, need(2500))).toBe(true);
    expect(punches.asked(bob, 5, need(9000, { direct: true }))).toBe(false);
    expect(attempts(new PunchTries(), 4)).toEqual([1]);
  });
});
