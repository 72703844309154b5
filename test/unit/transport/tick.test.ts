import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { everySecond } from "../../../src-main/transport/tick.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

it("has all look every second by one timer, which ends with the last of them", async () => {
  const seen = { one: 0, other: 0 };
  const endOne = everySecond(() => seen.one++);
  await vi.advanceTimersByTimeAsync(500);
  const endOther = everySecond(() => seen.other++);
  expect(vi.getTimerCount()).toBe(1);
  await vi.advanceTimersByTimeAsync(3000);
  expect(seen).toEqual({ one: 3, other: 3 });
  endOne();
  endOne();
  await vi.advanceTimersByTimeAsync(1000);
  expect(seen).toEqual({ one: 3, other: 4 });
  endOther();
  expect(vi.getTimerCount()).toBe(0);
});

it("does not have somebody look whom another one's look has ended", async () => {
  let looks = 0;
  const ends = [everySecond(() => ends[1]?.()), everySecond(() => looks++)];
  await vi.advanceTimersByTimeAsync(2000);
  expect(looks).toBe(0);
  for (const end of ends) end();
});
