import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import { Membership } from "../../../src-main/mesh/membership.ts";
import type { Reach } from "../../../src-main/mesh/route-table.ts";
import { RouteTable } from "../../../src-main/mesh/route-table.ts";
import { parsePrefix } from "../../../src-shared/address.ts";
import type { SessionKey } from "../../../src-shared/ids.ts";
import type { AdvertisedRoute, Certificate, RoutingTable } from "../../../src-shared/trust.ts";
import { entryOf, hashOf, identityOf, sessionOf, start, TestNetwork } from "../../fakes/entries.ts";

const net = new TestNetwork();
const lan = "192.168.1.0/24";
const silent: Reach = { health: "untried", rttMillis: null, usedAt: null };

let membership: Membership;
let table: RouteTable;
let reaches: Map<SessionKey, Reach>;

beforeEach(() => {
  membership = new Membership(net.id, hashOf);
  membership.merge(
    [net.record(), net.certificate("ann", 1), net.certificate("east", 2), net.certificate("west", 3)],
    start,
  );
  reaches = new Map();
  table = new RouteTable({ self: identityOf("ann"), reach: (key) => reaches.get(key) ?? silent });
  table.govern([prefix("10.77.0.0/16")], null);
});

describe("[P18] a prefix that a member tells of", () => {
  it("goes to it, longest prefix or not, once an administrator has granted it", () => {
    tell("east", [{ prefix: lan }], []);
    expect(table.settle(start)).toEqual([]);
    expect(view(lan)).toMatchObject({ state: "waits", carrier: null, gateways: [{ counts: "waits" }] });
    expect(table.routed()).toEqual([]);
    tell("east", [{ prefix: lan }], [lan]);
    expect(table.settle(start)).toEqual([identityOf("east")]);
    expect(table.of(identityOf("east"))).toEqual({ allowed: [lan], sources: [] });
    expect(table.routed()).toEqual([lan]);
  });

  it.each<[string, string, string, boolean]>([
    ["inside what is granted", "192.168.0.0/16", lan, true],
    ["wider than what is granted", lan, "192.168.0.0/16", false],
    ["everything, where a LAN is granted", lan, "0.0.0.0/0", false],
    ["a LAN, where the way out is granted", "0.0.0.0/0", lan, false],
  ])("%s", (_what, granted, told, counts) => {
    tell("east", [{ prefix: told }], [granted]);
    table.settle(start);
    expect(view(told)?.gateways[0]?.counts).toBe(counts ? "yes" : "waits");
  });

  it("never covers addresses of the network itself", () => {
    for (const own of ["10.77.5.0/24", "10.0.0.0/8"]) {
      tell("east", [{ prefix: own }], ["10.0.0.0/8"]);
      table.settle(start);
      expect(view(own)).toMatchObject({ carrier: null, reason: "range" });
      expect(table.of(identityOf("east"))).toEqual({ allowed: [], sources: [] });
    }
  });

  it("is known by its other addresses where it is mapped", () => {
    tell("east", [{ prefix: lan, as: "10.9.1.0/24" }], ["10.9.1.0/24"]);
    table.settle(start);
    expect(table.of(identityOf("east")).allowed).toEqual(["10.9.1.0/24"]);
    expect(view("10.9.1.0/24")?.gateways[0]?.inside).toBe(lan);
  });

  it("is left to this node itself where it routes it", () => {
    tell("east", [{ prefix: lan }], [lan]);
    tell("ann", [{ prefix: lan }], [lan]);
    table.settle(start);
    expect(view(lan)).toMatchObject({ state: "own", carrier: null });
    expect(table.routed()).toEqual([]);
  });
});

