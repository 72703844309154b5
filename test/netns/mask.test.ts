import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { capture } from "./capture.ts";
import { dissect } from "./dissect.ts";
import { Install, inviteIn } from "./install.ts";
import { Lab } from "./lab.ts";
import { ping, throughput } from "./traffic.ts";
import { waitUntil } from "./wait.ts";

// Two nodes behind NATs and a public router; who listens sits between the NAT of one of them and the internet.
let lab: Lab;
let router: Install;
let alpha: Install;
let bravo: Install;
let address: string;

beforeAll(async () => {
  lab = new Lab();
  router = new Install(lab, lab.publicHost("router"));
  alpha = new Install(lab, lab.lanHost("alpha", lab.nat("nat-one", "port-restricted", 1), 2));
  bravo = new Install(lab, lab.lanHost("bravo", lab.nat("nat-two", "port-restricted", 2), 2));
  await router.start(["router"]);
  await Promise.all([alpha.start(), bravo.start()]);
  const link = await router.routerLink();
  const invite = inviteIn(await alpha.ok("network", "create", "home", "--router", link));
  await bravo.ok("join", invite);
  ({ address } = await bravo.online("home"));
});

afterAll(() => lab.close());

describe("who listens on the wire", () => {
  it("[C02] recognises the packets of a network that is not masked", async () => {
    const heard = await listenWhile(speak);
    expect(heard.wireguard).toBeGreaterThan(20);
    expect(heard.bare.length).toBeGreaterThan(20);
  });

  it("[C02] recognises nothing once an administrator has masked it, of who starts anew neither", async () => {
    expect(await alpha.ok("network", "mask", "home", "on")).toContain("members mask what they send");
    await masked(bravo, true);
    // What was begun bare is over once everybody has spoken again.
    await speak();
    const heard = await listenWhile(speak);
    expect(heard).toMatchObject({ wireguard: 0, bare: [] });
    expect(heard.datagrams).toBeGreaterThan(40);
    // Keepalives, probes and handshakes alone would have a handful of sizes.
    expect(heard.sizes).toBeGreaterThan(30);
  });

  it("[C02] recognises nothing under the next epoch key either", async () => {
    const charlie = new Install(lab, lab.publicHost("charlie"));
    await charlie.start();
    await charlie.ok("join", inviteIn(await alpha.ok("invite", "home")));
    await charlie.online("home");
    await masked(charlie, true);
    await alpha.peer("charlie", () => true);
    const heard = await listenWhile(async () => {
      await alpha.ok("member", "remove", "charlie");
      await waitUntil("bravo knows no charlie any more", async () => {
        const { peers } = await bravo.status();
        return peers.every(({ name }) => name !== "charlie");
      });
      await speak();
    });
    await charlie.ok("stop");
    expect(heard).toMatchObject({ wireguard: 0, bare: [] });
    expect(heard.datagrams).toBeGreaterThan(40);
  });

  it("[C02] hears a fast stream go by and cannot tell what it is", async () => {
    const udp = { bytes: 1200, bitsPerSecond: 30e6 };
    const heard = await listenWhile(async () => {
      await throughput(alpha.host, { host: bravo.host, address }, { seconds: 1, udp });
    });
    // Some hundred of three thousand will do: who listens may have missed most of them.
    expect(heard.datagrams).toBeGreaterThan(500);
    expect(heard).toMatchObject({ wireguard: 0, bare: [] });
  });

  it("[C02] recognises it again when the mask is off", async () => {
    await alpha.ok("network", "mask", "home", "off");
    await masked(bravo, false);
    const heard = await listenWhile(speak);
    expect(heard.bare.length).toBeGreaterThan(20);
  });
});

/** bravo starts anew, so that everything is heard from the first packet on, and is pinged over a direct path. */
async function speak(): Promise<void> {
  await bravo.end();
  await bravo.start();
  await bravo.online("home");
  await waitUntil(
    "bravo answers",
    async () => (await ping(alpha.host, address, { count: 1 })).received === 1,
  );
  await alpha.peer("bravo", ({ path }) => path?.kind === "direct" && path.transport === "udp");
  const { received } = await ping(alpha.host, address, { count: 10 });
  expect(received).toBe(10);
}

async function masked(node: Install, on: boolean): Promise<void> {
  await waitUntil(`${node.name} knows that the mask is ${on ? "on" : "off"}`, async () => {
    const { networks } = await node.status();
    return networks.some(({ name, mask }) => name === "home" && mask === on);
  });
}

interface Heard {
  /** UDP datagrams between the two sites and the router. */
  readonly datagrams: number;
  /** Those that Wireshark takes for WireGuard. */
  readonly wireguard: number;
  /** Those with the first bytes of our handshakes, data, relay frames or STUN: from where to where, bytes, and those bytes. */
  readonly bare: readonly string[];
  /** Different sizes among them. */
  readonly sizes: number;
}

/** What passes bravo's way to the internet while something runs. */
async function listenWhile(work: () => Promise<void>): Promise<Heard> {
  const wire = await capture(lab, lab.internet, "any");
  await work();
  const recording = await wire.stop();
  const datagrams = dissect(recording, "udp", ["udp.payload", "ip.src", "ip.dst"]);
  const bare = datagrams.filter(([payload = ""]) => isOurs.test(payload));
  return {
    datagrams: datagrams.length,
    wireguard: dissect(recording, "wg", ["frame.number"]).length,
    bare: bare.map(
      ([payload = "", from, to]) => `${from} ${to} ${payload.length / 2} ${payload.slice(0, 16)}`,
    ),
    sizes: new Set(datagrams.map(([payload = ""]) => payload.length)).size,
  };
}

/** Messages 1 and 2, cookie replies, data, relay frames, STUN; nothing random is any of them in a million years. */
const isOurs =
  /^(010[1-3]..00.{288}$|020[12]..00.{176}$|03000000.{120}$|040[01]0000|05000000|[0-3].{7}2112a442)/;
