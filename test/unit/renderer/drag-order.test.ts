import fc from "fast-check";
import { expect, it } from "vitest";
import { moved, placeUnder, placeWhile } from "../../../src-renderer/state/drag-order.ts";

it("what is dragged goes where it was put, and the others make room", () => {
  expect(moved(["a", "b", "c", "d"], 0, 2)).toEqual(["b", "c", "a", "d"]);
  expect(moved(["a", "b", "c", "d"], 3, 1)).toEqual(["a", "d", "b", "c"]);
  const place = fc.nat(19);
  fc.assert(
    fc.property(place, place, (from, to) => {
      const items = Array.from({ length: 20 }, (_, at) => at);
      const order = moved(items, from, to);
      for (const at of items) expect(order[placeWhile(at, from, to)]).toBe(at);
    }),
  );
});

it("the place below is the nearest one, in rows and columns", () => {
  const spots = [0, 1, 2, 3].map((at) => ({
    x: (at % 2) * 400,
    y: Math.floor(at / 2) * 300,
    width: 380,
    height: 280,
  }));
  expect(placeUnder(spots, 0, { x: 0, y: 0 })).toBe(0);
  expect(placeUnder(spots, 0, { x: 390, y: 20 })).toBe(1);
  expect(placeUnder(spots, 0, { x: 30, y: 200 })).toBe(2);
  expect(placeUnder(spots, 3, { x: -500, y: -900 })).toBe(0);
  expect(placeUnder([], 3, { x: 1, y: 1 })).toBe(3);
});
