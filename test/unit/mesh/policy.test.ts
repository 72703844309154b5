import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Filter } from "../../../src-main/mesh/policy.ts";
import { compile, sameFilter } from "../../../src-main/mesh/policy.ts";
import { Rulebook } from "../../../src-main/mesh/rulebook.ts";
import type { BoundPolicy, Subject } from "../../../src-main/mesh/selection.ts";
import type { Address } from "../../../src-shared/address.ts";
import { contains, parseAddress, parsePrefix } from "../../../src-shared/address.ts";
import { policy } from "../../../src-shared/policy.ts";
import { identityOf } from "../../fakes/entries.ts";

const ann = member("ann", { addresses: ["10.77.0.1", "fd00::1"], tags: ["boss"] });
const nas = member("nas", { addresses: ["10.77.0.2", "fd00::2"], tags: ["server"] });
const gate = member("gate", { addresses: ["10.77.0.3"], routes: ["192.168.5.0/24", "0.0.0.0/0"] });
const phone = member("phone", { addresses: ["10.77.0.4"], gateway: gate.identity });
const bob = member("bob", { addresses: ["10.77.0.5", "fd00::5"], tags: ["server", "boss"] });
const everybody = [ann, nas, gate, phone, bob];

describe("the filter of a receiver", () => {
  it("[W04] lets in what the policy accepts and nothing else, as a plain reading of the policy says", () => {
    fc.assert(
      fc.property(written, packets, (given, asked) => {
        const bound = boundTo(given);
        for (const receiver of [ann, nas, gate, bob]) {
          const filter = compile(bound, everybody, receiver.identity);
          for (const packet of asked.filter((each) => isFor(receiver, each)))
            expect([packet, lets(filter, packet)]).toEqual([packet, naive(given, packet)]);
        }
      }),
      { numRuns: 400 },
    );
  });

  it("the rulebook decides as a plain reading of the policy does", () => {
    fc.assert(
      fc.property(written, packets, (given, asked) => {
        const book = new Rulebook(boundTo(given), everybody);
        for (const packet of asked)
          expect(book.decide(packet).action).toBe(naive(given, packet) ? "accept" : "drop");
      }),
    );
  });

  it("[W04] holds only what concerns the receiver and what it routes", () => {
    const bound = boundTo({
      default: "none",
      rules: [
        { from: "ann", to: "nas", ports: "tcp:22" },
        { from: "ann", to: "bob", ports: "tcp:23" },
        { from: "any", to: "192.168.5.7", ports: ["tcp:80", "icmp"] },
        { from: "phone", to: ["nas", "bob"] },
      ],
    });
    expect(compile(bound, everybody, nas.identity)).toEqual({
      otherwise: false,
      rules: [
        {
          from: ["10.77.0.1/32", "fd00::1/128"],
          to: ["10.77.0.2/32", "fd00::2/128"],
          protocol: "tcp",
          ports: [[22, 22]],
          allow: true,
        },
        {
          from: ["10.77.0.4/32"],
          to: ["10.77.0.2/32", "fd00::2/128"],
          protocol: "any",
          ports: [],
          allow: true,
        },
      ],
    });
    // Its client's packets pass the gateway, which asks the same rules.
    const subnet = { ...gate, routes: ["192.168.5.0/24"] };
    expect(
      compile(bound, [ann, nas, subnet, phone, bob], gate.identity)?.rules.map(({ from, to, protocol }) => [
        from,
        to,
        protocol,
      ]),
    ).toEqual([
      [[], ["192.168.5.7/32"], "tcp"],
      [[], ["192.168.5.7/32"], "icmp"],
      [["10.77.0.4/32"], ["10.77.0.2/32", "fd00::2/128", "10.77.0.5/32", "fd00::5/128"], "any"],
    ]);
  });

  it("there is none where everything is let in anyway", () => {
    const rules = [
      { from: "ann", to: "nas", action: "drop" },
      { from: "bob", to: "nas" },
    ];
    expect(compile(boundTo({ default: "all", rules }), everybody, bob.identity)).toBeNull();
    expect(compile(boundTo({ default: "all", rules }), everybody, nas.identity)?.rules).toHaveLength(1);
    expect(compile(boundTo({ default: "none" }), everybody, bob.identity)).toEqual({
      otherwise: false,
      rules: [],
    });
  });

  it("[W04] a rule about nobody is about nobody, not about everybody", () => {
    const rules = [
      { from: "nobody", to: "any" },
      { from: ["tag:nothing", "group:empty"], to: "any" },
    ];
    const filter = compile(
      boundTo({ default: "none", groups: { empty: [] }, rules }),
      everybody,
      nas.identity,
    );
    expect(filter).toEqual({ otherwise: false, rules: [] });
  });

  it("what is sent to all at once is let in where a rule is about all, or about the range that it is sent to", () => {
    const to = (text: string) =>
      compile(boundTo({ default: "none", rules: [{ from: "ann", to: text }] }), everybody, nas.identity);
    for (const text of ["any", "224.0.0.0/4", "239.255.255.250"])
      expect(lets(to(text), { ...packet("10.77.0.1", "239.255.255.250"), protocol: "udp", port: 1900 })).toBe(
        true,
      );
    expect(to("nas")?.rules[0]?.to).toEqual(["10.77.0.2/32", "fd00::2/128"]);
  });
});

