import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { namesIn, parsePort, parseSelector, parseService, policy } from "../../../src-shared/policy.ts";

describe("selectors", () => {
  it.each([
    ["any", { kind: "any" }],
    ["nas", { kind: "member", name: "nas" }],
    ["member:any", { kind: "member", name: "any" }],
    ["member:10.1.2.3", { kind: "member", name: "10.1.2.3" }],
    ["group:admins", { kind: "group", name: "admins" }],
    ["tag:server", { kind: "tag", name: "server" }],
    ["10.1.2.3", { kind: "prefix", prefix: { family: 4, value: 0x0a010203n, length: 32 } }],
    ["10.1.0.0/16", { kind: "prefix", prefix: { family: 4, value: 0x0a010000n, length: 16 } }],
    ["fd00::/8", { kind: "prefix", prefix: { family: 6, value: 0xfdn << 120n, length: 8 } }],
  ])("%s", (text, selector) => expect(parseSelector(text)).toMatchObject(selector));

  it.each([
    "",
    "group:",
    "tag:",
    "tag:a b",
    "group:-x",
    "10.1.2.300",
    "10.1.0.0/33",
    "a b",
    "group:tag:x",
    "nas,",
  ])("“%s” is none", (text) => expect(parseSelector(text)).toBeNull());

  it("anything at all is read or refused, never thrown at", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        const found = [parseSelector(text), parseService(text), parsePort(text)];
        expect(found).toHaveLength(3);
      }),
    );
  });
});

describe("services", () => {
  it.each([
    ["any", { protocol: "any", ports: [] }],
    ["tcp", { protocol: "tcp", ports: [] }],
    [
      "tcp:22,80-90",
      {
        protocol: "tcp",
        ports: [
          [22, 22],
          [80, 90],
        ],
      },
    ],
    ["udp:0-65535", { protocol: "udp", ports: [[0, 65_535]] }],
    ["icmp", { protocol: "icmp", ports: [] }],
    ["protocol:47", { protocol: 47, ports: [] }],
    ["protocol:6", { protocol: "tcp", ports: [] }],
  ])("%s", (text, service) => expect(parseService(text)).toEqual(service));

  it.each([
    "",
    "tcp:",
    "tcp:a",
    "tcp:90-80",
    "tcp:65536",
    "icmp:1",
    "any:1",
    "protocol:256",
    "sctp",
    "TCP:22",
    "22",
  ])("“%s” is none", (text) => expect(parseService(text)).toBeNull());

  it("one port is asked about, by its number alone for TCP", () => {
    expect(parsePort("22")).toEqual({ protocol: "tcp", port: 22 });
    expect(parsePort("udp:53")).toEqual({ protocol: "udp", port: 53 });
    expect(parsePort("icmp")).toEqual({ protocol: "icmp", port: null });
    for (const text of ["tcp", "tcp:1-2", "tcp:1,2", "any", "70000"]) expect(parsePort(text)).toBeNull();
  });
});

describe("a policy", () => {
  it("takes single values for lists, and says what is usual where something is left out", () => {
    const written = {
      default: "none",
      groups: { admins: "ann" },
      rules: [{ from: "group:admins", to: "any" }],
      tests: [{ from: "Ann", to: "10.1.2.3", port: 22, expect: "accept" }],
    };
    const read = policy.parse(written);
    expect(read).toEqual({
      default: "none",
      groups: { admins: ["ann"] },
      rules: [{ from: ["group:admins"], to: ["any"], ports: ["any"], action: "accept" }],
      tests: [{ from: "Ann", to: "10.1.2.3", port: "tcp:22", expect: "accept" }],
    });
    expect(policy.parse(JSON.parse(JSON.stringify(read)))).toEqual(read);
    expect([...namesIn(read)]).toEqual(["ann"]);
  });

  it.each([
    [{}, ["default"], "write all or none"],
    [{ default: "none", rule: [] }, [], "rule"],
    [{ default: "none", rules: [{ from: [], to: "any" }] }, ["rules", 0, "from"], "at least one"],
    [{ default: "none", rules: [{ from: "a b", to: "any" }] }, ["rules", 0, "from", 0], "member's name"],
    [{ default: "none", rules: [{ from: "group:x", to: "any" }] }, ["rules", 0, "from", 0], "no group “x”"],
    [{ default: "none", rules: [{ from: "any", to: "any", ports: 22 }] }, ["rules", 0, "ports", 0], "tcp:22"],
    [
      { default: "none", rules: [{ from: "any", to: "any", action: "allow" }] },
      ["rules", 0, "action"],
      "accept or",
    ],
    [{ default: "none", groups: { a: ["group:b"] } }, ["groups", "a", 0], "not other groups"],
    [
      { default: "none", tests: [{ from: "10.0.0.0/8", to: "nas", port: 22, expect: "drop" }] },
      ["tests", 0, "from"],
      "name or an address",
    ],
  ])("%j is refused, and says where", (written, path, words) => {
    const [issue] = policy.safeParse(written).error?.issues ?? [];
    expect(issue?.path).toEqual(path);
    expect(issue?.message).toContain(words);
  });

  it("a group that is called like something of the language is no group", () => {
    const written = { default: "none", rules: [{ from: "group:constructor", to: "any" }] };
    expect(policy.safeParse(written).success).toBe(false);
  });
});
