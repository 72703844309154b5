import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseCount, parseDuration } from "../../../src-main/commands/arguments.ts";
import {
  formatAge,
  formatBytes,
  formatDuration,
  formatLatency,
  formatLoss,
} from "../../../src-main/commands/format.ts";
import { AppError } from "../../../src-shared/errors.ts";

describe("amounts", () => {
  it.each([
    [0, "0 B"],
    [1023, "1023 B"],
    [1024, "1.0 KiB"],
    [1_300_000, "1.2 MiB"],
    [1024 ** 2 - 1, "1024 KiB"],
    [5 * 1024 ** 6, "5120 PiB"],
  ])("%i bytes are %s", (bytes, text) => expect(formatBytes(bytes)).toBe(text));

  it.each([
    [null, ""],
    [0.4242, "0.42 ms"],
    [12.34, "12.3 ms"],
    [240.6, "241 ms"],
  ])("a latency of %s is %j", (millis, text) => expect(formatLatency(millis)).toBe(text));

  it("loss, durations and ages are short", () => {
    expect([formatLoss(null), formatLoss(0), formatLoss(1.49)]).toEqual(["", "0 %", "1.5 %"]);
    expect([5_000, 59_999, 180_000, 5 * 3_600_000, 12 * 86_400_000].map(formatDuration)).toEqual([
      "5 s",
      "59 s",
      "3 min",
      "5 h",
      "12 d",
    ]);
    expect(formatAge("2026-11-21T10:00:00Z", Date.parse("2026-11-21T10:03:10Z"))).toBe("3 min ago");
    expect(formatAge("2026-11-21T10:00:05Z", Date.parse("2026-11-21T10:00:00Z"))).toBe("0 s ago");
    expect(formatAge(null, 0)).toBe("");
  });
});

describe("times and counts that people write", () => {
  it.each([
    ["90s", 90],
    ["30m", 1800],
    ["24h", 86_400],
    [" 7d ", 604_800],
    ["2w", 1_209_600],
  ])("%j are %i seconds", (text, seconds) => expect(parseDuration(text)).toBe(seconds));

  it("anything else is refused in one line that shows how", () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.string(), fc.constantFrom("5", "0h", "1s", "367d", "1e3h", "-5m", "5 hours", "")),
        (text) => {
          fc.pre(!/^\s*\d+\s*(s|m|min|h|d|w)\s*$/.test(text) || /^(0h|1s|367d)$/.test(text));
          expect(refusal(() => parseDuration(text))).toMatch(/write for example 30m, 24h or 7d/);
        },
      ),
    );
    for (const text of ["0", "-1", "1.5", "x", "", "99999999"]) {
      expect(refusal(() => parseCount(text))).toMatch(/whole number from 1/);
    }
    expect(parseCount("50")).toBe(50);
  });
});

function refusal(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof AppError && error.code === "usage") return error.message;
  }
  return "accepted";
}
