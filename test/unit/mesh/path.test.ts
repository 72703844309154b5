import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Candidate } from "../../../src-main/mesh/candidate.ts";
import {
  lost,
  measured,
  newCandidate,
  proved,
  triable,
  trustDelay,
} from "../../../src-main/mesh/candidate.ts";
import type { Rules } from "../../../src-main/mesh/path.ts";
import { choosePath, cost, reasonOf, sentence } from "../../../src-main/mesh/path.ts";
import type { ProbingFacts } from "../../../src-main/mesh/probing.ts";
import { activityOf, isFlowing, plan } from "../../../src-main/mesh/probing.ts";
import { parsePrefix } from "../../../src-shared/address.ts";
import { reasonCode } from "../../../src-shared/status.ts";
import { sessionOf } from "../../fakes/entries.ts";

const now = 1_000_000;
const lan = "192.168.1.5:7743";
const reflexive = "203.0.113.7:7743";
const channel = "198.51.100.1:7743#7";

const rules: Rules = { now, pin: null, relays: new Map(), relayCost: () => 0 };

/** A candidate that was proved a minute ago. */
function at(endpoint: string, rttMillis: number, change: Partial<Candidate> = {}): Candidate {
  const kind = endpoint.includes("#") ? "relay" : endpoint.startsWith("192.168.") ? "lan" : "reflexive";
  return { ...proved(newCandidate({ endpoint, kind }, now - 60_000), rttMillis, now - 60_000), ...change };
}

describe("[E04] [E18] choosing a path", () => {
  const table: readonly (readonly [string, readonly Candidate[], string | null, string | null])[] = [
    [
      "nothing is proved: stays where it is",
      [newCandidate({ endpoint: lan, kind: "lan" }, now)],
      channel,
      channel,
    ],
    ["nothing at all", [], null, null],
    ["one relay", [at(channel, 80)], null, channel],
    ["direct before relay", [at(channel, 20), at(reflexive, 25)], channel, reflexive],
    ["direct before relay, though somewhat slower", [at(channel, 20), at(reflexive, 45)], channel, reflexive],
    ["a relay that is much quicker", [at(channel, 20), at(reflexive, 120)], reflexive, channel],
    [
      "a relay in use by a margin that would not have called for it",
      [at(channel, 40), at(reflexive, 75)],
      channel,
      channel,
    ],
    ["a direct path in use by the same margin", [at(channel, 40), at(reflexive, 75)], reflexive, reflexive],
    [
      "a direct way as quick as the relay before both",
      [at(channel, 1), at(lan, 60), at(reflexive, 2)],
      null,
      lan,
    ],
    ["the local network before a quicker way", [at(lan, 9), at(reflexive, 1)], reflexive, lan],
    ["no local network that loses a third", [at(lan, 2, { loss: 0.33 }), at(reflexive, 9)], lan, reflexive],
    ["no move for 4 ms", [at(reflexive, 10), at("203.0.113.8:1", 6)], reflexive, reflexive],
    ["a move for 6 ms", [at(reflexive, 10), at("203.0.113.8:1", 4)], reflexive, "203.0.113.8:1"],
    ["no move for 9 %", [at(reflexive, 100), at("203.0.113.8:1", 91)], reflexive, reflexive],
    [
      "a move away from loss",
      [at(reflexive, 10, { loss: 0.2 }), at("203.0.113.8:1", 20)],
      reflexive,
      "203.0.113.8:1",
    ],
    [
      "no move for one lost probe",
      [at(reflexive, 10, { loss: 0.05 }), at("203.0.113.8:1", 8)],
      reflexive,
      reflexive,
    ],
    ["what is lost is left at once", [lost(at(reflexive, 5), now), at(channel, 80)], reflexive, channel],
    [
      "what was lost lately must hold first",
      [at(reflexive, 5, { losses: [now - 5000], since: now - 1500 }), at(channel, 80)],
      channel,
      channel,
    ],
    [
      "what was lost lately and has held",
      [at(reflexive, 5, { losses: [now - 5000], since: now - 2000 }), at(channel, 80)],
      channel,
      reflexive,
    ],
    [
      "what was lost lately is better than nothing",
      [at(reflexive, 5, { losses: [now - 5000], since: now - 10 })],
      channel,
      reflexive,
    ],
    [
      "a direct path that only a session proved gives way to nothing",
      [at(reflexive, 5, { rttMillis: null, since: now }), at(channel, 80)],
      reflexive,
      reflexive,
    ],
  ];
  for (const [name, candidates, active, expected] of table) {
    it(name, () => {
      expect(choosePath(candidates, active, rules)).toBe(expected);
      expect(choosePath([...candidates].reverse(), active, rules)).toBe(expected);
    });
  }

  const anyCandidate = fc
    .record({
      endpoint: fc.constantFrom(
        lan,
        "192.168.1.6:1",
        reflexive,
        "203.0.113.8:1",
        channel,
        "198.51.100.1:7743#9",
      ),
      rttMillis: fc.integer({ min: 1, max: 300 }),
      loss: fc.constantFrom(null, 0, 0.05, 0.2, 0.5),
      standing: fc.constantFrom("proved" as const, "lost" as const, "probing" as const),
      losses: fc.constantFrom([], [now - 10_000]),
    })
    .map(({ endpoint, rttMillis, ...change }) => at(endpoint, rttMillis, change));
  const distinct = fc.uniqueArray(anyCandidate, { selector: ({ endpoint }) => endpoint, maxLength: 6 });

  it("is at rest once made: choosing again from where one is changes nothing", () => {
    fc.assert(
      fc.property(distinct, fc.constantFrom(null, lan, reflexive, channel), (candidates, active) => {
        const chosen = choosePath(candidates, active, rules);
        expect(choosePath(candidates, chosen, rules)).toBe(chosen);
      }),
    );
  });

  it("is of something proved whenever anything is, direct unless a relay is quicker", () => {
    fc.assert(
      fc.property(distinct, fc.constantFrom(null, lan, reflexive, channel), (candidates, active) => {
        const usable = candidates.filter(({ standing }) => standing === "proved");
        const chosen = candidates.find(({ endpoint }) => endpoint === choosePath(candidates, active, rules));
        if (usable.length > 0) expect(chosen?.standing).toBe("proved");
        if (chosen?.kind !== "relay" || chosen.standing !== "proved") return;
        for (const other of usable) {
          const isTrusted = now - other.since >= trustDelay(other, now);
          if (other.kind !== "relay" && isTrusted)
            expect(cost(other, rules)).toBeGreaterThan(cost(chosen, rules));
        }
      }),
    );
  });
});

