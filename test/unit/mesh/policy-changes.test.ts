import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { PolicyChange } from "../../../src-main/mesh/policy-changes.ts";
import { cutOff, policyChanges } from "../../../src-main/mesh/policy-changes.ts";
import { Rulebook } from "../../../src-main/mesh/rulebook.ts";
import type { BoundPolicy, Subject } from "../../../src-main/mesh/selection.ts";
import { parseAddress, parsePrefix } from "../../../src-shared/address.ts";
import { parseService, policy } from "../../../src-shared/policy.ts";
import { identityOf } from "../../fakes/entries.ts";

const ann = member("ann", "10.77.0.1", { tags: ["boss"] });
const bob = member("bob", "10.77.0.2", {});
const nas = member("nas", "10.77.0.3", { tags: ["server"] });
const gate = member("gate", "10.77.0.4", { routes: ["192.168.5.0/24"] });
const everybody = [ann, bob, nas, gate];
const ranges = [prefixOf("10.77.0.0/16"), prefixOf("fd00::/48")];

describe("what a policy changes", () => {
  it("is nothing when it says the same in other words", () => {
    const one = { default: "none", rules: [{ from: ["ann", "bob"], to: "nas", ports: "tcp:22-23" }] };
    const other = {
      default: "none",
      groups: { people: ["bob", "ann"] },
      rules: [
        { from: "group:people", to: "nas", ports: "tcp:23" },
        { from: "group:people", to: "nas", ports: "tcp:22" },
      ],
    };
    expect(changes(one, other)).toEqual([]);
  });

  it("is told as who loses and who gains what, those alike in one line", () => {
    const before = { default: "none", rules: [{ from: "any", to: "nas", ports: "tcp:22,443" }] };
    const after = {
      default: "none",
      rules: [
        { from: "tag:boss", to: "nas" },
        { from: "any", to: "nas", ports: "tcp:443" },
      ],
    };
    expect(changes(before, after)).toEqual([
      {
        from: ["ann"],
        to: ["nas"],
        lost: [],
        gained: ["tcp:0-21,23-442,444-65535", "udp", "icmp", "other protocols"],
      },
      { from: ["192.168.5.0/24", "bob", "gate"], to: ["nas"], lost: ["tcp:22"], gained: [] },
    ]);
  });

  it("by default all or none is everything between everybody, what gateways route too", () => {
    expect(changes({ default: "all" }, { default: "none" })).toEqual([
      {
        from: ["192.168.5.0/24", "ann", "bob", "gate", "nas"],
        to: ["192.168.5.0/24", "ann", "bob", "gate", "nas"],
        lost: ["any"],
        gained: [],
      },
    ]);
  });

  it("names what lies behind gateways by its prefix, and tells the parts of one apart that are not alike", () => {
    const after = { default: "none", rules: [{ from: "ann", to: "192.168.5.7", ports: "tcp:80" }] };
    expect(changes({ default: "none" }, after)).toEqual([
      { from: ["ann"], to: ["192.168.5.7/32"], lost: [], gained: ["tcp:80"] },
    ]);
  });

  it("is what two rulebooks say of every packet", () => {
    fc.assert(
      fc.property(written, written, (before, after) => {
        const told = changes(before, after);
        const [was, is] = [before, after].map((given) => new Rulebook(bound(given), everybody));
        for (const from of everybody)
          for (const to of everybody)
            for (const [protocol, port] of [
              ["tcp", 22],
              ["tcp", 80],
              ["udp", 53],
              ["icmp", null],
              [47, null],
            ] as const) {
              if (from === to) continue;
              const question = { from: addressOf(from), to: addressOf(to), protocol, port };
              const [old, next] = [was?.decide(question).action, is?.decide(question).action];
              const service =
                port === null ? (protocol === 47 ? "protocol:47" : "icmp") : `${protocol}:${port}`;
              expect([
                before,
                after,
                from.name,
                to.name,
                service,
                mentions(told, "lost", from, to, service),
              ]).toEqual([before, after, from.name, to.name, service, old === "accept" && next === "drop"]);
              expect(mentions(told, "gained", from, to, service)).toBe(old === "drop" && next === "accept");
            }
      }),
      { numRuns: 300 },
    );
  });

  it("is told of everybody at once, whoever has rules of his own", () => {
    const rules = everybody.map(({ name }) => ({ from: name, to: "nas", ports: "tcp:22" }));
    const told = changes({ default: "all", rules }, { default: "none", rules });
    const all = ["192.168.5.0/24", "ann", "bob", "gate", "nas"];
    const rest = { lost: ["tcp:0-21,23-65535", "udp", "icmp", "other protocols"], gained: [] };
    expect(told).toEqual([
      { from: all, to: ["192.168.5.0/24", "ann", "bob", "gate"], lost: ["any"], gained: [] },
      { from: ["192.168.5.0/24"], to: ["nas"], lost: ["any"], gained: [] },
      { from: ["ann", "bob", "gate"], to: ["nas"], ...rest },
    ]);
  });

  it("of 500 members and 10,000 rules is told in a moment, by another default as well", () => {
    const crowd = Array.from({ length: 500 }, (_, at) =>
      member(`m${at}`, `10.77.${at >> 8}.${at & 255}`, {}),
    );
    const rules = Array.from({ length: 10_000 }, (_, at) => ({
      from: `m${(at * 7) % 500}`,
      to: `m${at % 500}`,
      ports: `tcp:${at}`,
    }));
    const before = bound({ default: "none", rules });
    const after = bound({ default: "none", rules: rules.slice(3) });
    const begin = performance.now();
    const told = policyChanges(before, after, { everybody: crowd, ranges });
    const flipped = policyChanges(before, bound({ default: "all", rules }), { everybody: crowd, ranges });
    console.log(`two previews of 10,000 rules: ${Math.round(performance.now() - begin)} ms`);
    expect(flipped.length).toBeGreaterThan(500);
    expect(told.map(({ from, to, lost }) => [from, to, lost])).toEqual([
      [["m7"], ["m1"], ["tcp:1"]],
      [["m14"], ["m2"], ["tcp:2"]],
    ]);
  });
});

