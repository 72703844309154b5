import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Move } from "../../../src-main/engine/moves.ts";
import { Moves } from "../../../src-main/engine/moves.ts";
import type { Prefix } from "../../../src-shared/address.ts";
import { parsePrefix } from "../../../src-shared/address.ts";
import { FakeSystem } from "../../fakes/system.ts";

let system: FakeSystem;
let heard: Move[];
let moves: Moves;
let wall: number;
let steady: number;

beforeEach(() => {
  vi.useFakeTimers();
  system = new FakeSystem();
  system.plug("eth0", prefix("192.168.1.5/32"));
  heard = [];
  wall = 1_700_000_000_000;
  steady = 5000;
  moves = new Moves({
    system,
    ignores: (name) => name.startsWith("starmesh"),
    wall: () => wall,
    steady: () => steady,
    heard: (move) => heard.push(move),
  });
});

afterEach(() => {
  moves.close();
  vi.useRealTimers();
});

function prefix(text: string): Prefix {
  const parsed = parsePrefix(text);
  if (parsed === null) throw new Error(text);
  return parsed;
}

/** One burst of the system's word, and the moment after it. */
function settle(): Move[] {
  vi.advanceTimersByTime(1000);
  return heard.splice(0);
}

function pass(millis: number, ahead = millis): Move[] {
  wall += ahead;
  steady += millis;
  moves.beat();
  return heard.splice(0);
}

describe("word of the system", () => {
  it("[C09 W12] tells a move when an address is gone, once for a burst", () => {
    system.unplug("eth0");
    system.plug("eth0", prefix("10.9.0.7/32"));
    expect(settle()).toEqual([{ kind: "moved" }]);
    expect(settle()).toEqual([]);
  });

  it("[C09] tells a gain when all stays and more comes", () => {
    system.plug("wlan0", prefix("10.9.0.7/32"));
    expect(settle()).toEqual([{ kind: "gained" }]);
  });

  it("[C09] tells a move when the default route goes another way", async () => {
    system.plug("wlan0", prefix("10.9.0.7/32"));
    settle();
    await system.addRoute({ device: "wlan0", prefix: prefix("0.0.0.0/0") });
    expect(settle()).toEqual([{ kind: "moved" }]);
  });

  it("says nothing of our own interfaces, nor of a change that ends where it began", () => {
    system.plug("starmesh0", prefix("10.77.0.2/32"));
    expect(settle()).toEqual([]);
    system.unplug("starmesh0");
    expect(settle()).toEqual([]);
  });

  it("[C09] looks by itself now and then, where the system's word was lost", () => {
    moves.close();
    moves = new Moves({
      system: {
        interfaces: () => system.interfaces(),
        routes: () => system.routes(),
        watch: () => ({ close: () => undefined }),
      },
      ignores: () => false,
      wall: () => wall,
      steady: () => steady,
      heard: (move) => heard.push(move),
    });
    system.unplug("eth0");
    expect(pass(1000)).toEqual([]);
    for (let second = 0; second < 30 && heard.length === 0; second++) {
      wall += 1000;
      steady += 1000;
      moves.beat();
    }
    expect(heard).toEqual([{ kind: "moved" }]);
  });
});

describe("the clock", () => {
  it("[C09 P31] tells a sleep by a late beat, by a jump of the wall clock, not by a beat in time", () => {
    expect(pass(1000)).toEqual([]);
    expect(pass(20_000)).toEqual([{ kind: "woke", awayMillis: 20_000 }]);
    // A machine in deep sleep, whose steady clock stood still.
    expect(pass(1000, 3_600_000)).toEqual([{ kind: "woke", awayMillis: 3_600_000 }]);
    expect(pass(1000, -3_600_000)).toEqual([{ kind: "woke", awayMillis: 1000 }]);
    expect(pass(1000)).toEqual([]);
  });

  it("[P31] believes the system that the machine woke, also after a sleep that no clock shows", () => {
    moves.awake();
    expect(pass(1000)).toEqual([{ kind: "woke", awayMillis: 0 }]);
  });

  it("tells one thing of a machine that woke elsewhere", () => {
    system.unplug("eth0");
    expect(pass(60_000)).toEqual([{ kind: "woke", awayMillis: 60_000 }]);
    expect(settle()).toEqual([]);
  });
});