describe("why a path is used", () => {
  const facts = (...candidates: readonly Candidate[]) => ({
    ...rules,
    candidates,
    sessionSince: now - 10_000,
  });
  const relay = at(channel, 50);

  it("follows from the standing of all candidates", () => {
    expect(reasonOf(at(lan, 1), facts())).toBe("same-lan");
    expect(reasonOf(at("203.0.113.9:7743", 1, { kind: "lan", isLocal: false }), facts())).toBe(
      "direct-reflexive",
    );
    expect(reasonOf(at(reflexive, 1), facts())).toBe("direct-reflexive");
    expect(reasonOf(at(reflexive, 1, { kind: "heard" }), facts())).toBe("direct-heard");
    expect(reasonOf(at(`tcp/${reflexive}`, 1, { kind: "heard" }), facts())).toBe("direct-tcp");
    expect(reasonOf(relay, { ...facts(), sessionSince: now - 100 })).toBe("relay-first");
    expect(reasonOf(relay, facts(newCandidate({ endpoint: lan, kind: "lan" }, now)))).toBe(
      "relay-direct-unanswered",
    );
    expect(reasonOf(relay, facts(lost(at(reflexive, 1), now)))).toBe("relay-direct-lost");
    expect(reasonOf(relay, facts(at(reflexive, 300)))).toBe("relay-faster");
  });

  it("is one sentence that names the peer or the address, for every code", () => {
    const texts = reasonCode.options.map((code) =>
      sentence(code, { name: "bob", endpoint: lan, via: "nas", direct: 2 }),
    );
    expect(new Set(texts).size).toBe(texts.length);
    for (const text of texts) expect(text).toMatch(/^[^.\n]*(bob|nas)[^\n]*$/);
  });
});

