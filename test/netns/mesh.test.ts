import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import type { PeerStatus } from "../../src-shared/status.ts";
import { capture } from "./capture.ts";
import type { Host } from "./host.ts";
import { Install, inviteIn } from "./install.ts";
import { Lab } from "./lab.ts";
import { ping, throughput } from "./traffic.ts";
import { waitUntil } from "./wait.ts";

// alpha sits behind one NAT; bravo and charlie share the LAN behind another; the router has a public address.
let lab: Lab;
let router: Install;
let alpha: Install;
let bravo: Install;
let charlie: Install;
let invite: string;
const addresses = new Map<Install, string>();
const defaultRoutes = new Map<Install, string>();

beforeAll(async () => {
  lab = new Lab();
  const [natOne, natTwo] = [
    lab.nat("nat-one", "port-restricted", 1),
    lab.nat("nat-two", "port-restricted", 2),
  ];
  router = new Install(lab, lab.publicHost("router"));
  alpha = new Install(lab, lab.lanHost("alpha", natOne, 2));
  bravo = new Install(lab, lab.lanHost("bravo", natTwo, 2));
  charlie = new Install(lab, lab.lanHost("charlie", natTwo, 3));
  for (const node of [alpha, bravo, charlie]) defaultRoutes.set(node, defaultRoute(node.host));
  await router.start(["router"]);
  const link = await router.routerLink();
  await Promise.all([alpha, bravo, charlie].map((node) => node.start()));
  invite = inviteIn(await alpha.ok("network", "create", "home", "--router", link));
  await Promise.all([bravo.ok("join", invite), charlie.ok("join", invite)]);
  for (const node of [alpha, bravo, charlie]) addresses.set(node, (await node.online("home")).address);
});

afterAll(() => lab.close());

describe("one network over two NATs and a LAN", () => {
  it("[C01 Z07 Z30 E22 P17 C05 C06] carries real pings both ways between all members", async () => {
    const all = [alpha, bravo, charlie];
    const pairs = all.flatMap((from) => all.filter((to) => to !== from).map((to) => ({ from, to })));
    for (const { from, to } of pairs) {
      const result = await ping(from.host, addressOf(to), { count: 5, waitSeconds: 5 });
      expect
        .soft({ from: from.name, to: to.name, received: result.received > 0 })
        .toMatchObject({ received: true });
      expect(result.millis.every((millis) => millis > 0)).toBe(true);
    }
    const [link] = JSON.parse(alpha.host.runNow("ip", "-j", "address", "show", "starmesh0"));
    expect(link.mtu).toBe(1400);
    expect(link.addr_info).toContainEqual(expect.objectContaining({ local: addressOf(alpha) }));
  });

  it("[E03 Z09 Z12 C10 C11] goes directly between two NATs that nobody configured", async () => {
    const [from, to] = await bothDirect(alpha, bravo);
    expect(from?.path?.remote).toMatch(new RegExp(`^${bravo.host.outer}:\\d+$`));
    expect(to?.path?.remote).toMatch(new RegExp(`^${alpha.host.outer}:\\d+$`));
    expect(from).toMatchObject({ state: "connected", path: { transport: "udp", via: [] } });
  });

  it("[E04] goes by the LAN between two nodes of one LAN", async () => {
    const onLan = /^(192\.168\.2\.\d+|\[fe80:[^\]]+\]):\d+$/;
    const paths = (await bothDirect(bravo, charlie, (remote) => onLan.test(remote))).map((peer) => peer.path);
    for (const path of paths) expect(path?.reason).not.toBe("");
  });

  it("[Z10 Z31] takes one hop for each pair", async () => {
    for (const [from, to] of [
      [alpha, bravo],
      [alpha, charlie],
      [bravo, charlie],
    ] as const) {
      await bothDirect(from, to);
      expect(await ping(from.host, addressOf(to), { hops: 1 })).toMatchObject({ received: 3 });
    }
  });

  it("[Z29] leaves the default route of every node as it was", () => {
    for (const [node, before] of defaultRoutes) expect(defaultRoute(node.host)).toBe(before);
  });

  it("[Z34 Z35] carries TCP and UDP streams, either end calling", async () => {
    const there = { host: bravo.host, address: addressOf(bravo) };
    const back = { host: alpha.host, address: addressOf(alpha) };
    const tcp = await throughput(alpha.host, there, { seconds: 1 });
    const reverse = await throughput(bravo.host, back, { seconds: 1 });
    const udp = await throughput(alpha.host, there, {
      seconds: 1,
      udp: { bytes: 1000, bitsPerSecond: 2e6 },
    });
    console.log(`through two NATs: ${mbit(tcp)} there, ${mbit(reverse)} back, ${mbit(udp)} UDP`);
    expect(tcp.bitsPerSecond).toBeGreaterThan(5e6);
    expect(reverse.bitsPerSecond).toBeGreaterThan(5e6);
    expect(udp.lostPercent).toBeLessThan(20);
    expect(udp.bitsPerSecond).toBeGreaterThan(1.5e6);
  });

  it("[P05] shows nothing of what it carries to a listener between the nodes", async () => {
    const seen = await listenDuring(() => pingWithPattern(alpha, bravo));
    expect(seen.inside.includes(pattern)).toBe(true);
    expect(seen.outside.length).toBeGreaterThan(1000);
    expect(seen.outside.includes(pattern)).toBe(false);
  });
});

