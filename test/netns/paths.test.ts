import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { PathMeasure } from "../../drivers/dataplane.ts";
import { addonPath } from "../bench/addons.ts";
import type { EndOptions } from "../bench/data-plane.ts";
import { ends, inner, makeKeys, port, startEnd } from "../bench/end.ts";
import type { Child, Host } from "./host.ts";
import { Lab } from "./lab.ts";
import { throughput } from "./traffic.ts";
import { waitUntil } from "./wait.ts";

// What the data plane makes of paths that are narrow, become narrow, or die: real interfaces, no engine.
let lab: Lab;

beforeEach(() => {
  lab = new Lab();
});

afterEach(() => lab.close());

describe("a path that is narrower than the interface", () => {
  it.each([1300, 1200])("[C19] of %i bytes, without a word of ICMP, carries everything", async (outer) => {
    const { from, to, address, client, narrow } = await wideNetwork();
    narrow(outer);
    const mtu = await settledMtu(client, outer - overhead);
    const there = { host: to, address };
    const forth = await throughput(from, there, { seconds: 1 });
    const back = await throughput(from, there, { seconds: 1, reverse: true });
    const rates = [forth, back].map(({ bitsPerSecond }) => `${Math.round(bitsPerSecond / 1e6)} Mbit/s`);
    console.log(`outer MTU ${outer}: ${mtu} bytes pass whole; TCP ${rates.join(" there, ")} back`);
    expect(forth.bitsPerSecond).toBeGreaterThan(5e6);
    expect(back.bitsPerSecond).toBeGreaterThan(5e6);
    // Whole, in two parts, and cut by IP.
    for (const bytes of [100, mtu - 28, mtu - 27, 1252, 1372, 1373, 4000, 20_000]) {
      expect(await pinged(from, address, bytes, "-M", "dont"), `ping of ${bytes} bytes`).toContain(
        "3 received",
      );
    }
    const udp = await throughput(from, there, { seconds: 1, udp: { bytes: 1200, bitsPerSecond: 4e6 } });
    expect(udp.lostPercent).toBeLessThan(5);
  });

  it("[C19] has senders that forbid cutting told what passes", async () => {
    const { from, address, client, narrow } = await wideNetwork();
    narrow(1300);
    await settledMtu(client, 1300 - overhead);
    const seen = await pinged(from, address, 1300, "-M", "do");
    expect(seen).toContain("Frag needed and DF set (mtu = 1280)");
    expect(seen).toContain("message too long, mtu=1280");
    expect(await pinged(from, address, 1252, "-M", "do")).toContain("3 received");
  });

  it("[C19] since a moment ago does not break the connections that run over it", async () => {
    const { from, to, address, client, narrow } = await wideNetwork();
    expect(await settledMtu(client, 1400)).toBe(1400);
    const running = throughput(from, { host: to, address }, { seconds: 8 });
    narrow(1300);
    const begun = performance.now();
    await settledMtu(client, 1300 - overhead);
    console.log(`path became narrow under iperf3: settled after ${Math.round(performance.now() - begun)} ms`);
    expect((await running).bitsPerSecond).toBeGreaterThan(2e6);
    expect(await pinged(from, address, 1300, "-M", "dont")).toContain("3 received");
    expect(client.stdout).not.toContain("lost");
  });
});

describe("a path that dies", () => {
  it("[W10 C08] is left for the one that stands by within 0.5 s, under a full line", async () => {
    const [from, to] = lab.cable("from", "to");
    for (const host of [from, to]) host.setUp(`addr add ${second(host)}/24 dev eth0`);
    const more = (host: Host) => ({ standby: [`${second(host)}:${port}`], probeMillis: 100 });
    const client = await pair(from, to, { there: more(to), back: more(from) });
    const provedBoth = () => [to.address, second(to)].every((path) => proofs(client, path) > 0);
    await waitUntil("both paths are proved", provedBoth);
    const gaps: number[] = [];
    // What was left is not gone back to before the other dies.
    for (const dies of [0, 1, 0]) {
      const bulk = throughput(from, { host: to, address: inner(to) }, { seconds: 4 });
      const pings = from.start("ping", ["-D", "-i", "0.01", "-c", "300", inner(to)]);
      await pings.says(/icmp_seq=100 /);
      for (const host of [from, to]) host.nftables(cut(dies));
      await pings.ended(20_000);
      expect((await bulk).bitsPerSecond).toBeGreaterThan(5e6);
      gaps.push(longestGap(pings.stdout));
      const address = dies === 0 ? to.address : second(to);
      const before = proofs(client, address);
      for (const host of [from, to]) host.runNow("nft", "delete", "table", "inet", "cut");
      await waitUntil("the path is back", () => proofs(client, address) > before);
    }
    console.log(`path cut under iperf3: silent for ${gaps.join(", ")} ms`);
    expect(gaps.toSorted((one, other) => one - other)[1]).toBeLessThan(10_000);
  });

  it("[C08] is not one that is only full, nor one that loses a tenth", async () => {
    const [from, to] = lab.cable("from", "to");
    const more = { probeMillis: 100 };
    const client = await pair(from, to, { there: more, back: more });
    await waitUntil("the path is proved", () => proofs(client, to.address) > 0);
    const there = { host: to, address: inner(to) };
    await throughput(from, there, { seconds: 4, streams: 4 });
    expect(client.stdout).not.toContain("lost");
    for (const host of [from, to]) host.nftables(loseATenth);
    await throughput(from, there, { seconds: 6 });
    const { lossOut, lossIn, mtu } = lastMeasure(client);
    console.log(`10 % lost each way: ${percent(lossOut)} there, ${percent(lossIn)} back`);
    // What a busy machine drops comes on top.
    for (const loss of [lossOut, lossIn]) {
      expect(loss).toBeGreaterThan(0.03);
      expect(loss).toBeLessThan(0.4);
    }
    expect(mtu).toBe(1400);
    expect(client.stdout).not.toContain("lost");
  });
});