describe("candidates", () => {
  it("measure loss once all probes counted are their own", () => {
    let candidate = proved(newCandidate({ endpoint: reflexive, kind: "reflexive" }, now), 20, now);
    const measure = {
      peer: sessionOf("bob"),
      endpoint: reflexive,
      rttMillis: 20,
      minRttMillis: 19,
      loss: 0.6,
      jitterMillis: null,
      lossOut: null,
      lossIn: null,
      deliveredPerSecond: null,
      mtu: null,
      lastEchoMillis: now,
    };
    for (let step = 1; step < 20; step++) candidate = measured(candidate, measure, now + step * 1000);
    expect(candidate.loss).toBe(null);
    expect(measured(candidate, measure, now + 20_000).loss).toBe(0.6);
  });

  it("count as proved by a summary with a fresh echo, not by an old one", () => {
    const candidate = newCandidate({ endpoint: reflexive, kind: "reflexive" }, now);
    const measure = {
      peer: sessionOf("bob"),
      endpoint: reflexive,
      rttMillis: 20,
      minRttMillis: 19,
      loss: 0,
      jitterMillis: null,
      lossOut: null,
      lossIn: null,
      deliveredPerSecond: null,
      mtu: null,
      lastEchoMillis: now - 1,
    };
    expect(measured(candidate, measure, now + 10).standing).toBe("probing");
    expect(measured(candidate, { ...measure, lastEchoMillis: now + 5 }, now + 10).standing).toBe("proved");
  });

  it("are tried only where they can answer: numeric, outside the network, not ourselves", () => {
    const told = (endpoint: string) => ({ endpoint, kind: "lan" as const });
    const range = parsePrefix("10.77.0.0/16");
    const found = triable(
      ["10.77.0.2:1", "172.17.0.1:7743", lan, "host.example:7743", "[fe80::1%2]:7743", "junk"].map(told),
      {
        ranges: range === null ? [] : [range],
        own: [told("172.17.0.1:7743")],
      },
    );
    expect(found.map(({ endpoint }) => endpoint)).toEqual([lan, "[fe80::1%2]:7743"]);
  });
});

describe("probing", () => {
  it("is of everything while packets flow, of the path in use while they may, of nothing later", () => {
    const candidates = [
      at(lan, 1),
      at(channel, 50),
      newCandidate({ endpoint: reflexive, kind: "reflexive" }, now),
    ];
    const every = (sinceTraffic: number, change: Partial<ProbingFacts> = {}) =>
      plan(candidates, {
        use: { active: [lan], standby: [channel] },
        activity: activityOf(sinceTraffic),
        isFlowing: isFlowing(sinceTraffic),
        isHeavy: false,
        isAlarmed: false,
        keepMillis: null,
        eager: now,
        flowing: 1,
        now,
        ...change,
      }).map(({ probeMillis }) => probeMillis);
    expect(every(4999)).toEqual([100, 1000, 250]);
    expect(every(5000)).toEqual([1000, 5000, 250]);
    expect(every(30_000)).toEqual([25_000, 0, 0]);
    expect(every(300_000)).toEqual([0, 0, 0]);
    // A relay's session is kept, and a new address of it tried for a while.
    expect(every(300_000, { keepMillis: 5000 })).toEqual([5000, 0, 250]);
    expect(every(300_000, { keepMillis: 5000, now: now + 30_000 })).toEqual([5000, 0, 0]);
    expect(every(0, { use: { active: [lan], standby: [] } })).toEqual([100, 10_000, 250]);
  });

  it("costs about ten probes a second, however many peers packets flow to; more only beside much traffic", () => {
    const candidates = [at(lan, 1), at(channel, 50)];
    const use = { active: [lan], standby: [channel] };
    const facts = {
      use,
      activity: "busy",
      isFlowing: true,
      isAlarmed: false,
      keepMillis: null,
      eager: now,
      now,
    } as const;
    const perSecond = (flowing: number, isHeavy = false) =>
      flowing *
      plan(candidates, { ...facts, flowing, isHeavy }).reduce(
        (sum, { probeMillis }) => sum + 1000 / probeMillis,
        0,
      );
    for (let flowing = 1; flowing <= 16; flowing++) {
      const most = flowing <= 10 ? 12.5 : 1.1 * flowing;
      expect(perSecond(flowing), `${flowing} peers`).toBeLessThanOrEqual(most);
      expect(perSecond(flowing, true) / flowing).toBe(11);
    }
  });

  it("[W09] tells soon what a second direct path loses, which may share the packets then", () => {
    const second = "192.168.2.5:7743";
    const other = "198.51.100.1:7743#8";
    const facts = {
      use: { active: [lan], standby: [channel] },
      activity: "busy",
      isFlowing: true,
      isAlarmed: false,
      isHeavy: false,
      keepMillis: null,
      eager: now,
      flowing: 1,
      now,
    } as const;
    const every = (loss: number | null) =>
      plan([at(lan, 1), at(channel, 50), at(second, 1, { loss }), at(other, 60, { loss })], facts).map(
        ({ probeMillis }) => probeMillis,
      );
    expect(every(null)).toEqual([100, 1000, 1000, 10_000]);
    expect(every(0)).toEqual([100, 1000, 10_000, 10_000]);
  });
});
