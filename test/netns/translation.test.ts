import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Host } from "./host.ts";
import type { Nat } from "./lab.ts";
import { Lab } from "./lab.ts";
import { meet, RemotePlane } from "./plane.ts";
import { ping, throughput } from "./traffic.ts";
import { waitUntil } from "./wait.ts";

// Two sites of one LAN prefix, each with a gateway that carries its packets; the kernel forwards, no engine decides.
let lab: Lab;
let sites: readonly [Site, Site];

interface Site {
  readonly gateway: RemotePlane;
  readonly host: Host;
  /** By which the other site knows the LAN, and the host in it. */
  readonly outside: string;
  readonly address: string;
}

beforeEach(async () => {
  lab = new Lab();
  sites = [await openSite("one", 1), await openSite("two", 2)];
  const [one, two] = sites;
  const [there, back] = await meet(one.gateway, two.gateway, `${two.gateway.host.address}:7743`);
  await one.gateway.know(two.gateway, [two.outside]);
  await two.gateway.know(one.gateway, [one.outside]);
  await Promise.all([one.gateway.use(two.gateway, there), two.gateway.use(one.gateway, back)]);
});

afterEach(() => lab.close());

describe("addresses translated between interface and network", () => {
  it("[C14] two sites with the same LAN prefix reach each other's hosts, and hear what did not arrive", async () => {
    for (const { gateway, outside } of sites)
      await gateway.call("setNat", "net", { maps: [{ inside: lan, outside }] });
    const [one, two] = sites;
    for (const [from, to] of [
      [one, two],
      [two, one],
    ] as const)
      await waitUntil("each is answered", async () => (await ping(from.host, to.address)).received === 3);
    // In pieces.
    const { stdout } = await one.host.run("ping", ["-c", "3", "-i", "0.1", "-s", "4000", two.address]);
    expect(stdout).toContain("3 received");
    for (const reverse of [false, true]) {
      const there = { host: two.host, address: two.address, bind: two.host.address };
      const { bitsPerSecond } = await throughput(one.host, there, { seconds: 1, reverse });
      expect(bitsPerSecond).toBeGreaterThan(10e6);
    }
    expect(await askClosedPort(one.host, two.address)).toBe("ECONNREFUSED");
  });

  it("[Z14 P32] hosts behind a gateway reach members under the gateway's own address", async () => {
    const [{ gateway, host }, { gateway: member }] = sites;
    // The member knows nothing of the LAN.
    await member.know(gateway);
    const from = [lan];
    const masquerade = { from, address4: gateway.address, fullCone: false };
    await gateway.call("setNat", "net", { maps: [], masquerade });
    expect((await ping(host, member.address)).received).toBe(3);
    expect((await ping(gateway.host, member.address)).received).toBe(3);
    const { stdout } = await host.run("ping", ["-c", "3", "-i", "0.1", "-s", "4000", member.address]);
    expect(stdout).toContain("3 received");
    for (const each of [host, gateway.host]) {
      const there = { host: member.host, address: member.address };
      const { bitsPerSecond } = await throughput(each, there, { seconds: 1, reverse: true });
      expect(bitsPerSecond).toBeGreaterThan(10e6);
    }
    expect(await askClosedPort(host, member.address)).toBe("ECONNREFUSED");
    expect(await seenBy(member.host, member.address, host)).toBe(gateway.address);
    await gateway.call("setNat", "net", null);
    expect((await ping(host, member.address, { count: 1, waitSeconds: 1 })).received).toBe(0);
  });
});

async function openSite(name: string, number: number): Promise<Site> {
  const router: Nat = lab.nat(`${name}-gateway`, "full-cone", 5);
  // A router that forwards and translates nothing by itself.
  router.host.runNow("nft", "flush", "ruleset");
  const host = lab.lanHost(`${name}-host`, router, 10);
  const gateway = await RemotePlane.start(router.host, number, { packets: true });
  const device = /^\d+: (\S+) /m.exec(
    router.host.runNow("ip", "-o", "address", "show", "to", gateway.address),
  );
  router.host.setUp(`route add 10.77.0.0/16 dev ${device?.[1]} src ${gateway.address}`);
  return { gateway, host, outside: `10.77.${number}.0/24`, address: `10.77.${number}.10` };
}

/** What a socket hears that asks where nobody listens. */
async function askClosedPort(from: Host, address: string): Promise<string> {
  const ask = `
    const socket = require("node:dgram").createSocket("udp4");
    socket.on("error", ({ code }) => { process.stdout.write(code); process.exit(); });
    socket.connect(9, ${JSON.stringify(address)}, () => setInterval(() => socket.send("?", () => undefined), 50));`;
  return (await from.run(process.execPath, ["-e", ask])).stdout;
}

/** The address that a host has for another one when it connects there. */
async function seenBy(at: Host, address: string, from: Host): Promise<string> {
  const listen = `
    require("node:net").createServer((socket) => { socket.end(socket.remoteAddress); })
      .listen(7000, ${JSON.stringify(address)}, () => console.log("listens"));`;
  const server = at.start(process.execPath, ["-e", listen]);
  await server.says(/listens/);
  const ask = `require("node:net").connect(7000, ${JSON.stringify(address)}).pipe(process.stdout);`;
  const { stdout } = await from.run(process.execPath, ["-e", ask]);
  await server.stop();
  return stdout;
}

const lan = "192.168.5.0/24";
