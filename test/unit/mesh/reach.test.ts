import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { doorsOf, isOutside, judgeDoors } from "../../../src-main/mesh/reach.ts";
import { parseAddress, parsePrefix } from "../../../src-shared/address.ts";
import { joinHostPort, splitHostPort } from "../../../src-shared/ids.ts";
import type { ReachPort } from "../../../src-shared/wire.ts";
import { controlRequest, reachPort, routerMessage } from "../../../src-shared/wire.ts";

const own: ReachPort = { protocol: "https", port: 0 };
const udp: ReachPort = { protocol: "udp", port: 0 };

describe("the doors that a member tries for a router", () => {
  it("[W18] are those of the signed record, at the port that stands there or that the welcome told", () => {
    const known = { addresses: ["203.0.113.2:443", "vpn.example.org:7743"], told: [7744] };
    const found = doorsOf([own, udp, { protocol: "tcp", port: 7744 }], known);
    expect(found.map(({ protocol, address }) => `${protocol} ${address}`)).toEqual([
      "https 203.0.113.2:443",
      "udp 203.0.113.2:443",
      "tcp 203.0.113.2:7744",
      "https vpn.example.org:7743",
      "udp vpn.example.org:7743",
      "tcp vpn.example.org:7744",
    ]);
  });

  it("are none of a port that it never told of, none on anybody's LAN, and none without a record", () => {
    expect(
      doorsOf([{ protocol: "tcp", port: 22 }], { addresses: ["203.0.113.2:7743"], told: [7744] }),
    ).toEqual([]);
    const inside = [
      "192.168.1.1:7743",
      "127.0.0.1:7743",
      "169.254.169.254:80",
      "[fe80::1]:7743",
      "[fd00::1]:7743",
    ];
    expect(doorsOf([own, udp], { addresses: inside, told: [] })).toEqual([]);
    expect(doorsOf([own, udp], { addresses: [], told: [7744] })).toEqual([]);
  });

  it("are few, at recorded hosts and told ports alone, whatever the router asks", () => {
    const host = fc.oneof(fc.ipV4(), fc.domain());
    const port = fc.integer({ min: 1, max: 65_535 });
    const place = fc.tuple(host, port).map(([name, number]) => joinHostPort(name, number));
    const asked = fc.record({
      protocol: fc.constantFrom("udp", "tcp", "https"),
      port: fc.integer({ min: 0, max: 65_535 }),
    });
    fc.assert(
      fc.property(fc.array(asked), fc.array(place), fc.array(port), (ports, addresses, told) => {
        const found = doorsOf(ports as ReachPort[], { addresses, told });
        expect(found.length).toBeLessThanOrEqual(16);
        for (const { address } of found) {
          const { host: name, port: number } = splitHostPort(address) ?? { host: "", port: 0 };
          const recorded = addresses.flatMap((text) => splitHostPort(text) ?? []);
          expect(recorded.some((each) => each.host === name)).toBe(true);
          expect([...told, ...recorded.map((each) => each.port)]).toContain(number);
        }
      }),
    );
  });
});

describe("what routers and members say about doors", () => {
  it("is taken by its shape or refused, whatever comes", () => {
    const said = fc.oneof(
      fc.jsonValue(),
      fc.record({ kind: fc.constant("reach"), id: fc.jsonValue(), ports: fc.array(fc.jsonValue()) }),
      fc.record({ call: fc.constant("reached"), id: fc.jsonValue(), tries: fc.array(fc.jsonValue()) }),
    );
    fc.assert(
      fc.property(said, (value) => {
        const asked = routerMessage.safeParse(value);
        if (asked.success && asked.data.kind === "reach")
          for (const port of asked.data.ports) expect(reachPort.safeParse(port).success).toBe(true);
        const answered = controlRequest.safeParse(value);
        if (answered.success && answered.data.call === "reached")
          expect(answered.data.tries.length).toBeLessThan(65);
      }),
    );
    const hosts = { kind: "reach", id: 1, ports: [{ protocol: "tcp", port: 0, host: "192.0.2.1" }] };
    expect(routerMessage.parse(hosts)).toEqual({
      kind: "reach",
      id: 1,
      ports: [{ protocol: "tcp", port: 0 }],
    });
    const many = { kind: "reach", id: 1, ports: Array.from({ length: 9 }, () => own) };
    expect(routerMessage.safeParse(many).success).toBe(false);
  });
});

describe("a member is outside", () => {
  const here = {
    prefixes: [parsePrefix("198.51.100.0/28")].filter((each) => each !== null),
    addresses: [parseAddress("203.0.113.7")].filter((each) => each !== null),
  };
  it.each([
    ["192.0.2.4", true],
    ["2001:db8::4", true],
    ["198.51.100.3", false],
    ["203.0.113.7", false],
    ["192.168.1.4", false],
    ["100.64.0.9", false],
    ["127.0.0.1", false],
    ["fe80::1%eth0", false],
    ["::1", false],
    ["memory", false],
  ])("[W18] at %s: %s", (remote, outside) => {
    expect(isOutside(remote, here)).toBe(outside);
  });
});

describe("what members found", () => {
  const [door] = doorsOf([udp], { addresses: ["203.0.113.2:7743"], told: [] });
  const tried = (name: string, outcome: "reached" | "refused" | "stranger" | "silent") => ({
    name,
    tries: [{ protocol: "udp" as const, address: "203.0.113.2:7743", outcome }],
  });
  it.each([
    [[], "untried"],
    [[{ name: "a", tries: null }], "untried"],
    [[{ name: "a", tries: [] }], "untried"],
    [[tried("a", "reached"), tried("b", "reached")], "reached"],
    [[tried("a", "reached"), tried("b", "silent")], "partly"],
    [[tried("a", "silent"), tried("b", "silent")], "missed"],
    [[tried("a", "silent"), tried("b", "refused")], "refused"],
    [[tried("a", "refused"), tried("b", "stranger")], "stranger"],
  ])("%j is: %s", (found, state) => {
    expect(door === undefined ? [] : judgeDoors([door], found).map((each) => each.state)).toEqual([state]);
  });

  it("counts for that door alone, by name", () => {
    if (door === undefined) throw new Error("no door");
    const other = { protocol: "udp" as const, address: "192.0.2.1:53", outcome: "reached" as const };
    const [state] = judgeDoors(
      [door],
      [{ name: "liar", tries: [other] }, tried("b", "silent"), tried("c", "reached")],
    );
    expect(state).toMatchObject({ state: "partly", reachedBy: ["c"], missedBy: ["b"] });
    expect(judgeDoors([door], [{ name: "liar", tries: [other] }])).toHaveLength(1);
  });
});