describe("[P19] two gateways of one prefix", () => {
  beforeEach(() => {
    tell("east", [{ prefix: lan, priority: 1 }], [lan]);
    tell("west", [{ prefix: lan, priority: 2 }], [lan]);
    reaches.set(sessionOf("east"), { health: "stands", rttMillis: 9, usedAt: start });
    reaches.set(sessionOf("west"), { health: "stands", rttMillis: 9, usedAt: start });
    table.settle(start);
  });

  it("share it so that one carries it and what comes from the other is taken as well", () => {
    expect(table.of(identityOf("east"))).toEqual({ allowed: [lan], sources: [] });
    expect(table.of(identityOf("west"))).toEqual({ allowed: [], sources: [lan] });
  });

  it("change places when the first falls silent: who loses it is told before who gains it", () => {
    reaches.set(sessionOf("east"), { health: "lost", rttMillis: 9, usedAt: start });
    expect(table.settle(start + 1000)).toEqual([identityOf("east"), identityOf("west")]);
    expect(view(lan)).toMatchObject({ carrier: identityOf("west"), reason: "took-over" });
    expect(table.settle(start + 1000)).toEqual([]);
  });

  it("change back ten seconds after the first answers again", () => {
    reaches.set(sessionOf("east"), { health: "lost", rttMillis: 9, usedAt: start });
    table.settle(start + 1000);
    reaches.set(sessionOf("east"), { health: "stands", rttMillis: 9, usedAt: start });
    table.settle(start + 5000);
    table.settle(start + 14_999);
    expect(view(lan)?.carrier).toBe(identityOf("west"));
    expect(table.deadline()).toBe(start + 15_000);
    table.settle(start + 15_000);
    expect(view(lan)?.carrier).toBe(identityOf("east"));
  });

  it("change places when the first says that it does not reach the prefix", () => {
    tell("east", [{ prefix: lan, priority: 1, down: true }], [lan]);
    table.settle(start);
    expect(view(lan)).toMatchObject({ carrier: identityOf("west"), reason: "took-over" });
  });

  it("are both kept in reach while packets go there, and for two minutes after", () => {
    expect(table.kept()).toEqual(new Set([sessionOf("east"), sessionOf("west")]));
    table.settle(start + 120_000);
    expect(table.kept()).toEqual(new Set());
  });

  it("leave it to nobody when neither reaches it", () => {
    for (const name of ["east", "west"]) tell(name, [{ prefix: lan, down: true }], [lan]);
    table.settle(start);
    expect(view(lan)).toMatchObject({ carrier: null, state: "unreachable", reason: "down" });
    expect(table.routed()).toEqual([lan]);
  });
});

describe("[P29] what is taken here", () => {
  beforeEach(() => {
    tell(
      "east",
      [{ prefix: lan }, { prefix: "10.1.0.0/16" }, { prefix: "0.0.0.0/0" }],
      [lan, "10.1.0.0/16", "0.0.0.0/0"],
    );
  });

  it.each<[boolean, readonly string[], readonly string[]]>([
    [true, [], ["10.1.0.0/16", lan]],
    [true, [lan], ["10.1.0.0/16"]],
    [false, [], []],
    [false, ["192.168.0.0/16"], [lan]],
  ])("all: %s, besides: %s", (all, prefixes, expected) => {
    table.accept({ all, prefixes: [...prefixes] }, null);
    table.settle(start);
    expect(table.routed()).toEqual(expected);
  });

  it("leads everywhere through the chosen way out alone", () => {
    table.settle(start);
    expect(table.of(identityOf("east")).allowed).not.toContain("0.0.0.0/0");
    table.accept({ all: true, prefixes: [] }, identityOf("east"));
    table.settle(start);
    expect(table.of(identityOf("east")).allowed).toContain("0.0.0.0/0");
  });
});

