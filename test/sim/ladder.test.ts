/** Firewalls that close and open: packets go on over links, and come back to plain UDP. */
import { describe, expect, it } from "vitest";
import { transportOf } from "../../src-main/mesh/endpoint.ts";
import type { SimNode } from "./world/node.ts";
import { World } from "./world/world.ts";

const hour = 3_600_000;

/** Ann wants Bob, both behind NATs that let them be direct; the router relays for them and takes links. */
function pair(seed: number) {
  const world = new World(seed, { loss: 0, jitterMillis: 2 });
  world.router.takes = ["tcp", "tls"];
  const ann = world.node("ann", world.place("portRestrictedCone"));
  const bob = world.node("bob", world.place("fullCone"));
  world.join(ann);
  world.join(bob);
  world.pass(2000);
  ann.wanted = [bob.key];
  bob.wanted = [ann.key];
  world.pass(6000);
  return { world, ann, bob };
}

/** No plain UDP of a node passes, either way. */
function block(world: World, ...nodes: readonly SimNode[]): void {
  const hosts = new Set(nodes.map(({ host }) => host));
  world.internet.passesPlain = (from, to) => !hosts.has(from) && !hosts.has(to);
}

function open(world: World): void {
  world.internet.passesPlain = () => true;
}

/** How long until packets arrive both ways. */
function gap({ world, ann, bob }: ReturnType<typeof pair>): number {
  const from = world.clock.now;
  const arrives = () => ann.plane.reaches(bob.key) && bob.plane.reaches(ann.key);
  expect(world.passUntil(arrives, 20_000)).toBe(true);
  return world.clock.now - from;
}

function transportInUse(from: SimNode, to: SimNode): string | null {
  const path = from.view(to.key).path;
  return path === null ? null : transportOf(path.endpoint);
}

describe("plain UDP that closes while packets flow", () => {
  it("[C08] [P16] is left for a link within two seconds, and taken again within thirty after it opens", () => {
    const gaps: number[] = [];
    const returns: number[] = [];
    for (let seed = 1; seed <= 20; seed++) {
      const met = pair(seed);
      const { world, ann, bob } = met;
      expect(transportInUse(ann, bob), `seed ${seed}`).toBe("udp");
      world.pass(seed * 37);
      block(world, ann);
      world.pass(20);
      gaps.push(gap(met) + 20);
      world.pass(10_000);
      expect(transportInUse(ann, bob), `seed ${seed}`).not.toBe("udp");
      open(world);
      const from = world.clock.now;
      const isBack = () => transportInUse(ann, bob) === "udp" && transportInUse(bob, ann) === "udp";
      expect(world.passUntil(isBack, 30_000), `seed ${seed}`).toBe(true);
      returns.push(world.clock.now - from);
      // Nothing is kept open in vain.
      world.pass(60_000);
      expect([world.links.count, ann.carriers.kept], `seed ${seed}`).toEqual([0, []]);
    }
    process.stdout.write(
      `plain UDP closed: packets stay away for ${Math.max(...gaps)} ms at most; opened: back after ${Math.max(...returns)} ms at most\n`,
    );
    expect(Math.max(...gaps)).toBeLessThanOrEqual(2000);
    expect(Math.max(...returns)).toBeLessThanOrEqual(30_000);
  });

  it("[P16] [W23] from the start does not keep two machines apart; what worked is not looked for again", () => {
    const world = new World(3, { loss: 0, jitterMillis: 2 });
    world.router.takes = ["tcp", "tls"];
    const ann = world.node("ann", world.place("portRestrictedCone"));
    const bob = world.node("bob", world.place("symmetric"));
    block(world, ann, bob);
    world.internet.passesLinks = (_from, _to, transport) => transport === "tls";
    world.join(ann);
    world.join(bob);
    ann.wanted = [bob.key];
    expect(world.passUntil(() => ann.plane.reaches(bob.key) && bob.plane.reaches(ann.key), 6000)).toBe(true);
    world.pass(5000);
    expect([transportInUse(ann, bob), transportInUse(bob, ann)]).toEqual(["tls", "tls"]);
    expect(world.links.count).toBe(2);
    const before = world.links.opened;
    world.pass(hour);
    expect([world.links.opened, world.links.count]).toEqual([before, 2]);
  });
});

describe("a node with an open TCP port", () => {
  it("[P16] [W23] is reached by a link directly where plain UDP is closed", () => {
    const world = new World(5, { loss: 0, jitterMillis: 2 });
    world.router.takes = ["tls"];
    const ann = world.node("ann", world.place("portRestrictedCone"));
    const bob = world.node("bob", world.place(null), { takes: ["tls"] });
    block(world, ann);
    world.join(ann);
    world.join(bob);
    world.pass(2000);
    ann.wanted = [bob.key];
    const isDirect = () =>
      ann.view(bob.key).path?.kind === "direct" && bob.view(ann.key).path?.kind === "direct";
    expect(world.passUntil(isDirect, 10_000)).toBe(true);
    expect(transportInUse(ann, bob)).toBe("tls");
    open(world);
    expect(world.passUntil(() => transportInUse(ann, bob) === "udp", 30_000)).toBe(true);
    world.pass(60_000);
    expect(ann.carriers.kept).toEqual([]);
  });
});

describe("six hours of a line that opens and closes", () => {
  it("[C08] [C09] [P16] leave no link behind, nothing that grows, and packets that arrive", {
    timeout: 300_000,
  }, () => {
    const met = pair(11);
    const { world, ann, bob } = met;
    const pending: number[] = [];
    let missed = 0;
    for (let passed = 0; passed < 6; passed++) {
      const end = world.clock.now + hour;
      while (world.clock.now < end) {
        // Closed and open for anything between two seconds and two minutes.
        const phase = 2000 * 60 ** world.random.next();
        if (world.random.next() < 0.5) block(world, ...(world.random.next() < 0.5 ? [ann] : [ann, bob]));
        else open(world);
        world.internet.passesLinks =
          world.random.next() < 0.2 ? (_f, _t, name) => name === "tls" : () => true;
        world.pass(phase);
        if (phase > 10_000 && !(ann.plane.reaches(bob.key) && bob.plane.reaches(ann.key))) missed++;
      }
      pending.push(world.clock.pending);
      expect(world.links.count).toBeLessThanOrEqual(8);
      expect(ann.carriers.kept.length + bob.carriers.kept.length).toBeLessThanOrEqual(8);
      for (const node of [ann, bob])
        expect(node.view(node === ann ? bob.key : ann.key).candidates.length).toBeLessThanOrEqual(24);
    }
    open(world);
    world.internet.passesLinks = () => true;
    expect(gap(met)).toBeLessThanOrEqual(2000);
    world.pass(120_000);
    expect([world.links.count, ann.carriers.kept, bob.carriers.kept]).toEqual([0, [], []]);
    expect([transportInUse(ann, bob), transportInUse(bob, ann)]).toEqual(["udp", "udp"]);
    process.stdout.write(
      `six hours of flapping: ${world.links.opened} links opened, ${missed} times nothing arrived 10 s after a change; timers ${pending.join(" ")}\n`,
    );
    expect(missed).toBe(0);
    expect(Math.max(...pending.slice(2))).toBeLessThanOrEqual(Math.max(...pending.slice(0, 2)) * 1.5 + 20);
  });
});