describe("with UDP blocked between two nodes", () => {
  let open: (() => void) | null = null;

  afterEach(() => {
    open?.();
    open = null;
  });

  it("[P02 E18 Z20 Z31 P05] relays through the router, which cannot read it, and goes direct again once it opens", async () => {
    await flow(alpha, bravo);
    open = bravo.host.blockUdp(alpha.host);
    const begun = performance.now();
    await flow(alpha, bravo);
    console.log(`direct path cut: packets flow again after ${since(begun)}`);
    const peer = await alpha.peer("bravo", (each) => each.path?.kind === "relay");
    expect(peer.path?.via).toEqual([expect.stringMatching(/^(router|203\.0\.113\.\d+:\d+)$/)]);
    expect(peer.path?.reason).not.toBe("");
    const printed = JSON.parse(await alpha.ok("path", "bravo", "--json"));
    expect(printed.peer.path.via).toEqual(peer.path?.via);
    const seen = await listenDuring(() => pingWithPattern(alpha, bravo), router.host);
    expect(seen.inside.includes(pattern)).toBe(true);
    expect(seen.outside.length).toBeGreaterThan(1000);
    expect(seen.outside.includes(pattern)).toBe(false);
    open();
    open = null;
    const opened = performance.now();
    await bothDirect(alpha, bravo);
    console.log(`way open again: direct both ways after ${since(opened)}`);
  });
});

describe("without the router", () => {
  let open: (() => void) | null = null;

  afterAll(() => open?.());

  it("[Z17 Z08] keeps live direct pairs", async () => {
    await bothDirect(alpha, bravo);
    await bothDirect(bravo, charlie);
    open = charlie.host.blockUdp(alpha.host);
    await flow(alpha, charlie);
    await alpha.peer("charlie", (each) => each.path?.kind === "relay");
    const direct = ping(alpha.host, addressOf(bravo), { count: 60, intervalSeconds: 0.05 });
    await router.end("SIGKILL");
    const { sent, received } = await direct;
    expect(received).toBe(sent);
    await waitUntil("alpha notices", async () => (await homeOf(alpha))?.state === "offline");
    expect(await pingOnce(alpha, charlie)).toBeNull();
    expect((await ping(bravo.host, addressOf(charlie))).received).toBe(3);
    expect((await alpha.status()).peers.find((peer) => peer.name === "bravo")?.state).toBe("connected");
  });

  it("brings relayed pairs back when it returns", async () => {
    await router.start(["router"]);
    const back = performance.now();
    await flow(alpha, charlie);
    console.log(`router back: relayed packets after ${since(back)}`);
    open?.();
    open = null;
  });

  it("[Z17 C05] lets others join again; the first packet comes soon", async () => {
    const delta = new Install(lab, lab.publicHost("delta"));
    await delta.start();
    const asked = performance.now();
    await delta.ok("join", invite);
    await flow(delta, alpha);
    console.log(`join to first packet: ${since(asked)}`);
    await delta.end();
  });
});

