import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Allowance, Allowances } from "../../../src-main/mesh/allowance.ts";

describe("allowance", () => {
  it("over any time gives no more than its burst and what grew back", () => {
    const steps = fc.array(fc.tuple(fc.nat(2000), fc.integer({ min: 1, max: 20 })), { maxLength: 200 });
    fc.assert(
      fc.property(steps, (taken) => {
        const allowance = new Allowance({ perSecond: 5, burst: 30 }, 0);
        let now = 0;
        let granted = 0;
        for (const [wait, amount] of taken) {
          now += wait;
          if (allowance.spend(amount, now)) granted += amount;
        }
        expect(granted).toBeLessThanOrEqual(30 + (now / 1000) * 5 + 1e-9);
      }),
    );
  });

  it("on credit says how long until it is paid, and is right about it", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 10_000 }), (amount) => {
        const allowance = new Allowance({ perSecond: 50, burst: 400 }, 0);
        const wait = allowance.take(amount, 0);
        if (amount <= 400) expect(wait).toBe(0);
        else expect(wait).toBe(Math.ceil(((amount - 400) / 50) * 1000));
        // A millisecond for what 64 bits cannot write.
        expect(allowance.take(0, wait)).toBeLessThanOrEqual(1);
      }),
    );
  });

  it("does not grow when the clock goes back", () => {
    const allowance = new Allowance({ perSecond: 1, burst: 1 }, 10_000);
    expect(allowance.spend(1, 10_000)).toBe(true);
    expect(allowance.spend(1, 0)).toBe(false);
    expect(allowance.spend(1, 500)).toBe(false);
  });

  it("is each sender's own, and is bounded in senders", () => {
    const allowances = new Allowances({ perSecond: 0.1, burst: 2 });
    expect([1, 2, 3].map(() => allowances.spend("a", 0))).toEqual([true, true, false]);
    expect(allowances.spend("b", 0)).toBe(true);
    for (let sender = 0; sender < 25_000; sender++) allowances.spend(`s${sender}`, 1);
    expect(allowances.spend("a", 1_000_000)).toBe(true);
  });
});
