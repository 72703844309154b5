import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  AddressBook,
  freeName,
  newRange,
  overlapping,
  parseRange,
  resolverAddress,
} from "../../../src-main/mesh/addresses.ts";
import type { AddressInUse } from "../../../src-main/mesh/membership.ts";
import { formatAddress, parseAddress, parsePrefix } from "../../../src-shared/address.ts";
import { nodeName } from "../../../src-shared/ids.ts";
import { day, hashOf, identityOf, start, TestNetwork } from "../../fakes/entries.ts";

const { id } = new TestNetwork();
const ranges = ["10.77.0.0/16"];

function reserve(
  book: AddressBook,
  name: string,
  options: { inUse?: AddressInUse[]; address?: string; ranges?: string[]; now?: number } = {},
) {
  const facts = { ranges: options.ranges ?? ranges, inUse: options.inUse ?? [] };
  return book.reserve(
    { identity: identityOf(name), name, address: options.address },
    facts,
    options.now ?? start,
  );
}

function addressOf(result: ReturnType<typeof reserve>): string {
  if (!result.ok) throw new Error(result.code);
  return result.address;
}

describe("reserving an address", () => {
  it("[C06] [E14] gives everybody an own one inside the range, whatever the range", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 24, max: 29 }),
        fc.nat(255),
        fc.integer({ min: 1, max: 40 }),
        (length, third, count) => {
          const range = `10.9.${third}.0/${length}`;
          const book = new AddressBook(id, hashOf);
          const given = Array.from({ length: count }, (_, at) =>
            reserve(book, `node ${at}`, { ranges: [range] }),
          );
          const addresses = given.flatMap((result) => (result.ok ? [result.address] : []));
          const room = 2 ** (32 - length) - 3;
          expect(new Set(addresses).size).toBe(Math.min(count, room));
          for (const result of given.slice(room))
            expect(result).toMatchObject({ ok: false, code: "range-full" });
          const prefix = parsePrefix(range);
          const resolver = prefix === null ? null : resolverAddress(prefix);
          expect(addresses).not.toContain(resolver === null ? null : formatAddress(resolver));
          for (const address of addresses) {
            const host = Number((parseAddress(address)?.value ?? 0n) - (prefix?.value ?? 0n));
            expect(host).toBeGreaterThan(0);
            expect(host).toBeLessThan(room + 1);
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  it("[C06] gives the same machine the same address again, with and without a memory of it", () => {
    const first = addressOf(reserve(new AddressBook(id, hashOf), "ann"));
    expect(addressOf(reserve(new AddressBook(id, hashOf), "ann"))).toBe(first);
    const book = new AddressBook(id, hashOf);
    book.observe([{ identity: identityOf("ann"), name: "ann", address: "10.77.5.5" }], start);
    book.observe([], start + day);
    const reread = new AddressBook(id, hashOf, book.leases());
    expect(addressOf(reserve(reread, "ann", { now: start + 2 * day }))).toBe("10.77.5.5");
  });

  it("[C06] keeps an address for 30 days after its member left", () => {
    const book = new AddressBook(id, hashOf);
    book.observe([{ identity: identityOf("ann"), name: "ann", address: "10.77.5.5" }], start);
    expect(book.observe([], start + day)).toBe(true);
    const chosen = { address: "10.77.5.5" };
    expect(reserve(book, "bob", { ...chosen, now: start + 30 * day })).toMatchObject({
      code: "address-taken",
      data: { owner: "ann" },
    });
    expect(book.observe([], start + 31 * day)).toBe(true);
    expect(addressOf(reserve(book, "bob", { ...chosen, now: start + 31 * day }))).toBe("10.77.5.5");
  });

  it("holds for 60 s, longer when asked again", () => {
    const book = new AddressBook(id, hashOf);
    expect(addressOf(reserve(book, "ann", { address: "10.77.0.9" }))).toBe("10.77.0.9");
    expect(reserve(book, "bob", { address: "10.77.0.9", now: start + 59_999 })).toMatchObject({
      code: "address-taken",
    });
    reserve(book, "ann", { now: start + 50_000 });
    expect(reserve(book, "bob", { address: "10.77.0.9", now: start + 60_000 })).toMatchObject({
      code: "address-taken",
    });
    expect(addressOf(reserve(book, "bob", { address: "10.77.0.9", now: start + 110_000 }))).toBe("10.77.0.9");
  });

  it("[C07] [E14] takes a chosen address if it is free and usable, and says what is wrong with it otherwise", () => {
    const book = new AddressBook(id, hashOf);
    const inUse = [{ identity: identityOf("ann"), name: "ann", address: "10.77.0.1" }];
    expect(addressOf(reserve(book, "bob", { inUse, address: "10.77.0.2" }))).toBe("10.77.0.2");
    expect(reserve(book, "cy", { inUse, address: "10.77.0.1" })).toEqual({
      ok: false,
      code: "address-taken",
      data: { address: "10.77.0.1", owner: "ann" },
    });
    for (const address of ["10.78.0.1", "10.77.0.0", "10.77.255.255", "10.77.0.256", "fd00::1", "garbage"]) {
      expect(reserve(book, "cy", { inUse, address })).toMatchObject({ ok: false, code: "address-outside" });
    }
    expect(addressOf(reserve(book, "ann", { inUse, address: "10.77.0.1" }))).toBe("10.77.0.1");
  });

  it("adds -2 to a name that others have, in any case", () => {
    const book = new AddressBook(id, hashOf);
    const inUse = [{ identity: identityOf("one"), name: "Laptop", address: "10.77.0.1" }];
    const result = book.reserve({ identity: identityOf("two"), name: "laptop" }, { ranges, inUse }, start);
    expect(result).toMatchObject({ ok: true, name: "laptop-2" });
    const third = book.reserve({ identity: identityOf("three"), name: "laptop" }, { ranges, inUse }, start);
    expect(third).toMatchObject({ ok: true, name: "laptop-3" });
  });
});

describe("names", () => {
  it("stay names, however long they were", () => {
    const letters = fc.constantFrom("a", "ß", "中", "é", "7", "-", ".", "𐐀");
    fc.assert(
      fc.property(
        fc.array(letters, { minLength: 1, maxLength: 63 }),
        fc.integer({ min: 0, max: 12 }),
        (parts, namesakes) => {
          const name = parts.join("");
          fc.pre(nodeName.safeParse(name).success);
          const others: { name: string }[] = [];
          for (let at = 0; at < namesakes; at++) others.push({ name: freeName(name, others) });
          for (const other of others) expect(nodeName.safeParse(other.name).success).toBe(true);
          expect(new Set(others.map((other) => other.name)).size).toBe(namesakes);
        },
      ),
    );
  });
});

describe("ranges", () => {
  it("[E14] [E15] of a new network are a private /16 that no local prefix overlaps", () => {
    const octets = fc.array(fc.tuple(fc.nat(255), fc.integer({ min: 12, max: 30 })), { maxLength: 30 });
    fc.assert(
      fc.property(octets, fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (used, chance) => {
        const locals = used.map(([octet, length]) => ({
          prefix: `10.${octet}.0.0/${length}`,
          interface: "eth0",
        }));
        const range = newRange(locals, () => chance) ?? "";
        expect(range).toMatch(/^10\.\d+\.0\.0\/16$/);
        expect(overlapping(range, locals)).toEqual([]);
      }),
    );
  });

  it("[E15] move on when all of 10.0.0.0/8 is used, and end when everything private is", () => {
    const ten = { prefix: "10.0.0.0/8", interface: "tun0" };
    expect(newRange([ten], () => 0)).toBe("172.16.0.0/16");
    const both = [ten, { prefix: "172.16.0.0/12", interface: "docker0" }];
    expect(newRange(both, () => 0.999)).toBe("192.168.255.0/24");
    expect(newRange([...both, { prefix: "192.168.0.0/16", interface: "eth0" }], () => 0)).toBe(null);
  });

  it("[E15] at a join name the local prefixes that contain, equal or lie inside them, no default route", () => {
    const locals = [
      { prefix: "10.0.0.0/8", interface: "a" },
      { prefix: "10.77.0.0/16", interface: "b" },
      { prefix: "10.77.3.0/24", interface: "c" },
      { prefix: "10.78.0.0/16", interface: "d" },
      { prefix: "0.0.0.0/0", interface: "e" },
      { prefix: "fd00::/8", interface: "f" },
    ];
    expect(overlapping("10.77.0.0/16", locals).map((each) => each.interface)).toEqual(["a", "b", "c"]);
  });

  it("given by hand are private, /8 to /29, and lose their host bits", () => {
    expect(parseRange("10.20.3.4/16")).toBe("10.20.0.0/16");
    expect(parseRange("100.64.0.0/10")).toBe("100.64.0.0/10");
    for (const bad of ["10.0.0.0", "8.8.8.0/24", "10.0.0.0/30", "10.0.0.0/7", "fd00::/48", "x/16"]) {
      expect(parseRange(bad)).toBe(null);
    }
  });
});
