import { describe, expect, it } from "vitest";
import type { LossySample } from "../bench/lossy.ts";
import { formatLossy, judgeLossy } from "../bench/lossy-table.ts";

const good: LossySample = {
  tcp0: 300,
  tcp1: 260,
  tcp5: 200,
  tcp10: 170,
  pingsBack: 80,
  callLost: 0.001,
  callAddedMillis: 12,
  callOverhead: 1.2,
  videoLost: 0.001,
  videoAddedMillis: 12,
  videoOverhead: 0.3,
  narrowMbit: 28,
  narrowUsed: 0.97,
  narrowQueueMeanMillis: 20,
  narrowQueuePeakMillis: 40,
  narrowPingMillis: 22,
  narrowPart: 0.5,
};

const judged = (sample: Partial<LossySample>, udp = good) =>
  judgeLossy(
    new Map([
      ["kcp", { ...good, ...sample }],
      ["suite1", udp],
    ]),
  );

describe("the verdicts on a lossy-line link", () => {
  it("are all good for one that reaches every target", () => {
    expect(judged({}).filter(({ met }) => !met)).toEqual([]);
    expect(judged({})).toHaveLength(14);
  });

  it.each<[Partial<LossySample>, string]>([
    [{ tcp10: 159 }, "159.00 Mbit/s of one TCP stream at 10 % (at least 160)"],
    [{ tcp0: 200 }, "0.67 of plain UDP without loss (at least 0.7)"],
    [{ pingsBack: 79 }, "79.00 of 80 pings come back at 10 % (at least 80)"],
    [{ callLost: 0.02 }, "0.02 of a call's datagrams are lost at 10 % (at most 0.005)"],
    [{ narrowPart: 0.9 }, "0.90 of it is taken by the tunnel beside plain TCP (at most 0.67)"],
    [{ narrowPart: 0.1 }, "0.10 of it is left to the tunnel beside plain TCP (at least 0.33)"],
  ])("say what misses: %o", (sample, text) => {
    expect(judged(sample).filter(({ met }) => !met)).toEqual([{ met: false, text }]);
  });

  it("are none where it was not measured", () => {
    expect(judgeLossy(new Map([["bare", good]]))).toEqual([]);
  });

  it("stand below the table, in which what was not measured is a dash", () => {
    const text = formatLossy([{ label: "bare", median: { ...good, tcp10: null } }], judged({}));
    expect(text.split("\n")[1]).toMatch(/^bare .* – /);
    expect(text).toContain("met   ");
  });
});
