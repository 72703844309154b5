import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { PeerStatus } from "../../src-shared/status.ts";
import { Install, inviteIn } from "./install.ts";
import { Lab } from "./lab.ts";
import { ping, throughput } from "./traffic.ts";
import { waitUntil } from "./wait.ts";

// Nodes with public addresses; filters decide which of them hear each other: alpha, bravo and three do not. `one` and
// `two` relay.
let lab: Lab;
let router: Install;
let alpha: Install;
let bravo: Install;
let one: Install;
let two: Install;
let three: Install;
const addresses = new Map<Install, string>();
const cuts = new Map<string, () => void>();

beforeAll(async () => {
  lab = new Lab();
  const install = (name: string) => new Install(lab, lab.publicHost(name));
  [router, alpha, bravo, one, two, three] = ["router", "alpha", "bravo", "one", "two", "three"].map(
    install,
  ) as [Install, Install, Install, Install, Install, Install];
  for (const [from, to] of [
    [alpha, bravo],
    [alpha, three],
    [bravo, three],
  ] as const)
    cut(from, to);
  await router.start(["router"]);
  const link = await router.routerLink();
  const nodes = [alpha, bravo, one, two, three];
  await Promise.all(nodes.map((node) => node.start()));
  const invite = inviteIn(await alpha.ok("network", "create", "home", "--router", link));
  await Promise.all(nodes.slice(1).map((node) => node.ok("join", invite)));
  for (const node of nodes) addresses.set(node, (await node.online("home")).address);
});

afterAll(() => lab.close());

describe("members that relay, with every router off", () => {
  it("[C12] [C16] are switched on and off, and keep sessions with those that may need them", async () => {
    expect(await one.ok("relay")).toBe("home: this machine relays for nobody.\n");
    for (const relay of [one, two])
      expect(await relay.ok("relay", "on", "--cost", "3")).toContain("at a cost of 3 ms");
    for (const leaf of [alpha, bravo])
      for (const relay of [one, two]) await leaf.peer(relay.name, isDirect, 30_000);
    await one.peer("two", isDirect, 30_000);
  });

  it("[Z17] [C12] [Z31] join two that never met before, through a relay", async () => {
    await router.end("SIGKILL");
    await waitUntil("alpha notices", async () => (await alpha.status()).networks[0]?.state === "offline");
    const begun = performance.now();
    await reach(alpha, bravo);
    console.log(`router off: first packet through a member relay after ${since(begun)}`);
    const peer = await alpha.peer("bravo", ({ path }) => path?.kind === "relay");
    expect(["one", "two"]).toContain(peer.path?.via[0]);
    expect(peer.path).toMatchObject({ hops: 2 });
    expect((await ping(alpha.host, addressOf(bravo))).received).toBe(3);
  });

  it("[P24] [C12] mesh three that do not hear each other", async () => {
    for (const [from, to] of [
      [alpha, three],
      [bravo, three],
      [three, alpha],
    ] as const) {
      await reach(from, to);
      const peer = await from.peer(to.name, ({ path }) => path?.kind === "relay");
      expect(["one", "two"]).toContain(peer.path?.via[0]);
    }
  });

  it("[E18] [W11] a relay that dies under traffic is replaced by the other within a second", async () => {
    const peer = await alpha.peer(
      "bravo",
      ({ path }) => path?.kind === "relay" && path.standby !== null,
      20_000,
    );
    const dying = peer.path?.via[0] === "one" ? one : two;
    const other = dying === one ? two : one;
    const running = ping(alpha.host, addressOf(bravo), { count: 200, intervalSeconds: 0.02, waitSeconds: 1 });
    await alpha.peer("bravo", ({ rxBytes }) => rxBytes > (peer.rxBytes ?? 0) + 2000);
    await dying.end("SIGKILL");
    const { sent, received } = await running;
    const gap = (sent - received) * 20;
    console.log(`relay killed under traffic: silent for ${gap} ms`);
    await alpha.peer("bravo", ({ path }) => path?.via[0] === other.name);
    await dying.start();
  });

  it("[C13] [P24] lead over several relays where no single one is in reach of both", async () => {
    for (const leaf of [alpha, bravo])
      for (const relay of [one, two]) await leaf.peer(relay.name, isDirect, 60_000);
    await one.peer("two", isDirect, 60_000);
    cut(alpha, two);
    cut(bravo, one);
    const begun = performance.now();
    const peer = await under(alpha, bravo, () =>
      alpha.peer("bravo", ({ path }) => path?.via.join() === "one,two", 90_000),
    );
    await reach(alpha, bravo);
    console.log(`cut from each other's relay: packets over two relays after ${since(begun)}`);
    expect(peer.path).toMatchObject({ kind: "relay", hops: 3 });
    expect((await ping(alpha.host, addressOf(bravo))).received).toBe(3);
    expect(await alpha.ok("path", "bravo")).toContain("one");
    const back = await bravo.peer("alpha", ({ path }) => path?.kind === "relay");
    expect(back.path?.via).toEqual(["two", "one"]);
  });

  it("[C12] [C16] pass on no more for each member than they allow", async () => {
    const line = { host: bravo.host, address: addressOf(bravo) };
    const free = await throughput(alpha.host, line, { seconds: 1 });
    await one.ok("relay", "on", "--quota", "2");
    const limited = await throughput(alpha.host, line, { seconds: 3 });
    console.log(`over two relays: ${mbit(free)}, with a quota of 2 Mbit/s ${mbit(limited)}`);
    expect(free.bitsPerSecond).toBeGreaterThan(5e6);
    expect(limited.bitsPerSecond).toBeLessThan(4e6);
  });
});

function isDirect({ path }: PeerStatus): boolean {
  return path?.kind === "direct";
}

function cut(from: Install, to: Install): void {
  cuts.set(`${from.name} ${to.name}`, from.host.block(to.host));
}

function addressOf(node: Install): string {
  return addresses.get(node) ?? "";
}

/** Sends packets while something is waited for. */
async function under<Answer>(from: Install, to: Install, wait: () => Promise<Answer>): Promise<Answer> {
  const pinging = from.host.start("ping", ["-q", "-i", "0.2", addressOf(to)]);
  try {
    return await wait();
  } finally {
    pinging.kill("SIGINT");
  }
}

async function reach(from: Install, to: Install): Promise<void> {
  await waitUntil(
    `${from.name} reaches ${to.name}`,
    async () => (await ping(from.host, addressOf(to), { count: 1, waitSeconds: 0.3 })).received === 1,
  );
}

function mbit({ bitsPerSecond }: { readonly bitsPerSecond: number }): string {
  return `${(bitsPerSecond / 1e6).toFixed(1)} Mbit/s`;
}

function since(begun: number): string {
  return `${Math.round(performance.now() - begun)} ms`;
}
