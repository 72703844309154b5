/** Two nodes in every combination of NATs, and what may befall them. */
import { describe, expect, it } from "vitest";
import { nats } from "./world/nat.ts";
import type { SimNode } from "./world/node.ts";
import { pathKind } from "./world/node.ts";
import type { Way } from "./world/story.ts";
import { canBeDirect, isGuessed } from "./world/story.ts";
import { World } from "./world/world.ts";

const ways: readonly Way[] = [
  "public",
  "fullCone",
  "restrictedCone",
  "portRestrictedCone",
  "sequential",
  "symmetric",
];

/** Ann wants Bob; both have joined and the router is there. */
function pair(
  one: Way,
  other: Way,
  options: { seed?: number; loss?: number; together?: boolean; udp?: boolean } = {},
) {
  const world = new World(options.seed ?? 7, { loss: options.loss ?? 0, jitterMillis: 2 });
  const place = (way: Way) => world.place(way === "public" ? null : way);
  const home = place(one);
  const ann = world.node("ann", home, { udp: options.udp ?? true });
  const bob = world.node("bob", options.together === true ? home : place(other));
  world.join(ann);
  world.join(bob);
  world.pass(2000);
  ann.wanted = [bob.key];
  return { world, ann, bob };
}

function kindOf(from: SimNode, to: SimNode) {
  return pathKind(from.view(to.key));
}

describe("[C10] [Z12] [W21] two ends behind NATs", () => {
  for (const one of ways) {
    for (const other of ways) {
      const expected = canBeDirect(one, other) ? "direct" : "relay";
      it(`${one} to ${other}: ${expected}`, () => {
        const { world, ann, bob } = pair(one, other);
        world.pass(isGuessed(one, other) ? 10_000 : 4000);
        expect([kindOf(ann, bob), kindOf(bob, ann)]).toEqual([expected, expected]);
        expect(ann.plane.reaches(bob.key) && bob.plane.reaches(ann.key)).toBe(true);
      });
    }
  }

  it("carry packets at once through the relay, whatever the addresses turn out to be", () => {
    const { world, ann, bob } = pair("portRestrictedCone", "portRestrictedCone");
    const from = world.clock.now;
    expect(world.passUntil(() => ann.plane.reaches(bob.key), 2000)).toBe(true);
    expect(world.clock.now - from).toBeLessThan(1300);
  });

  const guessed = [
    ["symmetric", "portRestrictedCone"],
    ["portRestrictedCone", "symmetric"],
    ["sequential", "portRestrictedCone"],
    ["sequential", "sequential"],
  ] as const;
  it.each(guessed)("%s to %s: direct within 10 s in 19 of 20 cases", (one, other) => {
    const seeds = Array.from({ length: 60 }, (_, at) => at + 1);
    const found = seeds.filter((seed) => {
      const { world, ann, bob } = pair(one, other, { seed, loss: 0.01 });
      return world.passUntil(() => kindOf(ann, bob) === "direct" && kindOf(bob, ann) === "direct", 10_000);
    });
    expect(found.length).toBeGreaterThanOrEqual(57);
  });

  it("open their mappings again after those were forgotten", () => {
    const { world, ann, bob } = pair("symmetric", "portRestrictedCone");
    expect(world.passUntil(() => kindOf(ann, bob) === "direct", 10_000)).toBe(true);
    ann.wanted = [];
    world.pass(400_000);
    expect(ann.plane.hasSession(bob.key)).toBe(false);
    ann.wanted = [bob.key];
    expect(world.passUntil(() => ann.plane.reaches(bob.key), 2000)).toBe(true);
    expect(world.passUntil(() => kindOf(ann, bob) === "direct", 10_000)).toBe(true);
  });

  it.each([true, false])(
    "[C17] have their direct way before the next packet, if that is wished: %s",
    (on) => {
      const { world, ann, bob } = pair("portRestrictedCone", "symmetric");
      ann.feed({ kind: "early", on });
      expect(world.passUntil(() => kindOf(ann, bob) === "direct", 10_000)).toBe(true);
      ann.wanted = [];
      world.pass(1_200_000);
      expect(ann.plane.reaches(bob.key)).toBe(on);
      expect(kindOf(ann, bob)).toBe(on ? "direct" : null);
      bob.stop();
      world.pass(240_000);
      bob.start();
      world.pass(on ? 150_000 : 1000);
      expect(kindOf(ann, bob)).toBe(on ? "direct" : null);
    },
  );

  it("[E18] that stay on the relay say why", () => {
    const { world, ann, bob } = pair("symmetric", "symmetric");
    world.pass(5000);
    expect(ann.view(bob.key).path?.reason).toContain("relayed through router: none of the");
    expect(ann.view(bob.key).path?.reasonCode).toBe("relay-direct-unanswered");
  });

  it("find each other on a bad line too", () => {
    for (let seed = 1; seed <= 20; seed++) {
      const { world, ann, bob } = pair("portRestrictedCone", "fullCone", { seed, loss: 0.1 });
      const found = world.passUntil(
        () => kindOf(ann, bob) === "direct" && kindOf(bob, ann) === "direct",
        15_000,
      );
      expect(found, `seed ${seed}`).toBe(true);
    }
  });
});