describe("two filters", () => {
  it("are the same when they say the same", () => {
    fc.assert(
      fc.property(written, written, (one, other) => {
        const [a, b] = [one, other].map((given) => compile(boundTo(given), everybody, nas.identity));
        expect(sameFilter(a ?? null, b ?? null)).toBe(JSON.stringify(a) === JSON.stringify(b));
        expect(sameFilter(a ?? null, compile(boundTo(one), everybody, nas.identity))).toBe(true);
      }),
    );
    const rule = { from: ["10.77.0.1/32"], to: [], protocol: "tcp", ports: [[1, 2]], allow: true } as const;
    const filter = { rules: [rule], otherwise: false };
    for (const change of [
      { from: [] },
      { from: ["10.77.0.2/32"] },
      { to: ["10.77.0.2/32"] },
      { protocol: "udp" },
      { ports: [[1, 3]] },
      { allow: false },
    ] as const)
      expect(sameFilter(filter, { ...filter, rules: [{ ...rule, ...change }] })).toBe(false);
    expect(sameFilter(filter, { ...filter, otherwise: true })).toBe(false);
  });
});

describe("names in a policy", () => {
  const rules = [{ from: "ann", to: "any" }];
  const open = (bound: BoundPolicy, who: readonly Subject[]) =>
    compile(bound, who, nas.identity)?.rules.flatMap(({ from }) => from);

  it("[W04] mean whom they meant when it was signed: a new name changes nothing, and taking one gives nothing", () => {
    const bound = boundTo({ default: "none", rules }, { ann: ann.identity });
    const renamed = { ...ann, name: "annabel" };
    const thief = { ...bob, name: "ann" };
    expect(open(bound, [renamed, nas, thief])).toEqual(["10.77.0.1/32", "fd00::1/128"]);
    expect(open(bound, [nas, thief])).toEqual([]);
  });

  it("mean their only bearer where nobody bore them then", () => {
    const bound = boundTo({ default: "none", rules });
    expect(open(bound, [nas])).toEqual([]);
    expect(open(bound, [nas, { ...ann, name: "Ann" }])).toEqual(["10.77.0.1/32", "fd00::1/128"]);
    expect(open(bound, [nas, ann, { ...bob, name: "ann" }])).toEqual([]);
  });

  it("that are words of the language are names like others", () => {
    const bound = boundTo({ default: "none", rules: [{ from: ["constructor", "toString"], to: "any" }] });
    expect(open(bound, everybody)).toEqual([]);
  });
});

