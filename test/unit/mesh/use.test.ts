import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Candidate } from "../../../src-main/mesh/candidate.ts";
import { lost, newCandidate, proved } from "../../../src-main/mesh/candidate.ts";
import type { Rules } from "../../../src-main/mesh/path.ts";
import { choosePath } from "../../../src-main/mesh/path.ts";
import type { Pin } from "../../../src-main/mesh/pin.ts";
import { chooseUse } from "../../../src-main/mesh/use.ts";
import { sessionOf } from "../../fakes/entries.ts";

const now = 1_000_000;
const lan = "192.168.1.5:7743";
const otherLan = "10.0.9.5:7743";
const far = "203.0.113.7:7743";
const farPort = "203.0.113.7:9999";
const otherFar = "198.18.4.4:7743";
const six = "[2001:db8::7]:7743";
const nas = "198.51.100.1:7743#7";
const oslo = "198.51.100.2:7743#9";
const names = new Map([
  [sessionOf("nas"), { name: "nas" }],
  [sessionOf("oslo"), { name: "Oslo" }],
]);
const rules: Rules = { now, pin: null, relays: names, relayCost: () => 0 };
const auto = { via: null, direct: false, spread: "auto" } as const satisfies Pin;

/** A candidate that was proved a minute ago and loses nothing. */
function at(endpoint: string, rttMillis: number, change: Partial<Candidate> = {}): Candidate {
  const relay = endpoint === nas ? sessionOf("nas") : endpoint === oslo ? sessionOf("oslo") : undefined;
  const kind =
    relay === undefined
      ? endpoint === lan || endpoint === otherLan
        ? "lan"
        : "reflexive"
      : ("relay" as const);
  const since = now - 60_000;
  return { ...proved(newCandidate({ endpoint, kind, relay }, since), rttMillis, since), loss: 0, ...change };
}

/** What follows from the best of some candidates. */
function use(candidates: readonly Candidate[], change: Partial<Rules & { before: readonly string[] }> = {}) {
  const all = { ...rules, before: [], ...change };
  const endpoint = choosePath(candidates, all.before[0] ?? null, all);
  return chooseUse(candidates, candidates.find((one) => one.endpoint === endpoint) ?? null, all);
}

describe("[C08] what stands by", () => {
  const table: readonly (readonly [string, readonly Candidate[], readonly string[]])[] = [
    ["nothing where there is nothing", [at(far, 20)], []],
    ["nothing that does not answer", [at(far, 20), lost(at(nas, 40), now)], []],
    ["a relay beside a direct path", [at(far, 20), at(nas, 40)], [nas]],
    [
      "another direct way first, and the best relay",
      [at(lan, 1), at(far, 20), at(oslo, 70), at(nas, 40)],
      [far, nas],
    ],
    ["another host before another port of the same", [at(far, 20), at(farPort, 21), at(nas, 90)], [nas]],
    ["another port of the same host before nothing", [at(far, 20), at(farPort, 21)], [farPort]],
    ["through another relay, and a direct way", [at(nas, 10), at(oslo, 30), at(far, 40)], [far, oslo]],
    [
      "a relay that is much quicker than the direct way",
      [at(nas, 10), at(oslo, 30), at(far, 200)],
      [oslo, far],
    ],
  ];
  for (const [name, candidates, standby] of table) {
    it(name, () => {
      const [first] = candidates;
      if (first === undefined) throw new Error("no candidates");
      expect(chooseUse(candidates, first, { ...rules, before: [] }).standby).toEqual(standby);
    });
  }

  it("is what would be chosen if all that is in use were lost, so that both halves of a node agree", () => {
    fc.assert(
      fc.property(anyCandidates, anyPin, (candidates, pin) => {
        const { active, standby } = use(candidates, { pin });
        const left = candidates.map((one) => (active.includes(one.endpoint) ? lost(one, now) : one));
        const next = choosePath(left, active[0] ?? null, { ...rules, pin });
        const apart = standby[0] !== undefined && isApart(active, standby[0]);
        if (apart && left.every((one) => one.standing !== "proved" || isApart(active, one.endpoint)))
          expect(next).toBe(standby[0]);
      }),
    );
  });

  it("and what is in use are different, proved, and few", () => {
    fc.assert(
      fc.property(anyCandidates, anyPin, (candidates, pin) => {
        const { active, standby } = use(candidates, { pin });
        const all = [...active, ...standby];
        expect(new Set(all).size).toBe(all.length);
        expect(standby.length).toBeLessThanOrEqual(2);
        for (const endpoint of all)
          expect(candidates.find((one) => one.endpoint === endpoint)?.standing).toBe("proved");
        const hosts = active.map((endpoint) => endpoint.replace(/:\d+$/, ""));
        expect(new Set(hosts).size).toBe(hosts.length);
      }),
    );
  });
});

