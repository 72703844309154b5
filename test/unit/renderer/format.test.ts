import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createFormat, nothing } from "../../../src-renderer/words/format.ts";

const en = createFormat("en");
const chinese = createFormat("zh-CN");
const now = Date.UTC(2026, 0, 15, 12, 0, 0);
const at = (seconds: number) => new Date(now + seconds * 1000).toISOString();

describe("formats", () => {
  it("write a latency with a decimal only where it matters", () => {
    expect(en.latency(0.84)).toBe("0.8 ms");
    expect(en.latency(9.96)).toBe("10 ms");
    expect(en.latency(132.4)).toBe("132 ms");
    expect(en.latency(null)).toBe(nothing);
    expect(chinese.latency(12)).toBe("12ms");
  });

  it("write amounts and speeds in units of thousands", () => {
    expect(en.bytes(0)).toBe("0.0 kB");
    expect(en.bytes(12)).toBe("0.1 kB");
    expect(en.bytes(1_400_000_000)).toBe("1.4 GB");
    expect(en.bytes(340_000)).toBe("340 kB");
    expect(en.rate(999_960)).toBe("1.0 MB/s");
    expect(en.rate(340_200)).toBe("340 kB/s");
    expect(en.rate(0.4)).toBe(nothing);
  });

  it("never write four digits before a unit", () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 9e14, noNaN: true }), (value) => {
        expect(en.bytes(value)).toMatch(/^\d{1,3}(\.\d)? [kMGT]B$/);
      }),
    );
  });

  it("write shares", () => {
    expect(en.percent(0)).toBe("0%");
    expect(en.percent(0.42)).toBe("0.4%");
    expect(en.percent(null)).toBe(nothing);
  });

  it("write times relative to now in the largest fitting unit", () => {
    expect(en.relative(at(-30), now)).toBe("30 seconds ago");
    expect(en.relative(at(-5 * 60), now)).toBe("5 minutes ago");
    expect(en.relative(at(24 * 3600), now)).toBe("tomorrow");
    expect(en.relative(at(-0.2), now)).toBe("now");
    expect(chinese.relative(at(-3600), now)).toBe("1小时前");
    expect(en.relative(null, now)).toBe(nothing);
  });

  it("say how long something lasts, in whole units", () => {
    expect(en.span(-5)).toBe("0 seconds");
    expect(en.span(59_000)).toBe("59 seconds");
    expect(en.span(60_000)).toBe("1 minute");
    expect(en.span(3 * 3_600_000 + 59 * 60_000)).toBe("3 hours");
    expect(chinese.span(2 * 86_400_000)).toBe("2天");
  });

  it("join names as a sentence does", () => {
    expect(en.list(["a", "b", "c"])).toBe("a, b, and c");
    expect(chinese.list(["a", "b"])).toBe("a和b");
  });
});