describe("tests inside a policy", () => {
  const failed = (given: object) => new Rulebook(boundTo(given), everybody).failedTest();
  const rules = [
    { from: "ann", to: "nas", ports: "tcp:22" },
    { from: "10.77.0.0/16", to: "nas", ports: "tcp:80" },
  ];

  it("hold, or the first that does not is named with what is so instead", () => {
    const holds = { from: "ann", to: "nas", port: 22, expect: "accept" };
    const fails = { from: "bob", to: "nas", port: 22, expect: "accept" };
    expect(failed({ default: "none", rules, tests: [holds] })).toBeNull();
    expect(failed({ default: "none", rules, tests: [holds, fails] })).toEqual({
      test: 1,
      instead: { action: "drop", rule: null, family: 4 },
    });
    expect(failed({ default: "all", rules, tests: [{ ...holds, expect: "drop" }] })).toEqual({
      test: 0,
      instead: { action: "accept", rule: 0, family: 4 },
    });
  });

  it("hold for both families of addresses", () => {
    const half = { from: "ann", to: "nas", port: 80, expect: "accept" };
    expect(failed({ default: "none", rules, tests: [half] })?.instead).toEqual({
      action: "drop",
      rule: null,
      family: 6,
    });
  });

  it("need ends that there are", () => {
    const asked = (from: string, to: string) =>
      failed({ default: "all", tests: [{ from, to, port: 22, expect: "accept" }] });
    expect(asked("eve", "nas")).toEqual({ test: 0, instead: { unknown: "eve" } });
    expect(asked("nas", "eve")).toEqual({ test: 0, instead: { unknown: "eve" } });
    expect(asked("fd00::9", "phone")).toEqual({ test: 0, instead: { unknown: null } });
    expect(asked("192.168.7.7", "nas")).toBeNull();
  });
});

describe("500 members and 10,000 rules", () => {
  it("are a filter in a moment", () => {
    const crowd = Array.from({ length: 500 }, (_, at) =>
      member(`m${at}`, { addresses: [`10.77.${at >> 8}.${at & 255}`, `fd00::${at.toString(16)}`] }),
    );
    const rules = Array.from({ length: 10_000 }, (_, at) => ({
      from: `m${(at * 7) % 500}`,
      to: at % 10 === 0 ? "any" : `m${at % 500}`,
      ports: `tcp:${at}`,
    }));
    const bound = boundTo({ default: "none", rules });
    const before = performance.now();
    const filter = compile(bound, crowd, identityOf("m7"));
    const millis = performance.now() - before;
    expect(filter?.rules).toHaveLength(1000 + 20);
    expect(millis).toBeLessThan(60_000);
  });
});

function member(name: string, rest: Partial<Subject>): Subject {
  return { identity: identityOf(name), name, tags: [], addresses: [], routes: [], gateway: null, ...rest };
}

function boundTo(given: object, members: BoundPolicy["members"] = {}): BoundPolicy {
  return { policy: policy.parse(given), members };
}

interface Packet {
  readonly from: Address;
  readonly to: Address;
  readonly protocol: "tcp" | "udp" | "icmp" | number;
  readonly port: number | null;
}

function packet(from: string, to: string): Packet {
  return { from: address(from), to: address(to), protocol: "tcp", port: 22 };
}

function address(text: string): Address {
  const parsed = parseAddress(text);
  if (parsed === null) throw new Error(text);
  return parsed;
}

const places = [
  "10.77.0.1",
  "10.77.0.2",
  "10.77.0.3",
  "10.77.0.4",
  "10.77.0.5",
  "10.77.0.9",
  "192.168.5.7",
  "192.168.5.8",
  "8.8.8.8",
  "fd00::1",
  "fd00::2",
  "fd00::5",
];
const packets = fc.array(
  fc
    .record({
      from: fc.constantFrom(...places),
      to: fc.constantFrom(...places),
      protocol: fc.constantFrom("tcp", "udp", "icmp", 47),
      port: fc.integer({ min: 20, max: 26 }),
    })
    .filter(({ from, to }) => from !== to && from.includes(":") === to.includes(":"))
    .map(
      ({ from, to, protocol, port }): Packet => ({
        from: address(from),
        to: address(to),
        protocol: protocol as Packet["protocol"],
        port: protocol === "tcp" || protocol === "udp" ? port : null,
      }),
    ),
  { minLength: 10, maxLength: 30 },
);

