import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { PunchRole } from "../../../src-main/mesh/punching.ts";
import { isHopeless, planPunch, rolesOf } from "../../../src-main/mesh/punching.ts";
import { isPrivate, parseAddress } from "../../../src-shared/address.ts";
import { splitHostPort } from "../../../src-shared/ids.ts";
import type { NatFacts } from "../../../src-shared/trust.ts";
import type { PunchFacts } from "../../../src-shared/wire.ts";
import { createRandom } from "../../fakes/random.ts";

type Mapping = NatFacts["mapping"];
const mappings = ["none", "independent", "sequential", "random", "unknown"] as const;

function facts(mapping: Mapping, host: string, change: Partial<PunchFacts> = {}): PunchFacts {
  return { endpoints: [`${host}:40000`], nat: { mapping, step: 1 }, latest: null, tcp: null, ...change };
}

function plan(own: PunchFacts, other: PunchFacts, number = 1, asks = true) {
  return planPunch({ own, other }, { number, asks, random: createRandom(number).next });
}

describe("[C10] [W21] who plays which part", () => {
  const table: readonly (readonly [Mapping, Mapping, number, PunchRole, PunchRole])[] = [
    ["none", "none", 1, "probe", "probe"],
    ["independent", "independent", 3, "probe", "probe"],
    ["independent", "sequential", 1, "predict", "probe"],
    ["sequential", "none", 1, "probe", "predict"],
    ["sequential", "independent", 2, "many", "spray"],
    ["sequential", "sequential", 1, "shifted", "train"],
    ["random", "independent", 1, "many", "spray"],
    ["independent", "random", 2, "spray", "many"],
    ["unknown", "unknown", 1, "probe", "probe"],
    ["unknown", "unknown", 2, "spray", "many"],
    ["unknown", "unknown", 3, "many", "spray"],
    ["random", "unknown", 1, "many", "spray"],
    ["random", "random", 1, "many", "spray"],
  ];
  it.each(table)("%s asks %s, attempt %i: %s and %s", (asker, answerer, attempt, one, other) => {
    expect(rolesOf(asker, answerer, attempt)).toEqual({ asker: one, answerer: other });
  });

  it("fits at both ends, whoever asks", () => {
    for (const own of mappings) {
      for (const other of mappings) {
        for (let attempt = 1; attempt < 6; attempt++) {
          const { asker, answerer } = rolesOf(own, other, attempt);
          const fits = {
            many: "spray",
            spray: "many",
            predict: "probe",
            shifted: "train",
            train: "",
            probe: "",
          };
          if (fits[asker] !== "") expect(answerer).toBe(fits[asker]);
          else expect(["probe", "predict", "train"]).toContain(answerer);
        }
      }
    }
  });

  it("gives up on nothing but two ends of which neither keeps its port and one takes any", () => {
    const hopeless = mappings.flatMap((one) =>
      mappings.filter((other) => isHopeless(one, other)).map((other) => `${one} ${other}`),
    );
    expect(hopeless).toEqual(["sequential random", "random sequential", "random random"]);
  });
});

describe("[C10] [W21] what an end sends", () => {
  it("guesses the ports of a sequential NAT round the latest one, by its step", () => {
    const { targets, sockets } = plan(
      facts("independent", "203.0.113.1"),
      facts("sequential", "203.0.113.2", { latest: 50_000, nat: { mapping: "sequential", step: 2 } }),
    );
    expect(sockets).toBe(0);
    expect(targets.slice(0, 4)).toEqual([
      "203.0.113.2:40000",
      "203.0.113.2:50000",
      "203.0.113.2:50002",
      "203.0.113.2:49998",
    ]);
    expect(targets).toContain("203.0.113.2:50192");
  });

  it("meets a second sequential NAT, though up to five other flows took ports meanwhile", () => {
    const step = 1;
    for (let taken = 0; taken <= 5; taken++) {
      const [one, other] = ["203.0.113.1", "203.0.113.2"].map((host) =>
        facts("sequential", host, { latest: 30_000 }),
      ) as [PunchFacts, PunchFacts];
      const there = plan(one, other);
      const back = plan(other, one, 1, false);
      const leaves = (at: number, others: number) => 30_000 + step * (at + 1 + others);
      const meet = there.targets.some((target, at) => {
        const port = splitHostPort(target)?.port ?? 0;
        return back.targets.some(
          (aim, hit) => leaves(hit, taken) === port && splitHostPort(aim)?.port === leaves(at, 0),
        );
      });
      expect(meet, `${taken} taken`).toBe(true);
    }
  });

  it("finds one of 256 open ports by chance in 95 of 100 cases with the first spray", () => {
    let hits = 0;
    for (let seed = 1; seed <= 300; seed++) {
      const random = createRandom(seed).next;
      const open = new Set(Array.from({ length: 256 }, () => 1024 + Math.floor(random() * 64_512)));
      const spray = planPunch(
        { own: facts("independent", "203.0.113.1"), other: facts("random", "203.0.113.2") },
        { number: 1, asks: true, random },
      );
      if (spray.targets.some((target) => open.has(splitHostPort(target)?.port ?? 0))) hits++;
    }
    expect(hits).toBeGreaterThan(285);
  });

  it("opens many sockets to one port, for as long as the other end sprays", () => {
    const cone = facts("independent", "203.0.113.1");
    const symmetric = facts("random", "203.0.113.2");
    const many = plan(symmetric, cone);
    const spray = plan(cone, symmetric, 1, false);
    expect(many).toEqual({ targets: ["203.0.113.1:40000"], sockets: 256, perSecond: 1000, seconds: 10 });
    expect(spray.targets.length / spray.perSecond).toBeLessThan(many.seconds);
  });

  it("guesses no ports of private or IPv6 addresses, or where nothing is told", () => {
    const other = facts("random", "192.168.1.1", { endpoints: ["192.168.1.1:7743", "[2001:db8::1]:7743"] });
    expect(plan(facts("independent", "203.0.113.1"), other).targets).toEqual(other.endpoints);
    expect(plan(facts("none", "203.0.113.1"), { ...other, endpoints: [] }).targets).toEqual([]);
  });

  it("stays within bounds whatever the other end claims", () => {
    const claims = fc.record({
      endpoints: fc.array(fc.oneof(fc.string(), fc.constantFrom("203.0.113.9:65535", "1.2.3.4:1")), {
        maxLength: 16,
      }),
      nat: fc.record({ mapping: fc.constantFrom(...mappings), step: fc.integer({ min: -64, max: 64 }) }),
      latest: fc.option(fc.integer({ min: 1, max: 65_535 })),
      tcp: fc.constant(null),
    });
    fc.assert(
      fc.property(claims, claims, fc.integer({ min: 1, max: 1000 }), (own, other, number) => {
        const { targets, sockets, perSecond, seconds } = plan(own, other, number);
        expect(targets.length).toBeLessThanOrEqual(3072 + 16);
        expect(sockets).toBeLessThanOrEqual(256);
        expect(perSecond).toBeLessThanOrEqual(1000);
        expect(seconds).toBeLessThanOrEqual(10);
        for (const target of targets.slice(16)) {
          const { host = "", port = 0 } = splitHostPort(target) ?? {};
          const address = parseAddress(host);
          expect(address !== null && !isPrivate(address) && port >= 1024).toBe(true);
        }
      }),
    );
  });
});
