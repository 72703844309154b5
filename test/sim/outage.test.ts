/** The router is out of reach for hours: what goes on, what it costs, what comes back. */
import { describe, expect, it } from "vitest";
import type { SimNode } from "./world/node.ts";
import { pathKind } from "./world/node.ts";
import { World } from "./world/world.ts";

const hour = 3_600_000;

function named(world: World, count: number): readonly SimNode[] {
  return Array.from({ length: count }, (_, at) =>
    world.node(`node ${at}`, world.place(at < 2 ? "portRestrictedCone" : "symmetric")),
  );
}

describe("eight hours without the router", () => {
  it("[Z17] [P31] [W11] keeps direct pairs, tries the others at a bounded rate, and heals within 2 s", {
    timeout: 240_000,
  }, () => {
    const world = new World(5);
    const [ann, bob, cy, dan] = named(world, 4);
    if (ann === undefined || bob === undefined || cy === undefined || dan === undefined)
      throw new Error("no nodes");
    for (const node of world.nodes) world.join(node);
    world.pass(2000);
    ann.wanted = [bob.key];
    cy.wanted = [dan.key];
    world.pass(6000);
    expect([ann, cy].map((from, at) => pathKind(from.view((at === 0 ? bob : dan).key)))).toEqual([
      "direct",
      "relay",
    ]);
    world.restartRouter(8 * hour);
    const probed = () => world.nodes.reduce((sum, { plane }) => sum + plane.probeBytes, 0);
    const sent: number[] = [];
    const pending: number[] = [];
    for (let passed = 0; passed < 8; passed++) {
      const before = probed();
      world.pass(hour);
      sent.push(probed() - before);
      pending.push(world.clock.pending);
      expect(ann.plane.reaches(bob.key)).toBe(true);
      expect(cy.plane.reaches(dan.key)).toBe(false);
    }
    const [second = 0, last = 0] = [sent[1], sent.at(-1)];
    process.stdout.write(
      `router away for eight hours: ${Math.round(last / 3600)} bytes a second of probes in the last hour, ${Math.round(second / 3600)} in the second\n`,
    );
    expect(last).toBeLessThanOrEqual(second * 1.05);
    expect(Math.max(...pending.slice(2))).toBeLessThanOrEqual(Math.max(...pending.slice(0, 2)) * 1.2 + 5);
    for (const node of world.nodes)
      expect(node.machine.peers(world.clock.now).every(({ decisions }) => decisions.length <= 20)).toBe(true);
    expect(world.passUntil(() => cy.plane.reaches(dan.key) && dan.plane.reaches(cy.key), 2000)).toBe(true);
  });
});
