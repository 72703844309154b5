import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { answerExchange } from "../../../src-main/engine/exchange.ts";
import { portions } from "../../../src-main/engine/portions.ts";
import { stateExchange } from "../../../src-shared/wire.ts";
import { entryOf, identityOf, TestNetwork } from "../../fakes/entries.ts";

const net = new TestNetwork();

describe("entries in messages of a session", () => {
  it("are in portions that a message holds, in order, but for those that none would hold", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 70_000 }), { maxLength: 40 }), (sizes) => {
        const entries = sizes.map((size, at) => large(size, at));
        const cut = [...portions(entries.map(({ signed }) => signed))];
        for (const portion of cut)
          expect(Buffer.byteLength(JSON.stringify({ entries: portion }))).toBeLessThan(65_536);
        const carried = new Set(cut.flat());
        expect(cut.flat()).toEqual(entries.map(({ signed }) => signed).filter((each) => carried.has(each)));
        for (const { signed } of entries)
          if (JSON.stringify(signed).length < 63_000) expect(carried.has(signed)).toBe(true);
      }),
      { numRuns: 30 },
    );
  });

  it("[W04] bring what comes behind one that is large, such as a policy", () => {
    const entries = [net.record(), large(120_000, 1), large(50_000, 2), net.certificate("ann", 1)];
    const lacked = (have: readonly string[]) => {
      const asked = JSON.stringify({ digest: "another", have });
      const answer = answerExchange(asked, { digest: "own", entries })?.answer ?? "";
      return stateExchange
        .parse(JSON.parse(answer))
        .entries?.map(({ kind, body }) => `${kind} ${body.length > 10_000}`);
    };
    expect(lacked([])).toEqual(["network false"]);
    const told = (...places: number[]) =>
      places.map((at) =>
        Buffer.from(entries[at]?.hash ?? "", "base64")
          .subarray(0, 8)
          .toString("base64url"),
      );
    expect(lacked(told(0))).toEqual(["policy true"]);
    expect(lacked(told(0, 2))).toEqual(["certificate false"]);
  });
});

/** A policy whose comment makes it so long, with quotes that double in a message. */
function large(size: number, version: number) {
  const comment = '"'.repeat(size / 4);
  const body = { network: net.id, version, at: 0, members: {}, policy: { default: "all", comment } };
  return entryOf("policy", body as never, identityOf("ada"));
}