describe("[E04] two nodes on one network", () => {
  for (const way of ["portRestrictedCone", "symmetric", "fullCone"] as const) {
    it(`talk inside it, behind ${way} as well`, () => {
      const { world, ann, bob } = pair(way, way, { together: true });
      world.pass(2000);
      expect([kindOf(ann, bob), kindOf(bob, ann)]).toEqual(["lan", "lan"]);
      expect(ann.view(bob.key).path?.latencyMillis).toBeLessThan(2);
    });
  }

  it("do so even if neither reaches the router by UDP", () => {
    const { world, ann, bob } = pair("symmetric", "symmetric", { together: true, udp: false });
    world.pass(2000);
    expect(kindOf(ann, bob)).toBe("lan");
  });
});

describe("a node whose UDP to the router is blocked", () => {
  it("still reaches whoever lets it in, by a call over the rendezvous", () => {
    const { world, ann, bob } = pair("portRestrictedCone", "fullCone", { udp: false });
    world.pass(4000);
    expect(kindOf(ann, bob)).toBe("direct");
  });

  it("is shown as unreachable otherwise, at both ends, with the reason", () => {
    const { world, ann, bob } = pair("symmetric", "portRestrictedCone", { udp: false });
    world.pass(15_000);
    expect(ann.view(bob.key)).toMatchObject({ state: "unreachable", reasonCode: "router-udp-blocked" });
    expect(ann.view(bob.key).reason).toContain("blocked here");
    expect(bob.view(ann.key)).toMatchObject({ state: "unreachable", reasonCode: "router-udp-blocked" });
    expect(bob.view(ann.key).reason).toContain("between ann and the router");
  });
});

describe("what may befall a path", () => {
  it("[E18] [C08] falls back to the relay within 3 s when the direct way breaks, and returns when it opens", () => {
    const { world, ann, bob } = pair("portRestrictedCone", "portRestrictedCone");
    world.pass(5000);
    expect(kindOf(ann, bob)).toBe("direct");
    world.internet.passes = (from, to) => from === world.router.host || to === world.router.host;
    expect(world.passUntil(() => kindOf(ann, bob) === "relay" && kindOf(bob, ann) === "relay", 3500)).toBe(
      true,
    );
    expect(ann.plane.reaches(bob.key)).toBe(true);
    expect(ann.view(bob.key).path?.reasonCode).toBe("relay-direct-lost");
    world.pass(20_000);
    world.internet.passes = () => true;
    expect(
      world.passUntil(() => kindOf(ann, bob) === "direct" && kindOf(bob, ann) === "direct", 15_000),
    ).toBe(true);
  });

  it("[Z17] [P31] goes on without the router where it is direct, and is relayed again within 2 s of its return", () => {
    const world = new World(3);
    const names = ["ann", "bob", "cy", "dan"];
    const [ann, bob, cy, dan] = names.map((name, at) =>
      world.node(name, world.place(at < 2 ? "portRestrictedCone" : "symmetric")),
    );
    if (ann === undefined || bob === undefined || cy === undefined || dan === undefined)
      throw new Error("no nodes");
    for (const node of world.nodes) world.join(node);
    world.pass(2000);
    ann.wanted = [bob.key];
    cy.wanted = [dan.key];
    world.pass(6000);
    expect([kindOf(ann, bob), kindOf(cy, dan)]).toEqual(["direct", "relay"]);
    world.restartRouter(30_000);
    for (let second = 0; second < 30; second++) {
      expect(ann.plane.reaches(bob.key)).toBe(true);
      expect(ann.view(bob.key).state).toBe("connected");
      world.pass(1000);
    }
    expect(cy.view(dan.key).state).toBe("unreachable");
    expect(cy.plane.reaches(dan.key)).toBe(false);
    expect(world.passUntil(() => cy.plane.reaches(dan.key) && dan.plane.reaches(cy.key), 2000)).toBe(true);
    expect(ann.plane.reaches(bob.key)).toBe(true);
  });

  it("[C09] heals after sleep, though NATs have forgotten and sessions are gone", () => {
    const { world, ann, bob } = pair("portRestrictedCone", "portRestrictedCone");
    world.pass(5000);
    ann.stop();
    world.pass(600_000);
    ann.start();
    ann.wake();
    expect(world.passUntil(() => kindOf(ann, bob) === "direct" && ann.plane.reaches(bob.key), 8000)).toBe(
      true,
    );
  });

  it("[C09] survives the restart of the other end", () => {
    const { world, ann, bob } = pair("portRestrictedCone", "symmetric");
    world.pass(5000);
    bob.stop();
    world.pass(3000);
    bob.start();
    expect(world.passUntil(() => ann.plane.reaches(bob.key) && bob.plane.reaches(ann.key), 10_000)).toBe(
      true,
    );
  });

  it("follows a node whose address outside changes", () => {
    const { world, ann, bob } = pair("fullCone", "public");
    world.pass(5000);
    expect(kindOf(ann, bob)).toBe("direct");
    ann.host.place.nat?.forget();
    expect(world.passUntil(() => ann.plane.reaches(bob.key) && bob.plane.reaches(ann.key), 5000)).toBe(true);
  });

  it("costs nothing once nobody uses it", () => {
    const { world, ann, bob } = pair("portRestrictedCone", "portRestrictedCone");
    world.pass(5000);
    ann.wanted = [];
    world.pass(600_000);
    expect(ann.view(bob.key)).toMatchObject({ state: "idle", path: null });
    const before = world.clock.ran;
    world.pass(60_000);
    // What is left: a beat a second and a probe of the router every five, of two nodes.
    expect(world.clock.ran - before).toBeLessThan(160);
    expect(nats.portRestrictedCone.expiryMillis).toBeLessThan(60_000);
    ann.wanted = [bob.key];
    expect(world.passUntil(() => kindOf(ann, bob) === "direct", 5000)).toBe(true);
  });
});
