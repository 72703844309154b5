import { describe, expect, it } from "vitest";
import type { Meeting } from "../netns/grid.ts";
import { misses, targetOf } from "../netns/grid-targets.ts";

const direct: Meeting = {
  outcome: "direct",
  firstMillis: 5,
  directMillis: 300,
  remote: "203.0.113.2:7743",
  reason: "",
};

describe("what the grid expects of a pair of NATs", () => {
  it("is a direct way, but where neither end keeps its port and one takes any", () => {
    expect(targetOf("full-cone", "port-restricted")).toMatchObject({ outcome: "direct", directMillis: 2000 });
    expect(targetOf("public", "symmetric-random")).toMatchObject({ outcome: "direct", directMillis: 2000 });
    expect(targetOf("double-nat", "symmetric-random")).toMatchObject({ directMillis: 10_000 });
    expect(targetOf("symmetric-sequential", "symmetric-sequential")).toMatchObject({ outcome: "direct" });
    expect(targetOf("symmetric-sequential", "symmetric-random").outcome).toBe("relayed");
    expect(targetOf("symmetric-random", "symmetric-random").outcome).toBe("relayed");
    expect(targetOf("ipv6-firewall", "ipv6-firewall")).toMatchObject({
      outcome: "direct",
      directMillis: 2000,
    });
    expect(targetOf("udp-blocked", "udp-blocked")).toMatchObject({ outcome: "direct", directMillis: 10_000 });
    expect(targetOf("symmetric-random", "udp-blocked").outcome).toBe("relayed");
    expect(targetOf("no-hairpin", "no-hairpin").outcome).toBe("relayed");
  });

  it("is missed by silence, by a late first packet and by a late or missing direct way", () => {
    const target = targetOf("full-cone", "full-cone");
    expect(misses(target, direct)).toEqual([]);
    expect(misses(target, { ...direct, outcome: "none", firstMillis: null })).toHaveLength(1);
    expect(misses(target, { ...direct, firstMillis: 1500 })).toHaveLength(1);
    expect(misses(target, { ...direct, directMillis: 2500 })).toHaveLength(1);
    expect(misses(target, { ...direct, outcome: "relayed", directMillis: null })).toHaveLength(1);
    const relayed = targetOf("symmetric-random", "symmetric-random");
    expect(misses(relayed, { ...direct, outcome: "relayed", directMillis: null })).toEqual([]);
  });
});
