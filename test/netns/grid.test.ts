import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { SiteKind } from "./grid.ts";
import { Grid } from "./grid.ts";
import { targetOf } from "./grid-targets.ts";

// A few pairs of NATs with real engines; `npm run nat-grid` has them all, with times.
const kinds = [
  "port-restricted",
  "symmetric-sequential",
  "symmetric-random",
  "ipv6-firewall",
  "udp-blocked",
] as const;
let grid: Grid;

beforeAll(async () => {
  grid = new Grid();
  await grid.open(kinds);
});

afterAll(() => grid.close());

describe("[Z06] [Z09] [Z12] [C10] [W21] two nodes behind NATs that nobody configured", () => {
  const direct: readonly (readonly [SiteKind, SiteKind, string])[] = [
    ["port-restricted", "port-restricted", "both send at once"],
    ["port-restricted", "symmetric-sequential", "the next port is guessed"],
    ["symmetric-sequential", "symmetric-sequential", "both guess"],
    ["port-restricted", "symmetric-random", "one of many ports is hit"],
    ["port-restricted", "udp-blocked", "over TCP, where UDP is closed"],
    ["udp-blocked", "udp-blocked", "over TCP, opened by both at once"],
    ["ipv6-firewall", "ipv6-firewall", "both firewalls take the other's packet for an answer"],
  ];
  it.each(direct)("%s and %s go directly: %s", async (one, other) => {
    expect(targetOf(one, other).outcome).toBe("direct");
    const meeting = await grid.meet(grid.pair(one, other), 40_000);
    console.log(
      `${one}, ${other}: first packet ${meeting.firstMillis} ms, direct ${meeting.directMillis} ms`,
    );
    expect(meeting).toMatchObject({ outcome: "direct", firstMillis: expect.any(Number) });
    const { path } = await grid
      .pair(one, other)[0]
      .install.peer(grid.pair(one, other)[1].install.name, () => true);
    expect(path?.transport).toBe(one === "udp-blocked" || other === "udp-blocked" ? "tcp" : "udp");
    if (one === "ipv6-firewall") expect(meeting.remote).toMatch(/^\[2001:db8:/);
  });

  it("[E18] symmetric-random and symmetric-random are relayed, and told why", async () => {
    const [from, to] = grid.pair("symmetric-random", "symmetric-random");
    const meeting = await grid.meet([from, to], 4000);
    expect(meeting).toMatchObject({ outcome: "relayed", firstMillis: expect.any(Number) });
    const peer = await from.install.peer(
      to.install.name,
      ({ verdict }) => verdict?.code === "relay-both-symmetric",
    );
    expect(peer.verdict?.remedy).not.toBeNull();
  });
});
