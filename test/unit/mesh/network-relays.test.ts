import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Effect, Input } from "../../../src-main/mesh/effect.ts";
import { Network } from "../../../src-main/mesh/network.ts";
import type { Entry, EntryOf, NodeRecord } from "../../../src-shared/trust.ts";
import { entryOf, hashOf, identityOf, sessionOf, start, TestNetwork } from "../../fakes/entries.ts";

const net = new TestNetwork();
const [bob, cy, dan] = ["bob", "cy", "dan"].map(sessionOf) as [Key, Key, Key];
const place = { bob: "203.0.113.2:7743", cy: "203.0.113.3:7743", dan: "203.0.113.4:7743" } as const;
type Key = ReturnType<typeof sessionOf>;
type Name = keyof typeof place;

/** A member's record: where it is, whether it relays, which relays it is on. */
function record(
  name: Name,
  change: Partial<Pick<NodeRecord, "relay" | "relays" | "version">> = {},
): EntryOf<"node"> {
  const body = { ...net.node(name, 1, [place[name]]).body, ...change };
  return entryOf("node", body, identityOf(name));
}

/** Ann's machine among bob, a leaf, and cy, who relays. The router is away. */
class Bench {
  now = start;
  readonly machine = new Network({
    network: net.id,
    self: { identity: identityOf("ann"), sessionKey: sessionOf("ann") },
    ownRelay: () => null,
    random: () => 0.5,
    hash: hashOf,
  });

  constructor(entries: readonly Entry[]) {
    this.hear({ kind: "candidates", candidates: [{ endpoint: "203.0.113.1:7743", kind: "lan" }] });
    this.opening = this.learn(
      net.record(),
      ...["ann", "bob", "cy", "dan"].map((name, at) => net.certificate(name, at + 1)),
      ...entries,
    );
  }

  readonly opening: readonly Effect[];

  hear(input: Input): readonly Effect[] {
    return this.machine.handle(input, this.now);
  }

  learn(...entries: readonly Entry[]): readonly Effect[] {
    return this.hear({ kind: "entries", entries });
  }

  pass(millis: number): readonly Effect[] {
    const end = this.now + millis;
    const effects: Effect[] = [];
    for (let at = this.machine.deadline(); at !== null && at <= end; at = this.machine.deadline()) {
      this.now = Math.max(at, this.now);
      effects.push(...this.hear({ kind: "tick" }));
    }
    this.now = end;
    return effects;
  }

  /** A session with a relay stands over an address, and answers. */
  attach(relay: Key, endpoint: string): readonly Effect[] {
    return [
      ...this.hear({ kind: "session", peer: relay, endpoint, initiator: true, rekey: false }),
      ...this.hear({ kind: "proved", peer: relay, endpoint, rttMillis: 20 }),
    ];
  }

  /** How often the path in use to a peer is probed. */
  static interval(effects: readonly Effect[], peer: Key): number | undefined {
    return only(effects, "setPaths").findLast((effect) => effect.peer === peer)?.paths[0]?.probeMillis;
  }
}

function only<Kind extends Effect["kind"]>(effects: readonly Effect[], kind: Kind) {
  return effects.filter((effect): effect is Extract<Effect, { kind: Kind }> => effect.kind === kind);
}

const relays = { relay: { cost: 5 } };

