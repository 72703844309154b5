import { domainToASCII } from "node:url";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { NamedNetwork } from "../../../src-main/mesh/names.ts";
import { domainsOf, NameTable, reverseDomains, reverseName } from "../../../src-main/mesh/names.ts";
import type { Prefix } from "../../../src-shared/address.ts";
import { contains, formatAddress, parseAddress, parsePrefix } from "../../../src-shared/address.ts";

const home = network("home", {
  ranges: ["10.77.0.0/16", "fd00:1234:5678::/48"],
  members: [
    { name: "nas", addresses: ["10.77.0.2", "fd00:1234:5678::2"] },
    { name: "TV.Living-Room", addresses: ["10.77.0.3"] },
    { name: "büro", addresses: ["10.77.0.4"] },
  ],
  byHand: [
    { kind: "address", name: "printer", address: "192.168.1.9" },
    { kind: "address", name: "printer", address: "10.77.1.9" },
    { kind: "alias", name: "files", of: "nas" },
    { kind: "alias", name: "loop", of: "loop2" },
    { kind: "alias", name: "loop2", of: "loop" },
    { kind: "alias", name: "stale", of: "gone" },
    { kind: "address", name: "nas", address: "10.77.9.9" },
  ],
});
const table = new NameTable([home], domainToASCII);

describe("names of a network", () => {
  it("[Z38] lead to the addresses of members, whatever the case and script", () => {
    expect(values("nas.home.mesh", "A")).toEqual(["10.77.0.2"]);
    expect(values("NAS.Home.MESH.", "AAAA")).toEqual(["fd00:1234:5678::2"]);
    expect(values("tv.living-room.home.mesh", "A")).toEqual(["10.77.0.3"]);
    expect(values("xn--bro-hoa.home.mesh", "A")).toEqual(["10.77.0.4"]);
  });

  it("[Z38] lead back from addresses, also from those written by hand inside the range", () => {
    expect(values("2.0.77.10.in-addr.arpa", "PTR")).toEqual(["nas.home.mesh"]);
    expect(values("9.1.77.10.in-addr.arpa", "PTR")).toEqual(["printer.home.mesh"]);
    const six = reverseName(parseAddress("fd00:1234:5678::2") ?? { family: 6, value: 0n });
    expect(values(six, "PTR")).toEqual(["nas.home.mesh"]);
  });

  it("[Z38] that are written by hand give all their addresses, and aliases what they stand for", () => {
    expect(values("printer.home.mesh", "A")).toEqual(["192.168.1.9", "10.77.1.9"]);
    expect(values("files.home.mesh", "A")).toEqual(["nas.home.mesh", "10.77.0.2"]);
    expect(values("files.home.mesh", "CNAME")).toEqual(["nas.home.mesh"]);
    expect(values("stale.home.mesh", "A")).toEqual(["gone.home.mesh"]);
  });

  it("of members are nobody's to write anew", () => {
    expect(values("nas.home.mesh", "A")).toEqual(["10.77.0.2"]);
    expect(values("9.9.77.10.in-addr.arpa", "PTR")).toEqual(["nas.home.mesh"]);
  });

  it("that go in circles end", () => {
    expect(table.resolve("loop.home.mesh", "A").kind).toBe("found");
  });

  it("that are not there are told from those that have nothing of a type", () => {
    expect(table.resolve("gone.home.mesh", "A")).toEqual({ kind: "unknown", zone: "home.mesh" });
    expect(table.resolve("tv.living-room.home.mesh", "AAAA")).toEqual({ kind: "empty", zone: "home.mesh" });
    expect(table.resolve("living-room.home.mesh", "A")).toEqual({ kind: "empty", zone: "home.mesh" });
    expect(table.resolve("home.mesh", "A")).toEqual({ kind: "empty", zone: "home.mesh" });
    expect(table.resolve("mesh", "A")).toEqual({ kind: "empty", zone: "mesh" });
    expect(table.resolve("nas.other.mesh", "A")).toEqual({ kind: "unknown", zone: "mesh" });
    expect(table.resolve("8.0.77.10.in-addr.arpa", "PTR")).toEqual({
      kind: "unknown",
      zone: "77.10.in-addr.arpa",
    });
  });

  it("[Z38] elsewhere are foreign", () => {
    for (const name of ["example.org", "mesh.org", "notmesh", "4.3.2.1.in-addr.arpa", "in-addr.arpa", ""])
      expect(table.resolve(name, "A")).toEqual({ kind: "foreign" });
  });

  it("are listed once each, members first", () => {
    const listed = table.list();
    expect(listed.map(({ name }) => name).slice(0, 3)).toEqual([
      "nas.home.mesh",
      "tv.living-room.home.mesh",
      "xn--bro-hoa.home.mesh",
    ]);
    expect(listed.find(({ name }) => name === "files.home.mesh")).toMatchObject({
      alias: "nas.home.mesh",
      byHand: true,
    });
  });

  it("never throw and never leave their network, whatever is asked", () => {
    const anything = fc.oneof(
      fc.string(),
      fc.string({ unit: "binary" }),
      fc.constantFrom("a.b.home.mesh", "..home.mesh", "999.0.77.10.in-addr.arpa", "home.mesh."),
      fc
        .array(fc.constantFrom("nas", "home", "mesh", "ip6", "arpa", "", "f"), { maxLength: 40 })
        .map((parts) => parts.join(".")),
    );
    fc.assert(
      fc.property(
        anything,
        fc.constantFrom("A", "AAAA", "PTR", "CNAME", "ANY", "MX", "UNKNOWN_65"),
        (name, type) => {
          const resolution = table.resolve(name, type);
          const isOurs = /(^|\.)(mesh|arpa)\.?$/i.test(name);
          if (!isOurs) expect(resolution.kind).toBe("foreign");
        },
      ),
    );
  });

  it("agree with the members, however many", () => {
    const names = fc.uniqueArray(fc.stringMatching(/^[a-z]([a-z0-9-]{0,20}[a-z0-9])?$/), { maxLength: 30 });
    fc.assert(
      fc.property(names, (list) => {
        const members = list.map((name, at) => ({ name, addresses: [`10.77.2.${at + 1}`] }));
        const built = new NameTable([network("net", { ranges: ["10.77.0.0/16"], members })], domainToASCII);
        for (const { name, addresses } of members) {
          expect(built.resolve(`${name}.net.mesh`, "A")).toMatchObject({
            kind: "found",
            records: [{ type: "A", value: addresses[0] }],
          });
        }
        expect(built.list()).toHaveLength(members.length);
      }),
    );
  });
});

