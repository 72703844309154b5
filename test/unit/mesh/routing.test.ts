import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { probeMillis, Routing } from "../../../src-main/mesh/routing.ts";
import { noRoute, routesTold } from "../../../src-shared/routes.ts";
import { hashOf, identityOf } from "../../fakes/entries.ts";
import { createRandom } from "../../fakes/random.ts";
import type { Lie, WorldLink } from "../../fakes/routing-world.ts";
import { RoutingWorld } from "../../fakes/routing-world.ts";

const second = 1000;

/** A connected graph of relays: a random tree, and some links more. */
function topology(random: ReturnType<typeof createRandom>, size: number): readonly WorldLink[] {
  const links = new Map<string, WorldLink>();
  const add = (one: number, other: number) => {
    if (one === other) return;
    const ends = one < other ? ([one, other] as const) : ([other, one] as const);
    links.set(ends.join(), { ends, rttMillis: Math.ceil(random.between(1, 120)) });
  };
  for (let at = 1; at < size; at++) add(at, Math.floor(random.between(0, at)));
  for (let more = 0; more < size; more++)
    add(Math.floor(random.between(0, size)), Math.floor(random.between(0, size)));
  return [...links.values()];
}

function newWorld(
  seed: number,
  size: number,
  options: { loss?: number; liars?: ReadonlyMap<number, Lie> } = {},
) {
  const random = createRandom(seed);
  const links = topology(random, size);
  const costs = Array.from({ length: size }, () => Math.ceil(random.between(0, 20)));
  const world = new RoutingWorld({
    random,
    costs,
    links,
    loss: options.loss ?? 0,
    liars: options.liars ?? new Map(),
  });
  return { world, links, random };
}

function loops(world: RoutingWorld, size: number): string[] {
  const found: string[] = [];
  for (let from = 0; from < size; from++)
    for (let to = 0; to < size; to++) {
      const { end, passed } = world.walk(from, to);
      if (end === "loop") found.push(`${from} → ${to}: ${passed.join(" ")}`);
    }
  return found;
}

/** Pairs that are connected by honest relays and yet have no way. */
function unreached(world: RoutingWorld, size: number, liars: ReadonlyMap<number, Lie> = new Map()): string[] {
  const found: string[] = [];
  for (let from = 0; from < size; from++) {
    if (liars.has(from)) continue;
    for (let to = 0; to < size; to++) {
      if (liars.has(to) || !world.isConnected(from, to)) continue;
      const { end } = world.walk(from, to);
      if (end === "stuck" || end === "loop") found.push(`${from} → ${to} ${end}`);
    }
  }
  return found;
}