describe("a node that dies", () => {
  it("[C09 P31 C07 C08] comes back with its address, its interface and its peers", async () => {
    await flow(alpha, charlie);
    const killed = performance.now();
    await charlie.end("SIGKILL");
    expect(charlie.host.runNow("ip", "route")).not.toContain("starmesh");
    await alpha.peer("charlie", (peer) => peer.state !== "connected");
    console.log(`killed node: noticed after ${since(killed)}`);
    await charlie.start();
    const again = await charlie.online("home");
    expect(again.address).toBe(addressOf(charlie));
    expect(JSON.parse(charlie.host.runNow("ip", "-j", "route", "show", "dev", "starmesh0"))).toHaveLength(1);
    await waitUntil("alpha reaches charlie", async () => (await pingOnce(alpha, charlie)) !== null);
    await waitUntil("charlie reaches alpha", async () => (await pingOnce(charlie, alpha)) !== null);
  });

  it("[Z29] leaves nothing behind when it is stopped", async () => {
    await charlie.ok("stop");
    await charlie.engine.ended();
    expect(charlie.host.runNow("ip", "link")).not.toContain("starmesh");
    expect(charlie.host.runNow("ip", "route")).not.toContain("starmesh");
    expect(defaultRoute(charlie.host)).toBe(defaultRoutes.get(charlie));
    await charlie.start();
    await charlie.online("home");
  });
});

describe("a member that is removed", () => {
  it("loses its way to all others at once", async () => {
    await flow(bravo, charlie);
    await flow(alpha, charlie);
    await alpha.online("home");
    const begun = performance.now();
    await alpha.ok("member", "remove", "charlie");
    for (const node of [alpha, bravo]) {
      await waitUntil(`${node.name} drops charlie`, async () => (await pingOnce(node, charlie)) === null);
    }
    console.log(`member removed: cut off everywhere after ${since(begun)}`);
    await waitUntil("charlie is told", async () => (await homeOf(charlie))?.state === "refused");
    expect((await ping(charlie.host, addressOf(alpha), { waitSeconds: 1 })).received).toBe(0);
    expect((await alpha.status()).peers.map((peer) => peer.name)).not.toContain("charlie");
    expect((await ping(alpha.host, addressOf(bravo))).received).toBe(3);
  });
});

const pattern = Buffer.from("STARMESH-PLAIN!!");

function addressOf(node: Install): string {
  return addresses.get(node) ?? "";
}

async function homeOf(node: Install) {
  return (await node.status()).networks.find((network) => network.name === "home");
}

/** Packets enough that the pair has a session and looks for its best path. */
async function flow(from: Install, to: Install): Promise<void> {
  await waitUntil(`${from.name} reaches ${to.name}`, async () => (await pingOnce(from, to)) !== null);
}

/** Traffic until both ends have a direct path, since each chooses the way of its own packets. Answers how they see it. */
async function bothDirect(
  one: Install,
  other: Install,
  remote = (_: string) => true,
): Promise<readonly PeerStatus[]> {
  const isDirect = ({ path }: PeerStatus) => path?.kind === "direct" && remote(path.remote);
  const pinging = one.host.start("ping", ["-q", "-i", "0.2", addressOf(other)]);
  try {
    return await Promise.all([
      one.peer(other.name, isDirect, 40_000),
      other.peer(one.name, isDirect, 40_000),
    ]);
  } finally {
    pinging.kill("SIGINT");
  }
}

async function pingOnce(from: Install, to: Install): Promise<number | null> {
  const { millis } = await ping(from.host, addressOf(to), { count: 1, waitSeconds: 0.3 });
  return millis[0] ?? null;
}

async function pingWithPattern(from: Install, to: Install): Promise<void> {
  const hex = pattern.toString("hex");
  const { stdout } = await from.host.run("ping", [
    "-c",
    "20",
    "-i",
    "0.02",
    "-s",
    "600",
    "-p",
    hex,
    addressOf(to),
  ]);
  expect(stdout).toContain("20 received");
}

/** Captures on alpha's own interface and on what lies between the nodes while something runs. */
async function listenDuring(work: () => Promise<void>, between: Host = lab.internet) {
  const inside = await capture(lab, alpha.host, "starmesh0");
  const outside = await capture(lab, between, "any");
  await work();
  return { inside: await inside.stop(), outside: await outside.stop() };
}

function defaultRoute(host: Host): string {
  return host.runNow("ip", "route", "show", "default");
}

function mbit({ bitsPerSecond }: { readonly bitsPerSecond: number }): string {
  return `${Math.round(bitsPerSecond / 1e6)} Mbit/s`;
}

function since(begun: number): string {
  return `${Math.round(performance.now() - begun)} ms`;
}
