import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { GatewayFacts, Health } from "../../../src-main/mesh/route-choice.ts";
import { choiceEnds, chooseGateway, rankGateways } from "../../../src-main/mesh/route-choice.ts";
import { identityOf } from "../../fakes/entries.ts";

const now = 1_000_000;

function gateway(name: string, change: Partial<GatewayFacts> = {}): GatewayFacts {
  return {
    identity: identityOf(name),
    priority: 100,
    health: "stands",
    since: now - 60_000,
    rttMillis: 20,
    ...change,
  };
}

function chosen(gateways: readonly GatewayFacts[], before: string | null) {
  return chooseGateway(gateways, before === null ? null : identityOf(before), now);
}

describe("[P19] the gateway that carries a prefix", () => {
  it.each<[string, Partial<GatewayFacts>, Partial<GatewayFacts>, string, string]>([
    ["the lower priority number", { priority: 10 }, { rttMillis: 1 }, "east", "first"],
    [
      "a priority before one that answers already",
      { priority: 10, health: "untried" },
      {},
      "east",
      "untried",
    ],
    ["the quicker of equals", { rttMillis: 80 }, {}, "west", "fastest"],
    ["whoever answers", { priority: 10, health: "lost" }, {}, "west", "took-over"],
    ["whoever reaches it", { priority: 10, health: "down" }, { health: "untried" }, "west", "untried"],
  ])("is at first the one with %s", (_what, east, west, carrier, reason) => {
    expect(chosen([gateway("east", east), gateway("west", west)], null)).toEqual({
      carrier: identityOf(carrier),
      reason,
    });
  });

  it.each<[string, Partial<GatewayFacts>, Partial<GatewayFacts>, string]>([
    ["falls silent and another answers", { health: "lost" }, {}, "west"],
    ["falls silent and nobody else answers yet", { health: "lost" }, { health: "untried" }, "east"],
    ["says that it does not reach it", { health: "down" }, { health: "untried" }, "west"],
    ["is a little slower", { rttMillis: 39 }, { rttMillis: 20 }, "east"],
    ["is much slower", { rttMillis: 80 }, { rttMillis: 20 }, "west"],
    ["is much slower than one that answers only just now", { rttMillis: 80 }, { since: now - 9000 }, "east"],
    ["is second to one that answers only just now", {}, { priority: 1, since: now - 9999 }, "east"],
    ["is second to one that has answered for a while", {}, { priority: 1, since: now - 10_000 }, "west"],
    ["is second to one that was never asked", {}, { priority: 1, health: "untried" }, "east"],
  ])("when the one so far %s", (_what, east, west, carrier) => {
    expect(chosen([gateway("east", east), gateway("west", west)], "east").carrier).toBe(identityOf(carrier));
  });

  it("is nobody when all say that they do not reach it", () => {
    expect(chosen([gateway("east", { health: "down" })], "east")).toEqual({ carrier: null, reason: "down" });
    expect(chosen([], "east")).toEqual({ carrier: null, reason: "down" });
  });

  it("is asked about again when a better one has stood long enough", () => {
    const west = gateway("west", { priority: 1, since: now - 4000 });
    expect(choiceEnds([gateway("east"), west], now)).toBe(now + 6000);
    expect(choiceEnds([gateway("east")], now)).toBe(Number.POSITIVE_INFINITY);
  });
});

const facts = fc.record({
  priority: fc.integer({ min: 1, max: 3 }),
  health: fc.constantFrom<Health>("stands", "untried", "lost", "down"),
  since: fc.integer({ min: now - 20_000, max: now }),
  rttMillis: fc.option(fc.integer({ min: 1, max: 300 })),
});
const several = fc
  .array(facts, { minLength: 1, maxLength: 5 })
  .map((all) => all.map((each, at): GatewayFacts => ({ ...each, identity: identityOf(`gateway ${at}`) })));

describe("any choice", () => {
  it("never leaves one that answers for one that does not, and finds one that can", () => {
    fc.assert(
      fc.property(several, fc.nat(5), (gateways, at) => {
        const before = gateways[at]?.identity ?? null;
        const { carrier } = chooseGateway(gateways, before, now);
        const healthOf = (identity: unknown) => gateways.find((each) => each.identity === identity)?.health;
        const healths = gateways.map(({ health }) => health);
        expect(carrier === null).toBe(healths.every((health) => health === "down"));
        if (healthOf(before) === "stands") expect(healthOf(carrier)).toBe("stands");
        if (healths.includes("stands")) expect(["stands", "untried"]).toContain(healthOf(carrier));
        expect(healthOf(carrier)).not.toBe("down");
      }),
    );
  });

  it("stays when nothing changes, in whatever order the gateways are listed", () => {
    fc.assert(
      fc.property(several, fc.nat(5), (gateways, at) => {
        const before = gateways[at]?.identity ?? null;
        const first = chooseGateway(gateways, before, now);
        expect(chooseGateway(gateways.toReversed(), first.carrier, now).carrier).toBe(first.carrier);
        expect(rankGateways(gateways.toReversed())).toEqual(rankGateways(gateways));
      }),
    );
  });
});