describe("routes among relays", () => {
  it("[C13] [E06] go the cheapest way, round trips and costs of all relays added", () => {
    const links: WorldLink[] = [
      { ends: [0, 1], rttMillis: 10 },
      { ends: [1, 2], rttMillis: 10 },
      { ends: [0, 2], rttMillis: 50 },
    ];
    const cheap = new RoutingWorld({ random: createRandom(1), costs: [1, 1, 1], links, loss: 0 });
    cheap.run(5 * second);
    expect(cheap.walk(0, 2).passed).toEqual([0, 1, 2]);
    // [C16] the one in the middle asks for more than the detour saves
    const dear = new RoutingWorld({ random: createRandom(1), costs: [1, 100, 1], links, loss: 0 });
    dear.run(5 * second);
    expect(dear.walk(0, 2).passed).toEqual([0, 2]);
    expect(dear.metric(0, 2)).toBeGreaterThanOrEqual(51);
    expect(dear.metric(0, 2)).toBeLessThan(62);
  });

  it("[C13] are loop-free at every moment, whatever is cut, lost or overtaken", { timeout: 120_000 }, () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1e9 }),
        fc.integer({ min: 3, max: 10 }),
        fc.constantFrom(0, 0.1, 0.4),
        (seed, size, loss) => {
          const { world, links, random } = newWorld(seed, size, { loss });
          for (let step = 0; step < 40; step++) {
            world.run(random.between(50, 3000));
            expect(loops(world, size)).toEqual([]);
            const link = links[Math.floor(random.between(0, links.length))];
            if (link === undefined) continue;
            const what = random.next();
            if (what < 0.4) world.cut(link.ends);
            else if (what < 0.8) world.join(link.ends);
            else if (what < 0.85) world.restart(link.ends[0]);
          }
        },
      ),
      { numRuns: 60, seed: 7 },
    );
  });

  it("[C13] are loop-free among the honest ones though others tell distances too good, forged or old ones", {
    timeout: 120_000,
  }, () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1e9 }),
        fc.integer({ min: 4, max: 10 }),
        fc.constantFrom<Lie>("too-good", "forged", "replayed"),
        (seed, size, lie) => {
          const liars = new Map<number, Lie>([
            [seed % size, lie],
            [(seed >> 8) % size, lie],
          ]);
          const { world, links, random } = newWorld(seed, size, { loss: 0.1, liars });
          for (let step = 0; step < 30; step++) {
            world.run(random.between(50, 3000));
            expect(loops(world, size)).toEqual([]);
            const link = links[Math.floor(random.between(0, links.length))];
            if (link === undefined) continue;
            if (random.next() < 0.5) world.cut(link.ends);
            else world.join(link.ends);
          }
          for (const { ends } of links) world.join(ends);
          world.run(30 * second);
          // Whoever replays makes routes come and go, but nobody is cut off for long.
          for (let round = 0; round < 2; round++) {
            let missing = new Set(unreached(world, size, liars));
            for (let wait = 0; wait < 20 && missing.size > 0; wait++) {
              world.run(second);
              const now = new Set(unreached(world, size, liars));
              missing = new Set([...missing].filter((pair) => now.has(pair)));
            }
            expect([...missing]).toEqual([]);
            world.run(10 * second);
          }
          if (lie === "forged") expect(world.refused).toBeGreaterThan(0);
        },
      ),
      { numRuns: 20, seed: 11 },
    );
  });

  it("[C13] are found again within three probe intervals after a cut", { timeout: 120_000 }, () => {
    let slowest = 0;
    for (let seed = 1; seed <= 40; seed++) {
      const size = 4 + (seed % 9);
      const { world, links, random } = newWorld(seed, size);
      world.run(30 * second);
      expect(unreached(world, size)).toEqual([]);
      const link = links[Math.floor(random.between(0, links.length))];
      if (link === undefined) continue;
      world.cut(link.ends);
      let took = 0;
      while (took < 3 * probeMillis && (took < probeMillis || unreached(world, size).length > 0)) {
        world.run(100);
        took += 100;
        expect(loops(world, size)).toEqual([]);
      }
      slowest = Math.max(slowest, took);
      expect(unreached(world, size)).toEqual([]);
    }
    process.stdout.write(`routes: slowest recovery ${slowest / probeMillis} probe intervals after a cut\n`);
    expect(slowest).toBeLessThanOrEqual(3 * probeMillis);
  });

  it("[C13] come near the least sum, and cost little to keep", () => {
    const size = 20;
    const { world } = newWorld(3, size);
    world.run(120 * second);
    for (let from = 0; from < size; from++) {
      const least = world.distances(from);
      for (let to = 0; to < size; to++) {
        if (from === to) continue;
        expect(world.metric(from, to)).toBeLessThanOrEqual((least.get(to) ?? 0) * 1.6 + 20);
      }
    }
    const before = world.toldBytes;
    world.run(100 * second);
    const rate = (world.toldBytes - before) / size / 100;
    process.stdout.write(
      `routes: ${rate.toFixed(0)} bytes a second and relay in a steady network of ${size} relays\n`,
    );
    expect(rate).toBeLessThan(500);
  });

  it("[C13] are withdrawn when a relay goes, and do not count to infinity", () => {
    const links: WorldLink[] = [
      { ends: [0, 1], rttMillis: 10 },
      { ends: [1, 2], rttMillis: 10 },
      { ends: [0, 2], rttMillis: 10 },
      { ends: [2, 3], rttMillis: 10 },
    ];
    const world = new RoutingWorld({ random: createRandom(5), costs: [1, 1, 1, 1], links, loss: 0 });
    world.run(10 * second);
    expect(world.walk(0, 3).end).toBe("there");
    world.cut([2, 3]);
    world.run(3 * probeMillis);
    expect([0, 1, 2].map((from) => world.metric(from, 3))).toEqual([null, null, null]);
  });

  it("[C13] a neighbour that does not carry on what it offered to can be avoided", () => {
    const links: WorldLink[] = [
      { ends: [0, 1], rttMillis: 10 },
      { ends: [1, 3], rttMillis: 10 },
      { ends: [0, 2], rttMillis: 30 },
      { ends: [2, 3], rttMillis: 30 },
    ];
    const world = new RoutingWorld({ random: createRandom(5), costs: [1, 1, 1, 1], links, loss: 0 });
    world.run(10 * second);
    const [one, two, three] = [1, 2, 3].map((number) => world.identity(number));
    if (one === undefined || two === undefined || three === undefined) throw new Error("no relays");
    expect(world.routing(0).route(three)?.next).toBe(one);
    expect(
      world
        .routing(0)
        .ways(three)
        .map(({ next }) => next),
    ).toEqual([one, two]);
  });

  it("what strangers and late messages say counts for nothing", () => {
    const [self, friend, far] = ["self", "friend", "far"].map(identityOf);
    if (self === undefined || friend === undefined || far === undefined) throw new Error("no names");
    const routing = new Routing({ self, sign: () => "own", hash: hashOf }, { cost: 1, now: 1000 });
    const route = (metric: number) => [{ to: far, sequence: 5, metric, signature: "far's" }];
    const told = (number: number, metric: number) =>
      routesTold.parse({ version: 1, number, full: false, routes: route(metric), wanted: [] });
    expect(routing.hear(friend, told(1, 5), 1000)).toBeNull();
    expect(routing.routes()).toEqual([]);
    routing.link(friend, 10, 1000);
    routing.hear(friend, told(3, 5), 1000);
    expect(routing.route(far)).toMatchObject({ next: friend, metric: 15 });
    routing.hear(friend, told(2, noRoute), 1000);
    expect(routing.route(far)).toMatchObject({ metric: 15 });
    routing.hear(friend, told(4, noRoute), 1000);
    expect(routing.route(far)).toBeNull();
  });

  it("whatever is told, parses or is refused, and a table stays small", () => {
    fc.assert(
      fc.property(fc.anything(), (value) => {
        routesTold.safeParse(value);
      }),
    );
    const self = identityOf("self");
    const friend = identityOf("friend");
    const routing = new Routing({ self, sign: () => "own", hash: hashOf }, { cost: 1, now: 0 });
    routing.link(friend, 1, 0);
    for (let number = 1; number <= 3; number++) {
      const routes = Array.from({ length: 300 }, (_, at) => ({
        to: identityOf(`${number} ${at}`),
        sequence: 1,
        metric: 1,
        signature: "s",
      }));
      routing.hear(friend, { version: 1, number, full: false, routes, wanted: [] }, number);
    }
    expect(routing.routes().length).toBeLessThanOrEqual(256);
  });
});