describe("[W09] paths that share a peer's flows", () => {
  const table: readonly (readonly [string, readonly Candidate[], Partial<Pin>, readonly string[]])[] = [
    ["two lines of the local network", [at(lan, 1), at(otherLan, 1.4)], {}, [lan, otherLan]],
    ["two lines to the internet", [at(far, 20), at(otherFar, 24)], {}, [far, otherFar]],
    ["not one that is slower by a third", [at(far, 20), at(otherFar, 28)], {}, [far]],
    ["one whose probe was late once", [at(far, 20), at(otherFar, 20, { loss: 0.05 })], {}, [far, otherFar]],
    ["not one that lost two probes of twenty", [at(far, 20), at(otherFar, 20, { loss: 0.1 })], {}, [far]],
    [
      "not one that has been losing packets for a while",
      [at(far, 20), at(otherFar, 20, { lossySince: now - 9000, lineLoss: 0.02 })],
      {},
      [far],
    ],
    ["not one whose loss is unknown yet", [at(far, 20), at(otherFar, 20, { loss: null })], {}, [far]],
    [
      "not one that was lost lately",
      [at(far, 20), at(otherFar, 20, { losses: [now - 1000], since: now - 500 })],
      {},
      [far],
    ],
    ["not two ports of one host", [at(far, 20), at(farPort, 20)], {}, [far]],
    ["not IPv4 and IPv6 of one line", [at(far, 20), at(six, 20)], {}, [far]],
    ["not a local and a far one", [at(lan, 1), at(far, 2)], {}, [lan]],
    ["no relays", [at(nas, 20), at(oslo, 20)], {}, [nas]],
    ["IPv4 and IPv6 when asked for", [at(far, 20), at(six, 20)], { spread: "on" }, [far, six]],
    ["relays when asked for", [at(nas, 20), at(oslo, 25)], { spread: "on" }, [nas, oslo]],
    ["none when unwanted", [at(lan, 1), at(otherLan, 1)], { spread: "off" }, [lan]],
  ];
  for (const [name, candidates, pin, active] of table) {
    it(name, () => {
      const [first] = candidates;
      if (first === undefined) throw new Error("no candidates");
      const given = { ...rules, pin: { ...auto, ...pin } };
      expect(chooseUse(candidates, first, { ...given, before: [] }).active).toEqual(active);
    });
  }

  it("keep sharing while one is only somewhat worse, so that flows stay on their paths", () => {
    const somewhat = [at(far, 20), at(otherFar, 30)];
    expect(use(somewhat, { before: [far] }).active).toEqual([far]);
    expect(use(somewhat, { before: [far, otherFar] }).active).toEqual([far, otherFar]);
    expect(use([at(far, 20), at(otherFar, 40)], { before: [far, otherFar] }).active).toEqual([far]);
    const strays = [at(far, 20), at(otherFar, 20, { loss: 0.1 })];
    expect(use(strays, { before: [far, otherFar] }).active).toEqual([far, otherFar]);
  });
});

describe("[P23] what the user chose", () => {
  const viaNas = { ...auto, via: "NAS" };
  const direct = { ...auto, direct: true };
  const table: readonly (readonly [string, readonly Candidate[], Pin, string | null, string])[] = [
    ["goes before what is quicker", [at(far, 20), at(nas, 80)], viaNas, far, nas],
    ["goes before another relay", [at(oslo, 20), at(nas, 80)], viaNas, oslo, nas],
    ["is left while it does not answer", [at(far, 20), lost(at(nas, 80), now)], viaNas, nas, far],
    ["is left for another relay too", [at(oslo, 20), lost(at(nas, 80), now)], viaNas, nas, oslo],
    [
      "is taken again once it has held for a while, not at its first echo",
      [at(far, 20), at(nas, 80, { losses: [now - 9000], since: now - 1000 })],
      viaNas,
      far,
      far,
    ],
    [
      "is taken again then",
      [at(far, 20), at(nas, 80, { losses: [now - 9000], since: now - 2000 })],
      viaNas,
      far,
      nas,
    ],
    ["directly, though a relay is much quicker", [at(far, 300), at(nas, 20)], direct, nas, far],
    [
      "directly, and the better of the direct ways",
      [at(far, 300), at(lan, 1), at(nas, 20)],
      direct,
      null,
      lan,
    ],
    ["directly, unless nothing else answers", [at(nas, 20), lost(at(far, 9), now)], direct, far, nas],
  ];
  for (const [name, candidates, pin, active, expected] of table) {
    it(name, () => {
      expect(choosePath(candidates, active, { ...rules, pin })).toBe(expected);
    });
  }
});

describe("[E06] the cost of relays", () => {
  it("counts as if they were slower by it", () => {
    const dear = { ...rules, relayCost: (relay: string) => (relay === sessionOf("nas") ? 30 : 0) };
    const candidates = [at(nas, 20), at(oslo, 35)];
    expect(choosePath(candidates, null, rules)).toBe(nas);
    expect(choosePath(candidates, null, dear)).toBe(oslo);
  });

  it("and trembling or narrow lines count as slower ones", () => {
    expect(choosePath([at(far, 20, { jitterMillis: 40 }), at(otherFar, 30)], null, rules)).toBe(otherFar);
    expect(choosePath([at(far, 20, { mtu: 1100 }), at(otherFar, 22)], null, rules)).toBe(otherFar);
  });
});

const anyCandidates = fc.uniqueArray(
  fc
    .record({
      endpoint: fc.constantFrom(lan, otherLan, far, farPort, otherFar, six, nas, oslo),
      rttMillis: fc.integer({ min: 1, max: 300 }),
      loss: fc.constantFrom(null, 0, 0.05, 0.5),
      standing: fc.constantFrom("proved" as const, "proved" as const, "lost" as const),
      losses: fc.constantFrom([], [now - 10_000]),
    })
    .map(({ endpoint, rttMillis, ...change }) => at(endpoint, rttMillis, change)),
  { selector: ({ endpoint }) => endpoint, maxLength: 8 },
);
const anyPin: fc.Arbitrary<Pin | null> = fc.option(
  fc.record({
    via: fc.constantFrom(null, "nas", "oslo", "gone"),
    direct: fc.constant(false),
    spread: fc.constantFrom("auto", "on", "off"),
  }),
);

/** To none of these hosts, through none of these relays. */
function isApart(active: readonly string[], endpoint: string): boolean {
  const route = (one: string) => one.replace(/:\d+($|#.*)/, "");
  return active.every((one) => route(one) !== route(endpoint));
}
