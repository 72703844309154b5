import dnsPacket from "dns-packet";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Question } from "../../../src-main/engine/dns-message.ts";
import {
  datagramLimit,
  encodeAnswer,
  encodeError,
  isAnswerTo,
  isTruncated,
  parseQuery,
  renumbered,
} from "../../../src-main/engine/dns-message.ts";
import { framed, takeFramed } from "../../../src-main/engine/dns-stream.ts";
import type { NameRecord } from "../../../src-main/mesh/names.ts";

describe("a query", () => {
  it("is read with its number, name, type and what its asker takes", () => {
    expect(ask("NaS.home.mesh", "AAAA", { edns: 4096 })).toMatchObject({
      id: 7,
      name: "NaS.home.mesh",
      type: "AAAA",
      recursion: true,
      payload: 4096,
    });
    expect(ask("nas.home.mesh", "A").payload).toBeNull();
  });

  it("that is none gets no answer, and one of another kind says so", () => {
    const query = encode("a.mesh", "A");
    const response = dnsPacket.encode({
      type: "response",
      id: 7,
      questions: [{ type: "A", name: "a.mesh" }],
    });
    expect(parseQuery(response)).toBeNull();
    expect(parseQuery(query.subarray(0, 11))).toBeNull();
    const update = Uint8Array.from(query);
    update[2] = 5 << 3;
    expect(parseQuery(update)).toEqual({ ok: false, id: 7, code: "unimplemented" });
    const chaos = dnsPacket.encode({
      type: "query",
      id: 7,
      questions: [{ type: "TXT", class: "CH", name: "version.bind" }],
    });
    expect(parseQuery(chaos)).toEqual({ ok: false, id: 7, code: "refused" });
    expect(parseQuery(query.subarray(0, 14))).toEqual({ ok: false, id: 7, code: "format" });
  });

  it("whatever its bytes, is read or refused, and what is read can be answered", () => {
    const mutated = fc
      .tuple(
        fc.constantFrom("nas.home.mesh", "a.b", "."),
        fc.array(fc.tuple(fc.nat(60), fc.nat(255)), { maxLength: 6 }),
      )
      .map(([name, changes]) => {
        const bytes = Uint8Array.from(encode(name, "A", { edns: 1232 }));
        for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value;
        return bytes;
      });
    fc.assert(
      fc.property(fc.oneof(fc.uint8Array({ maxLength: 300 }), mutated), (bytes) => {
        const asked = parseQuery(bytes);
        if (asked === null) return;
        const answer = asked.ok
          ? encodeAnswer(asked.question, { kind: "unknown", zone: "home.mesh" }, 1232)
          : encodeError(asked.id, asked.code);
        expect(answer.length).toBeGreaterThanOrEqual(12);
        if (asked.ok) encodeError(asked.question.id, "refused", asked.question);
      }),
      { numRuns: 2000 },
    );
  });
});

describe("an answer", () => {
  it("repeats the question as it was spelt, with its records and authority", () => {
    const question = ask("NaS.home.mesh", "A", { edns: 1232 });
    const records: NameRecord[] = [{ name: "nas.home.mesh", type: "A", value: "10.77.0.2" }];
    const answer = dnsPacket.decode(Buffer.from(encodeAnswer(question, { kind: "found", records }, 1232)));
    expect(answer).toMatchObject({
      id: 7,
      type: "response",
      rcode: "NOERROR",
      flag_aa: true,
      questions: [{ name: "NaS.home.mesh", type: "A" }],
      answers: [{ name: "NaS.home.mesh", type: "A", data: "10.77.0.2" }],
    });
    expect(answer.additionals).toHaveLength(1);
  });

  it("that there is no such name says for how long that may be remembered", () => {
    const answer = dnsPacket.decode(
      Buffer.from(encodeAnswer(ask("x.home.mesh", "A"), { kind: "unknown", zone: "home.mesh" }, 512)),
    );
    expect(answer).toMatchObject({ rcode: "NXDOMAIN" });
    expect(answer.authorities).toMatchObject([{ type: "SOA", name: "home.mesh", data: { minimum: 5 } }]);
    expect(answer.additionals).toEqual([]);
  });

  it("that has no room is cut, and says so", () => {
    const question = ask("many.home.mesh", "A");
    const records = Array.from({ length: 60 }, (_, at): NameRecord => {
      return { name: "many.home.mesh", type: "A", value: `10.77.3.${at}` };
    });
    expect(datagramLimit(question)).toBe(512);
    expect(datagramLimit(ask("many.home.mesh", "A", { edns: 65_000 }))).toBe(1232);
    const cut = encodeAnswer(question, { kind: "found", records }, datagramLimit(question));
    expect(cut.length).toBeLessThanOrEqual(512);
    expect(isTruncated(cut)).toBe(true);
    expect(isTruncated(encodeAnswer(question, { kind: "found", records }, 65_535))).toBe(false);
  });

  it("counts for its own question alone", () => {
    const query = encode("nas.home.mesh", "A");
    const own = encodeError(7, "failed", ask("NAS.home.mesh", "A"));
    expect(isAnswerTo(own, query)).toBe(true);
    expect(isAnswerTo(renumbered(own, 8), query)).toBe(false);
    expect(isAnswerTo(encodeError(7, "failed", ask("other.home.mesh", "A")), query)).toBe(false);
    expect(isAnswerTo(query, query)).toBe(false);
    fc.assert(fc.property(fc.uint8Array({ maxLength: 100 }), (bytes) => void isAnswerTo(bytes, query)));
  });
});

describe("a stream of messages", () => {
  it("is the same however it is cut", () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ maxLength: 40 })),
        fc.array(fc.integer({ min: 1, max: 30 })),
        (sent, cuts) => {
          const bytes = Buffer.concat(sent.map(framed));
          const got: Uint8Array[] = [];
          let rest: Uint8Array = new Uint8Array();
          for (let at = 0, step = 0; at < bytes.length; step++) {
            const size = cuts[step % Math.max(cuts.length, 1)] ?? 7;
            const taken = takeFramed(rest, bytes.subarray(at, at + size));
            got.push(...taken.messages);
            rest = taken.rest;
            at += size;
          }
          expect(got.map((each) => [...each])).toEqual(sent.map((each) => [...each]));
          expect(rest).toHaveLength(0);
        },
      ),
    );
  });
});

function ask(name: string, type: "A" | "AAAA", options: { readonly edns?: number } = {}): Question {
  const asked = parseQuery(encode(name, type, options));
  if (asked?.ok !== true) throw new Error("not read");
  return asked.question;
}

function encode(name: string, type: "A" | "AAAA", { edns }: { readonly edns?: number } = {}): Uint8Array {
  return dnsPacket.encode({
    type: "query",
    id: 7,
    flags: dnsPacket.RECURSION_DESIRED,
    questions: [{ type, name }],
    additionals:
      edns === undefined
        ? []
        : [
            {
              type: "OPT",
              name: ".",
              udpPayloadSize: edns,
              extendedRcode: 0,
              ednsVersion: 0,
              flags: 0,
              flag_do: false,
              options: [],
            },
          ],
  });
}