describe("[C21] what administrators lay down", () => {
  const row = (
    via: string,
    priority: number,
    member: string | null = null,
  ): RoutingTable["routes"][number] => ({
    prefix: lan,
    member: member === null ? null : identityOf(member),
    via: identityOf(via),
    priority,
  });

  beforeEach(() => {
    tell("east", [{ prefix: lan, priority: 1 }], [lan]);
    tell("west", [{ prefix: lan, priority: 2 }], [lan]);
  });

  it.each<[string, RoutingTable["routes"], string | null, string]>([
    ["goes before the gateways' own priorities", [row("east", 9), row("west", 3)], "west", "carried"],
    ["leaves out gateways that it does not name", [row("west", 3)], "west", "carried"],
    [
      "gives one member a next hop of its own",
      [row("west", 3, "ann"), row("east", 3, "bob")],
      "west",
      "carried",
    ],
    ["gives nothing to members that it does not name", [row("west", 3, "bob")], null, "refused"],
    ["gives nobody what was not granted", [row("bob", 3)], null, "refused"],
  ])("%s", (_what, routes, carrier, state) => {
    table.govern([], { network: net.id, version: 1, routes });
    table.settle(start);
    expect(view(lan)).toMatchObject({
      carrier: carrier === null ? null : identityOf(carrier),
      state,
      central: true,
    });
  });

  it("counts only from an administrator, the highest version of it", () => {
    const body = (version: number, routes: RoutingTable["routes"]) => ({ network: net.id, version, routes });
    membership.merge(
      [
        entryOf("routing", body(1, [row("east", 1)]), net.issuer),
        entryOf("routing", body(2, [row("west", 1)]), net.issuer),
        entryOf("routing", body(9, [row("east", 1)]), identityOf("eve")),
      ],
      start,
    );
    expect(membership.routing).toEqual(body(2, [row("west", 1)]));
  });
});

describe("any set of gateways", () => {
  const texts = [
    lan,
    "192.168.1.128/25",
    "192.168.0.0/16",
    "10.5.0.0/16",
    "0.0.0.0/0",
    "10.77.1.0/24",
    "2001:db8::/32",
  ];
  const some = fc.subarray(texts);
  const gateway = fc.record({
    told: some,
    granted: some,
    health: fc.constantFrom("stands" as const, "untried" as const, "lost" as const),
    down: fc.boolean(),
  });

  it("gives each prefix to at most one peer, and to none that may not have it", () => {
    fc.assert(
      fc.property(fc.tuple(gateway, gateway), ([east, west]) => {
        for (const [name, { told, granted, health, down }] of [
          ["east", east],
          ["west", west],
        ] as const) {
          tell(
            name,
            told.map((each) => ({ prefix: each, down })),
            granted,
          );
          reaches.set(sessionOf(name), { health, rttMillis: 5, usedAt: start });
        }
        table.settle(start);
        const allowed = [east, west].flatMap((each, at) => {
          const routes = table.of(identityOf(at === 0 ? "east" : "west"));
          for (const text of [...routes.allowed, ...routes.sources]) expect(mayHave(each, text)).toBe(true);
          return routes.allowed;
        });
        expect(new Set(allowed).size).toBe(allowed.length);
        expect(allowed.every((text) => text === "0.0.0.0/0" || table.routed().includes(text))).toBe(true);
        expect(table.settle(start)).toEqual([]);
      }),
    );
  });

  function mayHave(
    { told, granted }: { readonly told: readonly string[]; readonly granted: readonly string[] },
    text: string,
  ) {
    const isInside = granted.some(
      (each) =>
        each === text ||
        (each === "192.168.0.0/16" && text.startsWith("192.168.1.")) ||
        (each === lan && text === "192.168.1.128/25"),
    );
    return told.includes(text) && isInside && text !== "10.77.1.0/24";
  }
});

/** A member says what it routes, with these rights. */
function tell(name: string, routes: readonly AdvertisedRoute[], granted: readonly string[]): void {
  const number = { ann: 1, east: 2, west: 3 }[name] ?? 9;
  const serial = (membership.member(identityOf(name))?.certificate.serial ?? 0) + 1;
  const rights: Certificate["rights"] = { relay: true, gateway: [...granted], issue: false };
  const version = (membership.member(identityOf(name))?.node?.version ?? 0) + 1;
  const record = { ...net.node(name, version).body, routes: [...routes] };
  membership.merge(
    [net.certificate(name, number, { serial, rights }), entryOf("node", record, identityOf(name))],
    start,
  );
  table.learn(identityOf(name), membership.member(identityOf(name)));
}

function view(text: string) {
  return table.views().find((each) => each.prefix === text);
}

function prefix(text: string) {
  const parsed = parsePrefix(text);
  if (parsed === null) throw new Error(text);
  return parsed;
}
