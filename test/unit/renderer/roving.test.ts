import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { goal } from "../../../src-renderer/state/use-roving.ts";

describe("going through a list by keys", () => {
  it.each([
    ["ArrowDown", 3, 4],
    ["ArrowUp", 3, 2],
    ["ArrowUp", 0, 0],
    ["ArrowDown", 9, 9],
    ["PageDown", 3, 9],
    ["PageUp", 3, 0],
    ["Home", 7, 0],
    ["End", 2, 9],
    ["x", 2, null],
  ])("%s from row %d leads to %s", (key, here, to) => {
    expect(goal(key, here, 10)).toBe(to);
  });

  it("never leaves the list", () => {
    const keys = fc.constantFrom("ArrowDown", "ArrowUp", "PageDown", "PageUp", "Home", "End");
    fc.assert(
      fc.property(keys, fc.nat(5000), fc.integer({ min: 1, max: 5000 }), (key, row, count) => {
        const to = goal(key, Math.min(row, count - 1), count) ?? -1;
        expect(to).toBeGreaterThanOrEqual(0);
        expect(to).toBeLessThan(count);
      }),
    );
  });
});
