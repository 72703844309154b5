/** Paths that look quick and carry little: much traffic leaves them, and does not come back before it is over. */
import { describe, expect, it } from "vitest";
import { transportOf } from "../../src-main/mesh/endpoint.ts";
import type { Transport } from "../../src-shared/status.ts";
import type { SimNode } from "./world/node.ts";
import { World } from "./world/world.ts";

const minute = 60_000;
const mbit = 125_000;

/** Ann and Bob, directly connected, with a router that relays. */
function pair(seed: number, takes: readonly Transport[] = []) {
  const world = new World(seed, { loss: 0, jitterMillis: 1 });
  const ann = world.node("ann", world.place("portRestrictedCone"));
  const bob = world.node("bob", world.place(null), { takes });
  world.join(ann);
  world.join(bob);
  world.pass(2000);
  ann.wanted = [bob.key];
  bob.wanted = [ann.key];
  world.pass(10_000);
  expect(wayOf(ann, bob)).toBe("direct udp");
  return { world, ann, bob };
}

function wayOf(from: SimNode, to: SimNode): string {
  const { path } = from.view(to.key);
  return path === null ? "none" : `${path.kind} ${transportOf(path.endpoint)}`;
}

/** How often the way changes within so long. */
function changes({ world, ann, bob }: ReturnType<typeof pair>, millis: number): number {
  let count = 0;
  let last = wayOf(ann, bob);
  for (const end = world.clock.now + millis; world.clock.now < end; world.pass(500)) {
    const way = wayOf(ann, bob);
    if (way !== last) count++;
    last = way;
  }
  return count;
}

describe("[P16] much traffic over a direct path that is throttled", () => {
  it("moves to a relay that carries more, stays there, and goes back when it is over", () => {
    for (let seed = 1; seed <= 4; seed++) {
      const met = pair(seed);
      const { world, ann, bob } = met;
      ann.plane.room = (endpoint) => (endpoint.includes("#") ? 40 * mbit : mbit);
      ann.plane.load.set(bob.key, 60 * mbit);
      const isRelayed = () => wayOf(ann, bob) === "relay udp";
      expect(world.passUntil(isRelayed, 10_000), `seed ${seed}`).toBe(true);
      expect(ann.view(bob.key)).toMatchObject({
        path: { reasonCode: "relay-for-room" },
        verdict: { code: "relay-for-room" },
      });
      const before = ann.plane.loadArrived;
      expect(changes(met, 9 * minute), `seed ${seed}`).toBe(0);
      expect((ann.plane.loadArrived - before) / (9 * 60)).toBeGreaterThan(35 * mbit);
      // What the direct path carries is looked at again now and then.
      expect(changes(met, 60 * minute), `seed ${seed}`).toBeLessThanOrEqual(14);
      ann.plane.load.clear();
      expect(
        world.passUntil(() => wayOf(ann, bob) === "direct udp", 2 * minute),
        `seed ${seed}`,
      ).toBe(true);
      expect(changes(met, 5 * minute), `seed ${seed}`).toBe(0);
    }
  });

  it("opens a link to the peer where UDP alone is throttled, and keeps it as long as it is needed", () => {
    for (let seed = 1; seed <= 6; seed++) {
      const met = pair(seed, ["tls"]);
      const { world, ann, bob } = met;
      ann.plane.room = (endpoint) => (transportOf(endpoint) === "udp" ? mbit : 40 * mbit);
      ann.plane.load.set(bob.key, 60 * mbit);
      expect(
        world.passUntil(() => wayOf(ann, bob) === "direct tls", 15_000),
        `seed ${seed}`,
      ).toBe(true);
      expect(ann.view(bob.key)).toMatchObject({
        path: { reasonCode: "direct-for-room" },
        verdict: { code: "direct-for-room" },
      });
      expect(changes(met, 9 * minute), `seed ${seed}`).toBe(0);
      ann.plane.load.clear();
      expect(
        world.passUntil(() => wayOf(ann, bob) === "direct udp", 2 * minute),
        `seed ${seed}`,
      ).toBe(true);
      world.pass(2 * minute);
      expect([ann.carriers.kept, world.links.count], `seed ${seed}`).toEqual([[], 0]);
    }
  });
});

describe("[P16] much traffic over a line that is slow by any way", () => {
  it("tries another way for a moment once in a while, and is direct all the other time", () => {
    for (let seed = 1; seed <= 3; seed++) {
      const met = pair(seed, ["tls"]);
      const { world, ann, bob } = met;
      ann.plane.room = () => mbit;
      ann.plane.load.set(bob.key, 60 * mbit);
      const perHour = changes(met, 60 * minute);
      expect(perHour, `seed ${seed}`).toBeLessThanOrEqual(28);
      let direct = 0;
      for (let second = 0; second < 600; second++) {
        world.pass(1000);
        if (wayOf(ann, bob) === "direct udp") direct++;
      }
      expect(direct, `seed ${seed}`).toBeGreaterThan(570);
    }
  });

  it("does not move at all where a quick line is full", () => {
    const met = pair(3, ["tls"]);
    met.ann.plane.room = () => 100 * mbit;
    met.ann.plane.load.set(met.bob.key, 200 * mbit);
    expect(changes(met, 30 * minute)).toBe(0);
  });
});
