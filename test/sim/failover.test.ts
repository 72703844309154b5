/** What a path's death costs: how long nothing arrives, with a second path kept ready and without. */
import { describe, expect, it } from "vitest";
import { pathKind } from "./world/node.ts";
import { World } from "./world/world.ts";

/** Ann wants Bob, both behind NATs that let them be direct; the router relays for them. */
function pair(seed: number) {
  const world = new World(seed, { loss: 0, jitterMillis: 2 });
  const ann = world.node("ann", world.place("portRestrictedCone"));
  const bob = world.node("bob", world.place("fullCone"));
  world.join(ann);
  world.join(bob);
  world.pass(2000);
  ann.wanted = [bob.key];
  world.pass(6000);
  const cut = () => {
    world.internet.passes = (from, to) => from === world.router.host || to === world.router.host;
  };
  return { world, ann, bob, cut };
}

/** How long it takes until packets arrive again, both ways unless told otherwise. */
function gap({ world, ann, bob }: ReturnType<typeof pair>, isOneWay = false): number {
  const from = world.clock.now;
  const arrives = () => ann.plane.reaches(bob.key) && (isOneWay || bob.plane.reaches(ann.key));
  expect(world.passUntil(arrives, 10_000)).toBe(true);
  return world.clock.now - from;
}

describe("a direct path that dies", () => {
  it("[C08] [W10] is left within half a second while packets flow: the relay stands by", () => {
    for (let seed = 1; seed <= 20; seed++) {
      const met = pair(seed);
      expect(pathKind(met.ann.view(met.bob.key)), `seed ${seed}`).toBe("direct");
      expect(met.ann.view(met.bob.key).path?.standby).toMatchObject({ kind: "relay", via: ["router"] });
      met.world.pass(seed * 37);
      met.cut();
      expect(gap(met), `seed ${seed}`).toBeLessThanOrEqual(500);
      met.world.pass(200);
      expect(met.ann.view(met.bob.key)).toMatchObject({
        state: "connected",
        path: { kind: "relay", reasonCode: "relay-direct-lost" },
        verdict: { code: "relay-direct-broke" },
      });
    }
  });

  it("[C08] while nobody used it is left within two seconds of the first packet; by the other end once that came", () => {
    for (let seed = 1; seed <= 20; seed++) {
      const met = pair(seed);
      met.ann.wanted = [];
      met.world.pass(90_000 + seed * 37);
      met.cut();
      met.ann.wanted = [met.bob.key];
      expect(gap(met, true), `seed ${seed}`).toBeLessThanOrEqual(2000);
      expect(gap(met), `seed ${seed}`).toBeLessThanOrEqual(2000);
    }
  });

  it("[E18] [C08] with the router away is found to be dead, and both talk within two seconds of its return", () => {
    const met = pair(3);
    met.world.restartRouter(20_000);
    met.world.pass(5000);
    met.cut();
    met.world.pass(15_000);
    expect(met.ann.plane.reaches(met.bob.key)).toBe(false);
    expect(gap(met)).toBeLessThanOrEqual(2000);
  });
});

describe("a direct path that becomes slow", () => {
  it("[E06] [P23] gives way to a relay that is much quicker, and is taken again when it is not", () => {
    const { world, ann, bob } = pair(4);
    const relayed = (view = ann.view(bob.key)) => view.path?.kind === "relay";
    const direct = ann.view(bob.key).path?.latencyMillis ?? 0;
    world.internet.crowding = (from, to) =>
      from === world.router.host || to === world.router.host ? 0 : 200;
    expect(world.passUntil(relayed, 15_000)).toBe(true);
    expect(ann.view(bob.key)).toMatchObject({
      path: { reasonCode: "relay-faster", standby: { kind: "direct" } },
      verdict: { code: "relay-quicker" },
    });
    expect(ann.view(bob.key).path?.latencyMillis).toBeLessThan(direct + 150);
    world.internet.crowding = () => 0;
    expect(world.passUntil(() => !relayed(), 30_000)).toBe(true);
  });
});
