import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { hopeless } from "../../../src-main/transport/find-router.ts";
import { pause } from "../../../src-main/transport/keep.ts";
import { sliceEntries } from "../../../src-main/transport/slice.ts";
import { AppError } from "../../../src-shared/errors.ts";
import type { Signed } from "../../../src-shared/trust.ts";
import { testEntry, testSigner } from "../../fakes/notary.ts";

describe("why no router serves", () => {
  const wrong = (address: string) => new AppError("router-wrong", { address });
  const silent = new Error("connect ECONNREFUSED");

  it.each([
    { what: "all are silent", addresses: ["192.0.2.1:1"], errors: [silent], code: "router-unreachable" },
    { what: "there is none", addresses: [], errors: [], code: "router-unreachable" },
    {
      what: "the only one is a stranger",
      addresses: ["10.0.0.1:1"],
      errors: [wrong("10.0.0.1:1")],
      code: "router-wrong",
    },
    {
      what: "a stranger answers at a public address",
      addresses: ["192.0.2.1:1", "10.0.0.1:1"],
      errors: [wrong("192.0.2.1:1"), silent],
      code: "router-wrong",
    },
    {
      what: "another LAN's machine has the private address",
      addresses: ["192.0.2.1:1", "10.0.0.1:1"],
      errors: [silent, wrong("10.0.0.1:1")],
      code: "router-unreachable",
    },
    {
      what: "one says why",
      addresses: ["192.0.2.1:1", "10.0.0.1:1"],
      errors: [wrong("192.0.2.1:1"), new AppError("too-many-tries")],
      code: "too-many-tries",
    },
  ])("$what: $code", ({ addresses, errors, code }) => {
    expect(hopeless(addresses, errors).code).toBe(code);
  });
});

describe("pause before the next try", () => {
  it("[C09] is within 0.5 s first, a second while a restart may be the cause, never above 10 s, and spread", () => {
    fc.assert(
      fc.property(fc.nat(200), fc.double({ min: 0, max: 0.999, noNaN: true }), (failures, random) => {
        const wait = pause(failures, random);
        expect(wait).toBeGreaterThanOrEqual(100);
        expect(wait).toBeLessThanOrEqual(failures === 0 ? 500 : failures <= 60 ? 1000 : 10_000);
      }),
    );
    expect(pause(0, 0.1)).not.toBe(pause(0, 0.9));
    expect(pause(99, 0.999)).toBeGreaterThan(9_900);
  });
});

describe("slices of entries", () => {
  it("lose nothing, keep the order, and stay within a message", () => {
    const signer = testSigner();
    const entry = (length: number): Signed => ({
      ...testEntry("node", {}, signer),
      body: '"'.repeat(length),
    });
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.nat(2000), fc.nat(262_144)), { maxLength: 60 }), (lengths) => {
        const entries = lengths.map(entry);
        const slices = sliceEntries(entries);
        expect(slices.flat()).toEqual(entries);
        for (const slice of slices) {
          expect(slice.length).toBeGreaterThan(0);
          expect(JSON.stringify(slice).length).toBeLessThan(1_000_000);
        }
      }),
      { numRuns: 50 },
    );
    expect(sliceEntries(Array.from({ length: 2500 }, () => entry(10)))).toHaveLength(3);
  });
});