describe("members that relay", () => {
  it("[Z17] [C12] are called without any packet, kept in reach, used, and named in the own record", () => {
    const bench = new Bench([record("cy", relays)]);
    expect(only(bench.opening, "handshake")).toEqual([
      { kind: "handshake", peer: cy, endpoints: [place.cy], force: false },
    ]);
    expect(bench.machine.relays.standing.size).toBe(0);
    bench.attach(cy, place.cy);
    expect([...bench.machine.relays.standing]).toEqual([[cy, { name: "cy", endpoint: place.cy }]]);
    const said = only(bench.pass(10_000), "publishNode");
    expect(said.at(-1)).toMatchObject({ relays: [identityOf("cy")] });
    expect(said.at(-1)?.relay).toBeUndefined();
    const later = bench.pass(3_600_000);
    expect(Bench.interval(later, cy)).toBe(25_000);
    expect(only(later, "publishNode")).toEqual([]);
    expect(bench.machine.relays.standing.size).toBe(1);
  });

  it("[C16] are left alone when they do not say so, or may not", () => {
    expect(only(new Bench([record("cy")]).opening, "handshake")).toEqual([]);
    const rights = { relay: false, gateway: null, issue: false };
    const withheld = new Bench([net.certificate("cy", 3, { rights, serial: 2 }), record("cy", relays)]);
    expect(only(withheld.opening, "handshake")).toEqual([]);
    const bench = new Bench([record("cy", relays)]);
    bench.attach(cy, place.cy);
    bench.learn(record("cy", { version: 2 }));
    expect(bench.machine.relays.standing.size).toBe(0);
  });

  it("[C12] are asked for a channel: those that both are on, else those that this node is on", () => {
    const on = (name: string) => [identityOf(name)];
    const bench = new Bench([
      record("cy", relays),
      record("dan", relays),
      record("bob", { relays: on("dan") }),
    ]);
    bench.attach(cy, place.cy);
    bench.attach(dan, place.dan);
    const asked = only(bench.hear({ kind: "wanted", peer: bob }), "openRelay");
    expect(asked.map(({ relay }) => relay)).toEqual([dan]);
    const other = new Bench([record("cy", relays), record("bob")]);
    other.attach(cy, place.cy);
    const asking = only(other.hear({ kind: "wanted", peer: bob }), "openRelay");
    expect(asking).toEqual([{ kind: "openRelay", peer: bob, relay: cy, avoid: [] }]);
    // Nobody asks a relay for itself.
    expect(only(other.hear({ kind: "wanted", peer: cy }), "openRelay")).toEqual([]);
  });

  it("[C13] show all relays on the way; what never answers is asked for again, another way", () => {
    const bench = new Bench([record("cy", relays), record("dan", relays), record("bob")]);
    bench.attach(cy, place.cy);
    bench.hear({ kind: "wanted", peer: bob });
    const opened = { endpoint: `${place.cy}#7`, onward: [identityOf("dan")] };
    bench.hear({ kind: "relayOpened", peer: bob, relay: cy, opened });
    bench.hear({ kind: "session", peer: bob, endpoint: opened.endpoint, initiator: true, rekey: false });
    bench.hear({ kind: "proved", peer: bob, endpoint: opened.endpoint, rttMillis: 50 });
    expect(bench.machine.peer(bob, bench.now)?.path).toMatchObject({ kind: "relay", via: ["cy", "dan"] });
    const silent = new Bench([record("cy", relays), record("dan", relays), record("bob")]);
    silent.attach(cy, place.cy);
    silent.hear({ kind: "wanted", peer: bob });
    silent.hear({ kind: "session", peer: bob, endpoint: place.bob, initiator: true, rekey: false });
    silent.hear({ kind: "relayOpened", peer: bob, relay: cy, opened });
    expect(only(silent.pass(3900), "openRelay").filter(({ peer }) => peer === bob)).toEqual([]);
    const again = only(silent.pass(1000), "openRelay").filter(({ relay }) => relay === cy);
    expect(again).toContainEqual({ kind: "openRelay", peer: bob, relay: cy, avoid: [identityOf("dan")] });
  });

  it("[W11] that move are asked anew at their new address; that go are called again", () => {
    const bench = new Bench([record("cy", relays), record("bob")]);
    bench.attach(cy, place.cy);
    bench.hear({ kind: "wanted", peer: bob });
    bench.hear({ kind: "relayOpened", peer: bob, relay: cy, opened: { endpoint: `${place.cy}#7` } });
    bench.hear({ kind: "session", peer: bob, endpoint: `${place.cy}#7`, initiator: true, rekey: false });
    const moved = "198.51.100.9:7743";
    bench.hear({ kind: "lost", peer: cy, endpoint: place.cy });
    expect(bench.machine.relays.standing.size).toBe(0);
    const effects = [
      ...bench.hear({ kind: "proved", peer: cy, endpoint: moved, rttMillis: 20 }),
      ...bench.pass(3000),
    ];
    expect(bench.machine.relays.standing.get(cy)?.endpoint).toBe(moved);
    expect(only(effects, "openRelay").map(({ peer, relay }) => [peer, relay])).toContainEqual([bob, cy]);
    const ended = [...bench.hear({ kind: "ended", peer: cy, reason: "expired" }), ...bench.pass(2500)];
    expect(only(ended, "handshake").some(({ peer }) => peer === cy)).toBe(true);
  });

  it("[C16] relaying here is told with its cost, and keeps sessions with other relays and with leaves", () => {
    const bench = new Bench([record("cy", relays), record("bob", { relays: [identityOf("ann")] })]);
    const said = only([...bench.hear({ kind: "relaying", cost: 9 }), ...bench.pass(3000)], "publishNode");
    expect(said.at(-1)).toMatchObject({ relay: { cost: 9 }, relays: [] });
    bench.attach(cy, place.cy);
    bench.attach(bob, place.bob);
    expect(bench.machine.relays.links()).toEqual([{ identity: identityOf("cy"), key: cy, rttMillis: 20 }]);
    const later = bench.pass(3_600_000);
    expect(Bench.interval(later, cy)).toBe(5000);
    expect(Bench.interval(later, bob)).toBe(25_000);
    bench.hear({ kind: "ended", peer: bob, reason: "expired" });
    expect(only(bench.pass(10_000), "handshake").some(({ peer }) => peer === bob)).toBe(false);
    const off = only([...bench.hear({ kind: "relaying", cost: null }), ...bench.pass(3000)], "publishNode");
    expect(off.at(-1)?.relay).toBeUndefined();
    const rights = { relay: false, gateway: null, issue: false };
    bench.learn(net.certificate("ann", 1, { rights, serial: 2 }));
    expect(only(bench.hear({ kind: "relaying", cost: 9 }), "publishNode")).toEqual([]);
    expect(bench.machine.relays.links()).toEqual([]);
  });

  it("[Z17] [W11] peers are asked where somebody is while no router says that it is there", () => {
    const bench = new Bench([record("bob")]);
    bench.hear({ kind: "wanted", peer: bob });
    expect(only(bench.pass(299), "seek")).toEqual([]);
    expect(only(bench.pass(100_000), "seek").filter(({ peer }) => peer === bob)).toHaveLength(4);
    const known = new Bench([record("bob")]);
    known.hear({ kind: "rendezvous", online: true });
    const there = { identity: identityOf("bob"), online: true, udp: true };
    known.hear({ kind: "presence", complete: true, members: [there] });
    known.hear({ kind: "wanted", peer: bob });
    expect(only(known.pass(20_000), "seek")).toEqual([]);
  });

  it("speaks of known peers only, and asks to be rung later only, whatever it hears of relays", () => {
    const name = fc.constantFrom<Name>("bob", "cy", "dan");
    const where = fc.constantFrom(place.bob, place.cy, place.dan, `${place.cy}#1`, `${place.dan}#2`);
    const onward = fc.subarray([identityOf("dan"), identityOf("nobody")]);
    const versions = fc.integer({ min: 1, max: 50 });
    const input: fc.Arbitrary<Input> = fc.oneof(
      fc
        .tuple(name, versions, fc.boolean(), fc.subarray(["ann", "cy", "dan"]))
        .map(([who, version, does, on]) => ({
          kind: "entries" as const,
          entries: [record(who, { version, relays: on.map(identityOf), ...(does ? relays : {}) })],
        })),
      fc.constantFrom(null, 1, 30).map((cost) => ({ kind: "relaying" as const, cost })),
      fc.tuple(name, where).map(([who, endpoint]) => ({
        kind: "session" as const,
        peer: sessionOf(who),
        endpoint,
        initiator: false,
        rekey: false,
      })),
      fc
        .tuple(name, where, fc.constantFrom("lost" as const, "heard" as const))
        .map(([who, endpoint, kind]) => ({
          kind,
          peer: sessionOf(who),
          endpoint,
        })),
      fc.tuple(name, where).map(([who, endpoint]) => ({
        kind: "proved" as const,
        peer: sessionOf(who),
        endpoint,
        rttMillis: 9,
      })),
      fc.tuple(name, name, where, onward).map(([who, via, endpoint, behind]) => ({
        kind: "relayOffered" as const,
        peer: sessionOf(who),
        relay: sessionOf(via),
        endpoint,
        onward: behind,
      })),
      name.map((who) => ({ kind: "wanted" as const, peer: sessionOf(who) })),
      name.map((who) => ({ kind: "ended" as const, peer: sessionOf(who), reason: "expired" as const })),
    );
    const wait = fc.constantFrom(0, 300, 4000, 20_000, 700_000);
    fc.assert(
      fc.property(fc.array(fc.tuple(wait, input), { maxLength: 30 }), (steps) => {
        const bench = new Bench([record("cy", relays)]);
        const known = new Set<string>([bob, cy, dan]);
        for (const [millis, heard] of steps) {
          for (const effect of [...bench.pass(millis), ...bench.hear(heard)]) {
            if ("peer" in effect && effect.peer !== null) expect(known).toContain(effect.peer);
            if (effect.kind === "openRelay") expect(effect.relay).not.toBe(effect.peer);
          }
          expect(bench.machine.deadline() ?? Number.POSITIVE_INFINITY).toBeGreaterThan(bench.now);
        }
      }),
      { numRuns: 150 },
    );
  });
});
