import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { RelayMember } from "../../../src-main/mesh/attachments.ts";
import { Attachments } from "../../../src-main/mesh/attachments.ts";
import type { SessionKey } from "../../../src-shared/ids.ts";
import { identityOf, sessionOf, start } from "../../fakes/entries.ts";
import { createRandom } from "../../fakes/random.ts";

const second = 1000;

/** A node among relays of which each answers after its round trip, or not at all (null). */
class Around {
  now = start;
  readonly attachments: Attachments;
  readonly rtt = new Map<SessionKey, number | null>();
  readonly #members: RelayMember[];
  readonly #relays: boolean;

  constructor(relays: Record<string, number | null>, options: { self?: string; relays?: boolean } = {}) {
    this.attachments = new Attachments(identityOf(options.self ?? "self"), createRandom(3).next);
    this.#relays = options.relays ?? false;
    this.#members = Object.keys(relays).map((name) => ({
      identity: identityOf(name),
      key: sessionOf(name),
      cost: 5,
    }));
    for (const [name, millis] of Object.entries(relays)) this.rtt.set(sessionOf(name), millis);
    this.attachments.setMembers(this.#members);
  }

  run(millis: number, check: () => void = () => undefined): void {
    for (const end = this.now + millis; this.now < end; this.now += second) {
      const kept = this.attachments.kept();
      this.attachments.settle({
        now: this.now,
        relays: this.#relays,
        link: (key) => {
          const rttMillis = this.rtt.get(key) ?? null;
          return rttMillis === null || !kept.has(key) ? null : { rttMillis };
        },
      });
      check();
    }
  }

  /** Keys of those kept, in order. */
  kept(): string[] {
    return [...this.attachments.kept()].sort();
  }
}

const keys = (...names: string[]) => names.map(sessionOf).sort();

describe("attachments", () => {
  it("[Z17] a leaf keeps sessions with two member relays, after a while with the nearest", () => {
    const around = new Around({ far: 200, near: 10, middle: 40, remote: 300 });
    around.run(20 * second);
    expect(around.kept()).toHaveLength(2);
    // Every ten minutes another one is tried; the farthest of three goes.
    around.run(3600 * second);
    expect(around.kept()).toEqual(keys("near", "middle"));
    expect(around.attachments.settled(around.now).map(({ key }) => key)).toHaveLength(2);
  });

  it("[W11] a relay that dies is replaced, and taken again when it is back and nearer", () => {
    const around = new Around({ near: 10, middle: 40, far: 200 });
    around.run(3600 * second);
    expect(around.kept()).toEqual(keys("near", "middle"));
    around.rtt.set(sessionOf("near"), null);
    around.run(20 * second);
    expect(around.kept()).toEqual(keys("middle", "far"));
    around.rtt.set(sessionOf("near"), 10);
    around.run(7200 * second);
    expect(around.kept()).toEqual(keys("near", "middle"));
  });

  it("[P31] relays that never answer are tried ever more rarely", () => {
    const around = new Around({ dead: null });
    let tries = 0;
    let before = 0;
    around.run(86_400 * second, () => {
      const kept = around.attachments.kept().size;
      if (kept > before) tries++;
      before = kept;
    });
    expect(tries).toBeGreaterThan(20);
    expect(tries).toBeLessThan(80);
  });

  it("a jittering round trip moves nobody", () => {
    const around = new Around({ one: 50, two: 52, three: 51 });
    around.run(1300 * second);
    const before = around.kept();
    let changes = 0;
    let turn = 0;
    around.run(600 * second, () => {
      turn++;
      for (const key of around.rtt.keys()) around.rtt.set(key, 50 + (turn % 5));
      if (around.attachments.settled(around.now).length < 2) changes++;
    });
    expect(changes).toBe(0);
    expect(before).toHaveLength(2);
  });

  it("[E05] relays keep each other so that all hang together, whatever their number", () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 60 }), (size) => {
        const names = Array.from({ length: size }, (_, at) => `relay ${at}`);
        const links = new Map<SessionKey, Set<SessionKey>>(names.map((name) => [sessionOf(name), new Set()]));
        for (const name of names) {
          const others = Object.fromEntries(names.filter((one) => one !== name).map((one) => [one, 20]));
          const around = new Around(others, { self: name, relays: true });
          around.run(5 * second);
          expect(around.kept().length).toBeLessThanOrEqual(12);
          for (const key of around.attachments.kept()) {
            links.get(sessionOf(name))?.add(key);
            links.get(key)?.add(sessionOf(name));
          }
        }
        const [first = ""] = names;
        const reached = new Set([sessionOf(first)]);
        for (const key of reached) for (const next of links.get(key) ?? []) reached.add(next);
        expect(reached.size).toBe(size);
      }),
      { numRuns: 20, seed: 5 },
    );
  });

  it("forgets relays that are none any more", () => {
    const around = new Around({ one: 10, two: 20 });
    around.run(20 * second);
    around.attachments.setMembers([]);
    around.run(20 * second);
    expect(around.kept()).toEqual([]);
    expect(around.attachments.deadline(around.now)).toBeNull();
  });
});