describe("who is cut off", () => {
  it("is whoever matters and loses something towards or from the author", () => {
    const told = changes({ default: "all" }, { default: "none", rules: [{ from: "bob", to: "ann" }] });
    expect(cutOff(told, "ann", new Set(["nas", "bob"]))).toEqual(["bob", "nas"]);
    const open = { default: "none", rules: [{ from: ["bob", "ann"], to: ["ann", "bob"] }] };
    expect(cutOff(changes({ default: "all" }, open), "ann", new Set(["bob"]))).toEqual([]);
    expect(cutOff(changes({ default: "none" }, { default: "all" }), "ann", new Set(["bob"]))).toEqual([]);
  });
});

function changes(before: object, after: object): readonly PolicyChange[] {
  return policyChanges(bound(before), bound(after), { everybody, ranges });
}

function bound(given: object): BoundPolicy {
  return { policy: policy.parse(given), members: {} };
}

function member(name: string, address: string, rest: Partial<Subject>): Subject {
  const second = `fd00::${address.split(".").slice(2).join(":")}`;
  return {
    identity: identityOf(name),
    name,
    tags: [],
    addresses: [address, second],
    routes: [],
    gateway: null,
    ...rest,
  };
}

function addressOf({ addresses }: Subject) {
  const address = parseAddress(addresses[0] ?? "");
  if (address === null) throw new Error("no address");
  return address;
}

function prefixOf(text: string) {
  const prefix = parsePrefix(text);
  if (prefix === null) throw new Error(text);
  return prefix;
}

/** Whether a service is among those told as lost or gained between two members. */
function mentions(
  told: readonly PolicyChange[],
  what: "lost" | "gained",
  from: Subject,
  to: Subject,
  service: string,
): boolean {
  return told
    .filter((change) => change.from.includes(from.name) && change.to.includes(to.name))
    .some((change) => change[what].some((text) => isIn(text, service)));
}

function isIn(text: string, service: string): boolean {
  if (text === "any") return true;
  if (service === "protocol:47") return text === "other protocols" || text === "protocol:47";
  const [read, asked] = [parseService(text), parseService(service)];
  if (read === null || asked === null || read.protocol !== asked.protocol) return false;
  const port = asked.ports[0]?.[0] ?? 0;
  return read.ports.length === 0 || read.ports.some(([first, last]) => first <= port && port <= last);
}

const ends = fc.array(
  fc.constantFrom("any", "ann", "bob", "nas", "gate", "tag:server", "tag:boss", "group:some"),
  { minLength: 1, maxLength: 2 },
);
const written = fc.record({
  default: fc.constantFrom("all", "none"),
  groups: fc.record({ some: fc.array(fc.constantFrom("ann", "gate", "tag:server"), { maxLength: 2 }) }),
  rules: fc.array(
    fc.record({
      from: ends,
      to: ends,
      ports: fc.array(fc.constantFrom("any", "tcp:22", "tcp:20-90", "udp", "icmp", "protocol:47"), {
        minLength: 1,
        maxLength: 2,
      }),
      action: fc.constantFrom("accept", "drop"),
    }),
    { maxLength: 6 },
  ),
});
