import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { dropAll, letPassOnly } from "./firewall.ts";
import { startTyping } from "./gap.ts";
import type { RunOptions } from "./host.ts";
import { Install, inviteIn } from "./install.ts";
import type { Nat } from "./lab.ts";
import { Lab } from "./lab.ts";
import type { ProxyServer } from "./proxies.ts";
import { startHttpProxy, startSocksProxy } from "./proxies.ts";
import { ping, throughput } from "./traffic.ts";
import { waitUntil } from "./wait.ts";

// A node behind a NAT with a firewall; a router on the port of all web sites; a peer behind a NAT of its own.
let lab: Lab;
let nat: Nat;
let router: Install;
let alpha: Install;
let bravo: Install;
let address: string;
let invite: string;

beforeEach(async () => {
  lab = new Lab();
  nat = lab.nat("nat-one", "port-restricted", 1);
  router = new Install(lab, lab.publicHost("router"));
  alpha = new Install(lab, lab.lanHost("alpha", nat, 2));
  bravo = new Install(lab, lab.lanHost("bravo", lab.nat("nat-two", "port-restricted", 2), 2));
  await router.start(["router", "--listen", "0.0.0.0:443"]);
  await bravo.start();
  invite = inviteIn(await bravo.ok("network", "create", "home", "--router", await router.routerLink()));
  ({ address } = await bravo.online("home"));
});

afterEach(() => lab.close());

describe("behind a firewall", () => {
  it("[P16 W23 C09] that lets no UDP pass, a node reaches its peers over TCP", async () => {
    dropAll(nat, "meta l4proto udp");
    await join();
    await carries("no UDP");
  });

  it("[P16 P09 C03] that lets TCP 443 alone pass, it does as if it visited a web site", async () => {
    letPassOnly(nat, "tcp dport 443", "tcp sport 443");
    await join();
    expect(["tls", "wss"]).toContain(await carries("nothing but TCP 443"));
  });

  it("[P16 P08 C03] that lets pass what goes by an HTTP proxy, it goes by that", async () => {
    await byProxy(await startHttpProxy(lab, lab.publicHost("proxy"), [443]), "HTTPS_PROXY");
    await alpha.ok("set", "--transport", "wss");
    await onTransport((transport) => transport === "wss");
    console.log(`over wss by the same proxy: ${await rateOf()} Mbit/s`);
  });

  it("[P16 P08 C03] that lets pass what goes by a SOCKS proxy, it goes by that", async () => {
    await byProxy(await startSocksProxy(lab.publicHost("proxy")), "ALL_PROXY");
  });
});

describe("when nothing but TCP 443 passes any more under a connection", () => {
  it("[P16 W23 C08 C09] UDP is missed for two seconds at most, and taken again when it is open", async () => {
    await join();
    await onTransport((transport) => transport === "udp");
    const typing = await startTyping(alpha.host, { host: bravo.host, address });
    const open = letPassOnly(nat, "tcp dport 443", "tcp sport 443");
    const cut = performance.now();
    const transport = await onTransport((each) => each !== "udp");
    const moved = performance.now() - cut;
    const rate = await rateOf();
    open();
    const opened = performance.now();
    await onTransport((each) => each === "udp", 60_000);
    const returned = performance.now() - opened;
    const { error, echoed, longestMillis } = await typing.end();
    console.log(
      `UDP cut: silent for ${longestMillis} ms, over ${transport} after ${moved.toFixed(0)} ms at ${rate} Mbit/s, back on UDP ${returned.toFixed(0)} ms after it opened`,
    );
    expect(error).toBeNull();
    expect(echoed).toBeGreaterThan(0);
    expect(longestMillis).toBeLessThan(2000);
    expect(returned).toBeLessThan(30_000);
  });
});

/** Alpha's engine starts and joins with what may pass. */
async function join(options: RunOptions = {}): Promise<void> {
  await alpha.start(["up", "--foreground"], options);
  await alpha.ok("join", invite);
  await alpha.online("home");
}

async function byProxy(proxy: ProxyServer, variable: string): Promise<void> {
  letPassOnly(nat, ...proxy.passes);
  await join({ env: { [variable]: proxy.url } });
  expect(["tls", "wss"]).toContain(await carries(`nothing but ${variable}`));
  expect(new Set(proxy.targets())).toEqual(new Set([`${router.host.address}:443`]));
}

/** Sends packets there and says how it went; answers by what transport. */
async function carries(what: string): Promise<string> {
  const begun = performance.now();
  await waitUntil(
    "the first packet",
    async () => (await ping(alpha.host, address, { count: 1, waitSeconds: 0.3 })).received === 1,
  );
  const took = performance.now() - begun;
  const transport = await onTransport((each) => each !== "udp");
  const { received } = await ping(alpha.host, address, { count: 20, intervalSeconds: 0.02 });
  const rate = await rateOf();
  console.log(`${what}: first packet after ${took.toFixed(0)} ms, over ${transport} at ${rate} Mbit/s`);
  // One may be under way while a second link takes over.
  expect(received).toBeGreaterThan(17);
  return transport;
}

async function rateOf(): Promise<number> {
  const { bitsPerSecond } = await throughput(alpha.host, { host: bravo.host, address }, { seconds: 2 });
  expect(bitsPerSecond).toBeGreaterThan(5e6);
  return Math.round(bitsPerSecond / 1e6);
}

/** Until alpha's packets for bravo go by a transport as asked, under traffic; answers which. */
async function onTransport(fits: (transport: string) => boolean, millis?: number): Promise<string> {
  return waitUntil(
    `alpha sends by ${fits}`,
    async () => {
      await ping(alpha.host, address, { count: 1, waitSeconds: 0.3 });
      const transport = (await alpha.status()).peers.find(({ name }) => name === "bravo")?.path?.transport;
      return transport !== undefined && fits(transport) ? transport : null;
    },
    millis,
  );
}
