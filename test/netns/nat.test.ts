import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { bundle } from "./bundle.mjs";
import type { Child, Host } from "./host.ts";
import type { Nat } from "./lab.ts";
import { Lab } from "./lab.ts";
import type { NatKind } from "./nat.ts";
import type { UdpHeard, UdpSend } from "./udp-probe.ts";

// Whether the laboratory's NATs are what they are called: mapping and filtering as RFC 4787 tells them apart.
let lab: Lab;
let program: string;
let near: Probe;
let far: Probe;
let networks = 1;

beforeAll(async () => {
  program = await bundle("test/netns/udp-probe.ts");
  lab = new Lab();
  [near, far] = [probe(lab.publicHost("near", { ipv6: true })), probe(lab.publicHost("far"))];
});

afterAll(() => lab.close());

describe("[C10] a NAT of the laboratory", () => {
  const table: readonly (readonly [NatKind, "same" | "next" | "any", readonly string[]])[] = [
    ["full-cone", "same", ["stranger", "other port", "asked"]],
    ["address-restricted", "same", ["other port", "asked"]],
    ["port-restricted", "same", ["asked"]],
    ["symmetric-sequential", "next", ["asked"]],
    ["symmetric-random", "any", ["asked"]],
  ];
  it.each(table)("%s: the outer port is the %s one, open to: %j", async (kind, mapping, open) => {
    const inner = probe(lab.lanHost(`in-${kind}`, newNat(kind), 2));
    const seen = await mappings(inner);
    const steps = seen.slice(1).map((port, at) => port - (seen[at] ?? 0));
    if (mapping === "same") expect(steps).toEqual([0, 0, 0]);
    else if (mapping === "next") expect(steps).toEqual([1, 1, 1]);
    else expect(new Set(steps).size).toBe(3);
    expect(await letIn(inner)).toEqual(open);
  });

  it("keeps one port behind two NATs, and lets in only whom both do", async () => {
    const home = newNat("full-cone", { nat: newNat("port-restricted"), number: 2 });
    const inner = probe(lab.lanHost("in-double", home, 2));
    expect(new Set(await mappings(inner)).size).toBe(1);
    expect(await letIn(inner)).toEqual(["asked"]);
  });

  it.each([true, false])("turns back to its own outer ports or not: %s", async (hairpin) => {
    const nat = lab.nat(`hairpin-${hairpin}`, { kind: "port-restricted", hairpin }, networks++);
    const [one, other] = [2, 3].map((number) => probe(lab.lanHost(`turn-${hairpin}-${number}`, nat, number)));
    if (one === undefined || other === undefined) throw new Error("no hosts");
    const [outer] = await mappings(other);
    await one.send(1000, { address: nat.outer, port: outer ?? 0 }, "turned back");
    // What follows on the same way shows that the first has come, or will not.
    await one.send(1000, { address: other.host.address, port: 1000 }, "on the LAN");
    await other.hears("on the LAN");
    expect(other.heard().some(({ text }) => text === "turned back")).toBe(hairpin);
    if (hairpin) expect((await other.hears("turned back")).from.address).toBe(nat.outer);
  });

  it("lets no UDP through where it is closed, but TCP", async () => {
    const nat = lab.nat("closed", { kind: "port-restricted", udp: false }, networks++);
    const inner = probe(lab.lanHost("in-closed", nat, 2));
    await far.open(1000);
    await inner.send(1000, { address: far.host.address, port: 1000 }, "closed");
    await near.send(1000, { address: far.host.address, port: 1000 }, "open");
    await far.hears("open");
    expect(far.heard().some(({ text }) => text === "closed")).toBe(false);
    const server = far.host.start("iperf3", ["-s", "-1", "-p", "5999", "--forceflush"]);
    await server.says(/Server listening/);
    const { code } = await inner.host.run("iperf3", ["-c", far.host.address, "-p", "5999", "-n", "1K"]);
    expect(code).toBe(0);
  });

  it("translates no IPv6, and lets answers in alone", async () => {
    const nat = lab.nat("six", { kind: "symmetric-random", ipv6: true }, networks++);
    const inner = probe(lab.lanHost("in-six", nat, 2));
    const [, own = ""] = inner.host.addresses;
    const [, near6 = ""] = near.host.addresses;
    await near.open(1000, "::1");
    await inner.open(1000, "::1");
    await near.send(1001, { address: own, port: 1000 }, "unasked over IPv6");
    await inner.send(1000, { address: near6, port: 1000 }, "question over IPv6");
    const { from } = await near.hears("question over IPv6");
    expect(from).toEqual({ address: own, port: 1000 });
    await near.send(1001, { address: own, port: 1000 }, "unasked over IPv6 again");
    await near.send(1000, from, "answer over IPv6");
    await inner.hears("answer over IPv6");
    expect(inner.heard().map(({ text }) => text)).toEqual(["answer over IPv6"]);
  });
});