describe("domains of addresses", () => {
  it("hold a range and nothing else", () => {
    expect(reverseDomains(prefix("10.77.0.0/16"))).toEqual(["77.10.in-addr.arpa"]);
    expect(reverseDomains(prefix("10.77.4.0/23"))).toEqual(["4.77.10.in-addr.arpa", "5.77.10.in-addr.arpa"]);
    expect(reverseDomains(prefix("fd12:3456:789a::/48"))).toEqual(["a.9.8.7.6.5.4.3.2.1.d.f.ip6.arpa"]);
    expect(reverseDomains(prefix("10.0.0.0/9"))).toEqual([]);
    expect(domainsOf(home, domainToASCII)[0]).toBe("home.mesh");
  });

  it("cover each address of their range, and none beside it", () => {
    fc.assert(
      fc.property(
        fc.nat(0xffffff),
        fc.integer({ min: 12, max: 32 }),
        fc.nat(0xffffff),
        (host, length, other) => {
          const range = prefix(
            `${formatAddress({ family: 4, value: 0x0a000000n + BigInt(host) })}/${length}`,
          );
          const domains = reverseDomains(range);
          const address = { family: 4 as const, value: 0x0a000000n + BigInt(other) };
          const isCovered = domains.some((domain) => `.${reverseName(address)}`.endsWith(`.${domain}`));
          if (domains.length > 0) expect(isCovered).toBe(contains(range, address));
        },
      ),
    );
  });
});

function values(name: string, type: string): readonly string[] {
  const found = table.resolve(name, type);
  return found.kind === "found" ? found.records.map(({ value }) => value) : [found.kind];
}

function network(
  name: string,
  {
    ranges,
    members = [],
    byHand = [],
  }: { ranges: readonly string[] } & Partial<Omit<NamedNetwork, "ranges">>,
): NamedNetwork {
  return { name, ranges: ranges.map(prefix), members, byHand };
}

function prefix(text: string): Prefix {
  const parsed = parsePrefix(text);
  if (parsed === null) throw new Error(text);
  return parsed;
}
