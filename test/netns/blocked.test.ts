import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { dropAll, letPassOnly } from "./firewall.ts";
import { Firewalled } from "./firewalled.ts";
import type { ProxyServer } from "./proxies.ts";
import { startHttpProxy, startSocksProxy } from "./proxies.ts";

let world: Firewalled;

beforeEach(async () => {
  world = new Firewalled();
  await world.open();
});

afterEach(() => world.lab.close());

describe("behind a firewall", () => {
  it("[P16 W23 C09] that lets no UDP pass, a node reaches its peers over TCP", async () => {
    dropAll(world.nat, "meta l4proto udp");
    await world.join();
    await world.carries("no UDP");
  });

  it("[P16 P09 C03] that lets TCP 443 alone pass, it does as if it visited a web site", async () => {
    letPassOnly(world.nat, "tcp dport 443", "tcp sport 443");
    await world.join();
    expect(["tls", "wss"]).toContain(await world.carries("nothing but TCP 443"));
  });

  it("[P16 P08 C03] that lets pass what goes by an HTTP proxy, it goes by that", async () => {
    await byProxy(await startHttpProxy(world.lab, world.lab.publicHost("proxy"), [443]), "HTTPS_PROXY");
    await world.alpha.ok("set", "--transport", "wss");
    await world.onTransport((transport) => transport === "wss");
    console.log(`over wss by the same proxy: ${await world.rate()} Mbit/s`);
  });

  it("[P16 P08 C03] that lets pass what goes by a SOCKS proxy, it goes by that", async () => {
    await byProxy(await startSocksProxy(world.lab.publicHost("proxy")), "ALL_PROXY");
  });
});

async function byProxy(proxy: ProxyServer, variable: string): Promise<void> {
  letPassOnly(world.nat, ...proxy.passes);
  await world.join({ env: { [variable]: proxy.url } });
  expect(["tls", "wss"]).toContain(await world.carries(`nothing but ${variable}`));
  expect(new Set(proxy.targets())).toEqual(new Set([`${world.router.host.address}:443`]));
}
