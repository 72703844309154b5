import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Timers } from "../../../src-main/mesh/timers.ts";

describe("named timers", () => {
  it("know the earliest of all, whatever is set and cleared", () => {
    const step = fc.tuple(fc.constantFrom("a", "b", "c", "d"), fc.option(fc.nat(50), { nil: null }));
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const timers = new Timers();
        const model = new Map<string, number>();
        for (const [name, time] of steps) {
          timers.set(name, time);
          if (time === null) model.delete(name);
          else model.set(name, time);
          expect(timers.next()).toBe(model.size === 0 ? null : Math.min(...model.values()));
        }
        const due = [...model].filter(([, time]) => time <= 25).sort(([, one], [, other]) => one - other);
        expect(timers.takeDue(25).length).toBe(due.length);
        for (const [name] of due) model.delete(name);
        expect(timers.next()).toBe(model.size === 0 ? null : Math.min(...model.values()));
      }),
    );
  });

  it("clear at infinity", () => {
    const timers = new Timers();
    timers.set("a", 5);
    timers.set("a", Number.POSITIVE_INFINITY);
    expect(timers.next()).toBe(null);
  });
});
