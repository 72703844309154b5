import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createRandom } from "../fakes/random.ts";
import { Install, inviteIn } from "./install.ts";
import { Lab } from "./lab.ts";
import type { Listening } from "./silence.ts";
import { listenTo } from "./silence.ts";
import { ping } from "./traffic.ts";
import { waitUntil } from "./wait.ts";

// The rover can be behind one NAT or the other; its peer is behind a third; the router has a public address.
let lab: Lab;
let router: Install;
let rover: Install;
let peer: Install;
let pings: Listening;
let echoes: Listening;
let roverAddress: string;
let engines: number[];

beforeAll(async () => {
  lab = new Lab();
  const natOne = lab.nat("nat-one", "port-restricted", 1);
  const natTwo = lab.nat("nat-two", "port-restricted", 2);
  router = new Install(lab, lab.publicHost("router"));
  rover = new Install(lab, lab.lanHost("rover", natOne, 2));
  peer = new Install(lab, lab.lanHost("peer", lab.nat("nat-three", "port-restricted", 3), 2));
  lab.wire(rover.host, "eth1", natTwo);
  await router.start(["router"]);
  const link = await router.routerLink();
  await Promise.all([rover.start(), peer.start()]);
  await peer.ok("join", inviteIn(await rover.ok("network", "create", "home", "--router", link)));
  const { address } = await peer.online("home");
  roverAddress = (await rover.online("home")).address;
  [pings, echoes] = await Promise.all([listenTo(rover.host, address), listenTo(peer.host, roverAddress)]);
  await connected();
  engines = [rover, peer].map((install) => install.engine.pid);
});

afterAll(async () => {
  await Promise.all([pings?.stop(), echoes?.stop()]);
  await lab.close();
});

describe("a node that moves under traffic", () => {
  it("[C09 P31 W11 W12] is back within two seconds after a change of address, network or default route", async () => {
    const steps: readonly (readonly [string, () => void])[] = [
      ["another address on the LAN", () => toAddress("192.168.1.77")],
      ["behind another NAT", () => toCable("eth1", "192.168.2.9", "192.168.2.1")],
      ["and back", () => toCable("eth0", "192.168.1.2", "192.168.1.1")],
      ["default route moved", () => toRoute("eth1", "192.168.2.9", "192.168.2.1")],
      ["and back again", () => toRoute("eth0", "192.168.1.2", "192.168.1.1")],
      ["one more address", () => toAddress("192.168.1.78")],
      ["behind another NAT again", () => toCable("eth1", "192.168.2.10", "192.168.2.1")],
      ["back for good", () => toCable("eth0", "192.168.1.2", "192.168.1.1")],
    ];
    const gaps: number[] = [];
    for (const [title, move] of steps) {
      move();
      const moment = Date.now();
      const silences = [pings, echoes].map((each) => each.silenceSince(moment, flowing));
      const back = await Promise.all(silences);
      const gap = Math.max(...back);
      gaps.push(gap);
      process.stdout.write(`${title}: ${shown(back)}\n`);
      await connected();
    }
    const worst = percentile(gaps, 0.95);
    process.stdout.write(`roaming: p95 ${worst.toFixed(0)} ms of ${gaps.length}\n`);
    expect(worst).toBeLessThan(30_000);
    expect([rover, peer].map((install) => install.engine.pid)).toEqual(engines);
  });

  it("[C09 P31] is back after a sleep", async () => {
    const gaps: number[] = [];
    for (const seconds of [20, 6]) {
      rover.engine.kill("SIGSTOP");
      const asleep = Date.now();
      await waitUntil("the machine has slept", () => Date.now() - asleep > seconds * 1000, 30_000);
      rover.engine.kill("SIGCONT");
      const moment = Date.now();
      const silences = [pings, echoes].map((each) => each.silenceSince(moment, flowing));
      const back = await Promise.all(silences);
      gaps.push(Math.max(...back));
      process.stdout.write(`awake after ${seconds} s: ${shown(back)}\n`);
      await connected();
    }
    const worst = percentile(gaps, 0.95);
    process.stdout.write(`wake: p95 ${worst.toFixed(0)} ms of ${gaps.length}\n`);
    expect(worst).toBeLessThan(30_000);
  });

  it("[C09 P31 W11] outlives cables, addresses and routes that come and go", async () => {
    const random = createRandom(20_261_122);
    for (let step = 0; step < 24; step++) {
      await rover.host.run("ip", random.pick(flaps));
      // The next thing happens when three packets have gone from the other end to its own LAN and back.
      await ping(peer.host, peer.host.address, { count: 3, intervalSeconds: 0.15 });
    }
    rover.host.setUp("addr flush dev eth0");
    toCable("eth0", "192.168.1.2", "192.168.1.1");
    await pings.silenceSince(Date.now(), flowing);
    await connected();
    expect(rover.engine.process.exitCode).toBeNull();
  });
});

/** What may happen to a machine that is carried about; what cannot happen just then does not. */
const flaps: readonly [readonly string[], ...(readonly string[])[]] = [
  ["addr", "flush", "dev", "eth0"],
  ["addr", "add", "192.168.1.2/24", "dev", "eth0"],
  ["addr", "add", "192.168.1.2/24", "dev", "eth0"],
  ["addr", "add", "192.168.1.79/24", "dev", "eth0"],
  ["addr", "add", "192.168.2.9/24", "dev", "eth1"],
  ["addr", "flush", "dev", "eth1"],
  ["link", "set", "eth0", "down"],
  ["link", "set", "eth0", "up"],
  ["link", "set", "eth0", "up"],
  ["link", "set", "eth1", "up"],
  ["link", "set", "eth1", "down"],
  ["route", "replace", "default", "via", "192.168.1.1"],
  ["route", "replace", "default", "via", "192.168.1.1"],
  ["route", "replace", "default", "via", "192.168.2.1"],
  ["route", "del", "default"],
];

function shown(millis: readonly number[]): string {
  return millis.map((each) => `${each.toFixed(0)} ms`).join(" / ");
}

/** The value that this share of them does not exceed. */
function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.ceil(share * sorted.length) - 1] ?? Number.NaN;
}

/** Both ends have a way, whichever. */
async function connected(): Promise<void> {
  const hasPath = (status: { state: string; path: unknown }) =>
    status.state === "connected" && status.path !== null;
  await Promise.all([rover.peer("peer", hasPath), peer.peer("rover", hasPath)]);
}

function toAddress(address: string): void {
  rover.host.setUp(
    "addr flush dev eth0",
    `addr add ${address}/24 dev eth0`,
    "route replace default via 192.168.1.1",
  );
}

/** Pulls one cable out and plugs the other in. */
function toCable(device: "eth0" | "eth1", address: string, gateway: string): void {
  const other = device === "eth0" ? "eth1" : "eth0";
  rover.host.setUp(
    `addr flush dev ${other}`,
    `link set ${other} down`,
    `link set ${device} up`,
    `addr add ${address}/24 dev ${device}`,
    `route replace default via ${gateway}`,
  );
}

/** Both cables carry; the way out is by this one from now on. */
function toRoute(device: "eth0" | "eth1", address: string, gateway: string): void {
  rover.host.setUp(
    `link set ${device} up`,
    `addr replace ${address}/24 dev ${device}`,
    `route replace default via ${gateway} dev ${device}`,
  );
}

/** Answers flow again when they have for so many milliseconds. */
const flowing = 1500;