/** Two hosts with the internet between, whose links can be narrowed: what is too large is dropped without a word. */
async function wideNetwork() {
  const [from, to] = [lab.publicHost("from"), lab.publicHost("to")];
  lab.internet.nftables(`table inet silence {
    chain leave { type filter hook output priority 0; meta l4proto { icmp, icmpv6 } drop; }
  }`);
  const probed = { probeMillis: 250 };
  const client = await pair(from, to, { there: probed, back: probed });
  const narrow = (bytes: number) =>
    lab.internet.setUp(`link set p0 mtu ${bytes}`, `link set p1 mtu ${bytes}`);
  return { from, to, address: inner(to), client, narrow };
}

type More = Pick<EndOptions, "standby" | "probeMillis">;

/** A data plane at each of two hosts, with a session; answers the one that began it. */
async function pair(
  from: Host,
  to: Host,
  { there, back }: { readonly there: More; readonly back: More },
): Promise<Child> {
  const [keys, peerKeys] = [makeKeys(), makeKeys()];
  const common = { addon: await addonPath(), peerKind: "node", port } as const;
  await startEnd(to, { ...common, ...ends(peerKeys, keys, to, from), ...back, initiate: false });
  const client = await startEnd(from, {
    ...common,
    ...ends(keys, peerKeys, from, to),
    ...there,
    initiate: true,
  });
  await client.says(/session suite/);
  return client;
}

/** Waits until a search that goes on now has found the size, which is exact to four bytes. */
function settledMtu(end: Child, expected: number): Promise<number> {
  return waitUntil(`${expected} bytes pass`, () => {
    const { mtu } = end.stdout.includes("measured") ? lastMeasure(end) : { mtu: null };
    return mtu !== null && mtu <= expected && mtu > expected - 4 ? mtu : null;
  });
}

/** What an end measured last. */
function lastMeasure({ stdout }: Child): PathMeasure {
  return JSON.parse([...stdout.matchAll(/^measured (.*)\n/gm)].at(-1)?.[1] ?? "null");
}

function percent(share: number | null): string {
  return share === null ? "unknown" : `${Math.round(share * 100)} %`;
}

async function pinged(
  from: Host,
  address: string,
  bytes: number,
  ...more: readonly string[]
): Promise<string> {
  const args = ["-c", "3", "-i", "0.05", "-W", "1", ...more, "-s", String(bytes), address];
  const { stdout, stderr } = await from.run("ping", args);
  return `${stdout}${stderr}`;
}

/** How often the path at an address was proved. */
function proofs({ stdout }: Child, address: string): number {
  return stdout.split(`proved ${address}:`).length - 1;
}

/** Longest time between two answers of `ping -D`, in milliseconds. */
function longestGap(text: string): number {
  const times = [...text.matchAll(/^\[([\d.]+)\].* time=/gm)].map((match) => Number(match[1]) * 1000);
  return Math.round(Math.max(...times.slice(1).map((time, at) => time - (times[at] ?? time))));
}

/** The other address of a host on a cable. */
function second(host: Host): string {
  return host.address.replace("10.255.0.", "10.255.1.");
}

/** Nothing passes between the first, or the second, addresses of a cable's hosts. */
function cut(number: number): string {
  return `table inet cut {
    chain enter {
      type filter hook prerouting priority raw;
      ip saddr 10.255.${number}.0/24 meta l4proto udp drop;
    }
  }`;
}

/** One in ten of what arrives over UDP does not. */
const loseATenth = `table inet chance {
  chain enter {
    type filter hook prerouting priority raw;
    meta l4proto udp numgen inc mod 10 == 0 drop;
  }
}`;

/** IPv4 and UDP headers, and what a session adds. */
const overhead = 28 + 32;
