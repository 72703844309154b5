import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { lost, proved } from "../../../src-main/mesh/candidate.ts";
import { Candidates } from "../../../src-main/mesh/candidates.ts";
import { relayAt } from "../../../src-main/mesh/peer-words.ts";
import { identityOf, sessionOf, start } from "../../fakes/entries.ts";

const relay = sessionOf("cy");
const other = sessionOf("dan");
const behind = [identityOf("dan")];
const place = "203.0.113.3:7743";
const channel = `${place}#7`;

describe("channels through relays", () => {
  it("[C13] say where they lead as the relay said it, also when they are lost and heard again", () => {
    const candidates = new Candidates();
    candidates.learnChannel({ endpoint: channel, relay, onward: behind }, start);
    const offered = candidates.get(channel);
    if (offered === null) throw new Error("not learned");
    candidates.update(lost(proved(offered, 20, start), start + 1000));
    candidates.learnChannel({ endpoint: channel, relay }, start + 2000);
    expect(candidates.get(channel)).toMatchObject({ standing: "probing", onward: behind });
  });

  it("[C13] say so by whatever address the relay is reached, and after a session that ended", () => {
    const candidates = new Candidates();
    candidates.learnChannel({ endpoint: channel, relay, onward: behind }, start);
    candidates.clear();
    candidates.learnChannel({ endpoint: "10.1.2.3:7743#7", relay }, start + 1);
    candidates.learnChannel({ endpoint: "10.1.2.3:7743#8", relay }, start + 1);
    expect(candidates.get("10.1.2.3:7743#7")?.onward).toEqual(behind);
    expect(candidates.get("10.1.2.3:7743#8")?.onward).toEqual([]);
  });

  it.each([place, `${place}@12`, "tls/203.0.113.3:443"])(
    "[C13] belong to the relay at %s, and stay when it is reached elsewhere",
    (endpoint) => {
      const relays = new Map([[relay, { name: "cy", endpoint }]]);
      expect(relayAt(`${endpoint}#7`, { relays })).toBe(relay);
      const candidates = new Candidates();
      candidates.learnChannel({ endpoint: `${endpoint}#7`, relay, onward: behind }, start);
      const moved = candidates.moveRelay({ relay, from: endpoint, to: "10.1.2.3:7743" }, start + 1);
      expect(moved(`${endpoint}#7`)).toBe("10.1.2.3:7743#7");
    },
  );

  it("[C13] say what was said last, whatever else becomes of them", () => {
    const label = fc.constantFrom(7, 8);
    const who = fc.constantFrom(relay, other);
    const onward = fc.constantFrom([], behind, [identityOf("dan"), identityOf("eve")]);
    const step = fc.oneof(
      fc.record({ act: fc.constant("offered" as const), label, who, onward }),
      fc.record({
        act: fc.constantFrom("heard" as const, "lost" as const, "gone" as const, "hung up" as const),
        label,
        who,
      }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 25 }), (steps) => {
        const candidates = new Candidates();
        const said = new Map<string, readonly string[]>();
        let now = start;
        for (const each of steps) {
          now += 1000;
          const endpoint = `${each.who === relay ? place : "203.0.113.4:7743"}#${each.label}`;
          const found = candidates.get(endpoint);
          if (each.act === "offered") {
            said.set(endpoint, each.onward);
            candidates.learnChannel({ endpoint, relay: each.who, onward: each.onward }, now);
          } else if (each.act === "heard") {
            candidates.learnChannel({ endpoint, relay: each.who }, now);
          } else if (each.act === "gone") {
            candidates.dropRelay(each.who);
          } else if (each.act === "hung up") {
            candidates.clear();
          } else if (found !== null) {
            candidates.update(lost(proved(found, 9, now), now));
          }
          for (const one of candidates.all()) expect(one.onward).toEqual(said.get(one.endpoint) ?? []);
        }
      }),
    );
  });
});