/** Outer ports of one socket for four destinations in turn. */
async function mappings(inner: Probe): Promise<readonly number[]> {
  const ports: number[] = [];
  for (const [outer, port] of [
    [near, 1000],
    [near, 1001],
    [far, 1000],
    [far, 1001],
  ] as const) {
    const text = `mapping of ${inner.host.name} for ${outer.host.name} ${port}`;
    await outer.open(port);
    await inner.send(1000, { address: outer.host.address, port }, text);
    ports.push((await outer.hears(text)).from.port);
  }
  return ports;
}

/** Who gets in at the outer port of a socket that has asked one endpoint. */
async function letIn(inner: Probe): Promise<readonly string[]> {
  const question = `question of ${inner.host.name}`;
  await near.open(2000);
  await inner.send(2000, { address: near.host.address, port: 2000 }, question);
  const { from } = await near.hears(question);
  await far.send(2001, from, "stranger");
  await near.send(2001, from, "other port");
  // Twice, so that what the stranger sent has had its time.
  for (const text of ["asked", "asked again"]) {
    await near.send(2000, from, text);
    await inner.hears(text);
  }
  const heard = new Set(inner.heard().map(({ text }) => text));
  return ["stranger", "other port", "asked"].filter((text) => heard.has(text));
}

function newNat(kind: NatKind, behind?: { readonly nat: Nat; readonly number: number }): Nat {
  const number = networks++;
  return lab.nat(`nat${number}`, { kind, ...(behind === undefined ? {} : { behind }) }, number);
}

interface Probe {
  readonly host: Host;
  /** Listens on a port; `::1` for IPv6. */
  open(port: number, loopback?: string): Promise<void>;
  send(from: number, to: UdpSend["to"], text: string): Promise<void>;
  hears(text: string): Promise<UdpHeard>;
  heard(): readonly UdpHeard[];
}

function probe(host: Host): Probe {
  const child: Child = host.start(process.execPath, [program]);
  const opened = new Set<string>();
  const heard = () =>
    child.stdout
      .split("\n")
      .filter((line) => line.startsWith("{"))
      .map((line): UdpHeard => JSON.parse(line));
  const send = async (from: number, to: UdpSend["to"], text: string) => {
    child.write(`${JSON.stringify({ from, to, text } satisfies UdpSend)}\n`);
    const family = to.address.includes(":") ? "udp6" : "udp4";
    if (!opened.has(`${family} ${from}`)) await child.says(new RegExp(`open ${family} ${from}`));
    opened.add(`${family} ${from}`);
  };
  return {
    host,
    open: (port, loopback = "127.0.0.1") => send(port, { address: loopback, port }, ""),
    send,
    heard,
    async hears(text) {
      await child.says(new RegExp(`"text":"${text}"`));
      const found = heard().find((each) => each.text === text);
      if (found === undefined) throw new Error(`not heard: ${text}`);
      return found;
    },
  };
}
