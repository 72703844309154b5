import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Install, inviteIn } from "./install.ts";
import { Lab } from "./lab.ts";
import { ping } from "./traffic.ts";
import { waitUntil } from "./wait.ts";

// alpha and bravo may each be behind one of two NATs; a member with a public address knows both, and relays nothing.
let lab: Lab;
let router: Install;
let common: Install;
let alpha: Install;
let bravo: Install;
const addresses = new Map<Install, string>();

beforeAll(async () => {
  lab = new Lab();
  const nats = [1, 2, 3, 4].map((number) => lab.nat(`nat-${number}`, "port-restricted", number));
  const [first, second, third, fourth] = nats as [
    (typeof nats)[0],
    (typeof nats)[0],
    (typeof nats)[0],
    (typeof nats)[0],
  ];
  router = new Install(lab, lab.publicHost("router"));
  common = new Install(lab, lab.publicHost("common"));
  alpha = new Install(lab, lab.lanHost("alpha", first, 2));
  bravo = new Install(lab, lab.lanHost("bravo", second, 2));
  lab.wire(alpha.host, "eth1", third);
  lab.wire(bravo.host, "eth1", fourth);
  await router.start(["router"]);
  const link = await router.routerLink();
  await Promise.all([common, alpha, bravo].map((node) => node.start()));
  const invite = inviteIn(await common.ok("network", "create", "home", "--router", link));
  await Promise.all([alpha, bravo].map((node) => node.ok("join", invite)));
  for (const node of [common, alpha, bravo]) addresses.set(node, (await node.online("home")).address);
});

afterAll(() => lab.close());

describe("two members that move at once while the router is off", () => {
  it("[Z17] [W11] [P31] find each other again through one that both know", async () => {
    for (const [from, to] of [
      [alpha, bravo],
      [alpha, common],
      [bravo, common],
    ] as const)
      await direct(from, to);
    await router.end("SIGKILL");
    await waitUntil("alpha notices", async () => (await alpha.status()).networks[0]?.state === "offline");
    const pinging = alpha.host.start("ping", ["-q", "-i", "0.2", addressOf(bravo)]);
    toOtherCable(alpha, 3);
    toOtherCable(bravo, 4);
    const moved = performance.now();
    await waitUntil("alpha reaches bravo", () => reaches(alpha, bravo));
    console.log(
      `both moved, no router: packets flow again after ${Math.round(performance.now() - moved)} ms`,
    );
    pinging.kill("SIGINT");
    const peer = await alpha.peer("bravo", ({ path }) => path?.kind === "direct");
    expect(peer.path?.remote).toMatch(/^203\.0\.113\./);
    // Tried for ever, said once for each reason: lost, then out of reach.
    const said = logOf(alpha).match(/router offline .*/g);
    expect(said).toEqual([...new Set(said)]);
    expect(said?.length).toBeGreaterThan(0);
  });
});

function logOf(node: Install): string {
  const folder = join(node.folder, "logs");
  return readdirSync(folder)
    .map((file) => readFileSync(join(folder, file), "utf8"))
    .join("\n");
}

function addressOf(node: Install): string {
  return addresses.get(node) ?? "";
}

async function reaches(from: Install, to: Install): Promise<boolean> {
  return (await ping(from.host, addressOf(to), { count: 1, waitSeconds: 0.3 })).received === 1;
}

async function direct(from: Install, to: Install): Promise<void> {
  await waitUntil(`${from.name} reaches ${to.name}`, () => reaches(from, to));
  await from.peer(to.name, ({ path }) => path?.kind === "direct");
}

/** Pulls one cable out and plugs the other in, behind the NAT of that number. */
function toOtherCable(node: Install, nat: number): void {
  node.host.setUp(
    "addr flush dev eth0",
    "link set eth0 down",
    "link set eth1 up",
    `addr add 192.168.${nat}.2/24 dev eth1`,
    `route replace default via 192.168.${nat}.1`,
  );
}
