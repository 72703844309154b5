import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ToldLinks } from "../../../src-main/server/told-links.ts";
import type { SessionKey } from "../../../src-shared/ids.ts";
import type { ToldLink } from "../../../src-shared/wire.ts";
import { controlAnswers } from "../../../src-shared/wire.ts";

const key = () => randomBytes(32).toString("base64") as SessionKey;
const everybody = { isMember: () => true, isOnline: () => true };

function link(to: SessionKey, given: Partial<ToldLink> = {}): ToldLink {
  return { to, via: [], ms: 10, ...given };
}

describe("links that members told", () => {
  it("come once for each pair, from the end with the lower key, and replace what that end told before", () => {
    const [low = key(), high = key()] = [key(), key()].sort();
    const told = new ToldLinks();
    told.tell(high, [link(low, { ms: 99 })]);
    told.tell(low, [link(high, { ms: 5, via: ["nas"] })]);
    expect(told.answer(null, everybody).graph).toEqual({
      keys: [low, high],
      links: [{ a: 0, b: 1, via: ["nas"], ms: 5 }],
    });
    told.tell(low, []);
    expect(told.answer(null, everybody).graph?.links).toMatchObject([{ ms: 99 }]);
  });

  it("say nothing about themselves, nor about who is no member", () => {
    const [one, stranger] = [key(), key()];
    const told = new ToldLinks();
    told.tell(one, [link(one), link(stranger)]);
    const who = { ...everybody, isMember: (each: SessionKey) => each !== stranger };
    expect(told.answer(null, who).graph).toEqual({ keys: [], links: [] });
  });

  it("are forgotten with the member that told them", () => {
    const [one, two] = [key(), key()];
    const told = new ToldLinks();
    told.tell(one, [link(two)]);
    expect(told.answer(null, { ...everybody, isOnline: () => false }).graph?.links).toEqual([]);
    expect(told.answer(null, everybody).graph?.links).toEqual([]);
  });

  it("are not sent again to whoever has them", () => {
    const told = new ToldLinks();
    told.tell(key(), [link(key())]);
    const { version } = told.answer(null, everybody);
    expect(told.answer(version, everybody)).toEqual({ version, graph: null });
    told.tell(key(), [link(key())]);
    expect(told.answer(version, everybody).graph?.links).toHaveLength(2);
  });

  it("fit into one message that every node takes, whatever members tell", () => {
    const name = fc.string({ maxLength: 100, unit: "grapheme" });
    fc.assert(
      fc.property(
        fc.array(fc.array(name, { maxLength: 8 }), { minLength: 1, maxLength: 4 }),
        fc.integer({ min: 1, max: 300 }),
        (ways, members) => {
          const told = new ToldLinks();
          for (let at = 0; at < members; at++) {
            told.tell(
              key(),
              Array.from({ length: 64 }, (_, to) => link(key(), { via: ways[to % ways.length] ?? [] })),
            );
          }
          const answer = told.answer(null, everybody);
          expect(controlAnswers.graph.safeParse(answer).success).toBe(true);
          expect(Buffer.byteLength(JSON.stringify(answer))).toBeLessThan(1 << 20);
        },
      ),
      { numRuns: 12, examples: [[[Array.from({ length: 8 }, () => "名".repeat(100))], 300]] },
    );
  });
});