const selectors = fc.array(
  fc.constantFrom(
    "any",
    "ann",
    "nas",
    "gate",
    "phone",
    "bob",
    "nobody",
    "tag:server",
    "tag:boss",
    "group:some",
    "10.77.0.0/30",
    "10.77.0.4/31",
    "192.168.5.0/24",
    "192.168.5.7",
    "0.0.0.0/0",
    "fd00::/64",
    "fd00::2",
  ),
  { minLength: 1, maxLength: 3 },
);
const services = fc.array(
  fc.constantFrom("any", "tcp", "tcp:22", "tcp:20-23,25", "udp:22-24", "udp", "icmp", "protocol:47"),
  { minLength: 1, maxLength: 2 },
);
const written = fc.record({
  default: fc.constantFrom("all", "none"),
  groups: fc.record({
    some: fc.array(fc.constantFrom("ann", "phone", "tag:server", "192.168.5.8", "fd00::1"), { maxLength: 3 }),
  }),
  rules: fc.array(
    fc.record({ from: selectors, to: selectors, ports: services, action: fc.constantFrom("accept", "drop") }),
    { maxLength: 8 },
  ),
});
interface Written {
  readonly default: string;
  readonly groups: { readonly some: readonly string[] };
  readonly rules: readonly {
    readonly from: readonly string[];
    readonly to: readonly string[];
    readonly ports: readonly string[];
    readonly action: string;
  }[];
}

/** A plain reading: rule by rule, selector by selector. */
function naive(given: Written, asked: Packet): boolean {
  const means = (text: string, end: Address): boolean => {
    if (text === "any") return true;
    if (text === "group:some") return given.groups.some.some((each) => means(each, end));
    const prefix = parsePrefix(text);
    if (prefix !== null) return contains(prefix, end);
    return everybody
      .filter(({ name, tags }) => name === text || tags.includes(text.slice("tag:".length)))
      .some(({ addresses }) =>
        addresses.some((each) => address(each).value === end.value && address(each).family === end.family),
      );
  };
  const serves = (text: string): boolean => {
    const [word = "", ports] = text.split(":");
    if (word === "any" || (word === "protocol" && asked.protocol === Number(ports))) return true;
    if (word !== asked.protocol) return false;
    if (ports === undefined) return true;
    return ports.split(",").some((part) => {
      const [first, last = first] = part.split("-").map(Number);
      return asked.port !== null && Number(first) <= asked.port && asked.port <= Number(last);
    });
  };
  for (const { from, to, ports, action } of given.rules) {
    const fits = from.some((text) => means(text, asked.from)) && to.some((text) => means(text, asked.to));
    if (fits && ports.some(serves)) return action === "accept";
  }
  return given.default === "all";
}

/** Whether a packet comes to a receiver: for itself, for what it routes, or to and from its clients. */
function isFor(receiver: Subject, { from, to }: Packet): boolean {
  const served = everybody.filter(({ gateway }) => gateway === receiver.identity);
  const own = [receiver, ...served].flatMap(({ addresses, routes }) => [...addresses, ...routes]);
  const isIn = (texts: readonly string[], end: Address) =>
    texts.some((text) => contains(prefixOf(text), end));
  return (
    isIn(own, to) ||
    isIn(
      served.flatMap(({ addresses }) => addresses),
      from,
    )
  );
}

/** What the data plane makes of the rules. */
function lets(filter: Filter | null, asked: Packet): boolean {
  if (filter === null) return true;
  const isIn = (texts: readonly string[], end: Address) =>
    texts.length === 0 || texts.some((text) => contains(prefixOf(text), end));
  for (const { from, to, protocol, ports, allow } of filter.rules) {
    if (!isIn(from, asked.from) || !isIn(to, asked.to)) continue;
    if (protocol !== "any" && protocol !== asked.protocol) continue;
    const { port } = asked;
    if (ports.length === 0 || (port !== null && ports.some(([first, last]) => first <= port && port <= last)))
      return allow;
  }
  return filter.otherwise;
}

function prefixOf(text: string) {
  const prefix = parsePrefix(text);
  if (prefix === null) throw new Error(text);
  return prefix;
}
