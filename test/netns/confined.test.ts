import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { dropAll } from "./firewall.ts";
import type { Host } from "./host.ts";
import { Install, inviteIn } from "./install.ts";
import type { Nat } from "./lab.ts";
import { Lab } from "./lab.ts";
import { answersStun } from "./plain.ts";
import { ping } from "./traffic.ts";
import { waitUntil } from "./wait.ts";

// A node behind a NAT, a router, and a peer with an address of its own on the internet.
let lab: Lab;
let nat: Nat;
let router: Install;
let alpha: Install;
let bravo: Install;
let address: string;
let invite: string;

beforeEach(async () => {
  lab = new Lab();
  nat = lab.nat("nat", "port-restricted", 1);
  router = new Install(lab, lab.publicHost("router"));
  alpha = new Install(lab, lab.lanHost("alpha", nat, 2));
  bravo = new Install(lab, lab.publicHost("bravo"));
  await router.start(["router"]);
  await bravo.start();
  invite = inviteIn(await bravo.ok("network", "create", "home", "--router", await router.routerLink()));
  ({ address } = await bravo.online("home"));
  await alpha.start();
});

afterEach(() => lab.close());

describe("a peer with an open TCP port", () => {
  it("[P16 W23 P15] is reached over TLS directly where no UDP passes, with BBR at both ends where the kernel has it", async () => {
    dropAll(nat, "meta l4proto udp");
    await alpha.ok("join", invite);
    const peer = await reached((path) => path.kind === "direct");
    expect(["tls", "wss"]).toContain(peer.transport);
    const { received } = await ping(alpha.host, address, { count: 20, intervalSeconds: 0.02 });
    expect(received).toBe(20);
    const kernel = readFileSync("/proc/sys/net/ipv4/tcp_available_congestion_control", "utf8");
    const control = kernel.includes("bbr") ? "bbr" : "cubic";
    const controls = (host: Host, filter: string) =>
      host.runNow("ss", "-tinHO", "state", "established", filter).match(/ (bbr|cubic|reno) /g) ?? [];
    expect(controls(alpha.host, `dst ${bravo.host.address}`)).toContain(` ${control} `);
    expect(controls(bravo.host, `src ${bravo.host.address} and sport = :7743`)).toContain(` ${control} `);
  });
});

describe("a transport that the user wants and no other", () => {
  it("[P16 W23] has everything to itself: not one datagram of plain UDP leaves, and none is answered", async () => {
    await alpha.ok("join", invite);
    await reached((path) => path.transport === "udp");
    await alpha.ok("set", "--transport", "tls");
    await reached((path) => path.transport === "tls");
    const left = countUdp();
    // The gateway may still be asked for a port by what began before.
    const before = await waitUntil("plain UDP has ended", async () => {
      const count = left();
      await ping(alpha.host, address, { count: 20, intervalSeconds: 0.1 });
      return left() === count ? { count } : null;
    });
    for (let round = 0; round < 20; round++) {
      expect(
        (await ping(alpha.host, address, { count: 10, intervalSeconds: 0.05 })).received,
      ).toBeGreaterThan(7);
      expect((await ping(bravo.host, await ownAddress(), { count: 1, waitSeconds: 1 })).received).toBe(1);
    }
    expect(left()).toBe(before.count);
    const shown = await alpha.ok("path", "bravo");
    expect(shown).toContain("You chose TLS");
    await alpha.ok("set", "--transport", "auto");
    await reached((path) => path.transport === "udp");
  });

  it("[P16 W23] may be chosen for one peer", async () => {
    await alpha.ok("join", invite);
    await reached((path) => path.transport === "udp");
    expect(await alpha.ok("path", "bravo", "--transport", "tls")).toContain("only over tls");
    await reached((path) => path.transport === "tls");
    await alpha.ok("path", "bravo", "--auto");
    await reached((path) => path.transport === "udp");
  });
});

describe("plain UDP that is not wanted", () => {
  it("[P16 W23] is answered no more at the port of a node; a router role beside goes on as its own settings say", async () => {
    const stranger = lab.publicHost("stranger");
    const answers = ({ host }: Install) => answersStun(stranger, { address: host.address, port: 7743 });
    expect([await answers(bravo), await answers(router)]).toEqual([true, true]);
    for (const install of [bravo, router]) await install.ok("set", "--transport", "tls");
    expect([await answers(bravo), await answers(router)]).toEqual([false, true]);
    for (const install of [bravo, router]) await install.ok("set", "--transport", "auto");
    await waitUntil("bravo answers again", () => answers(bravo));
  });

  it.each([
    ["at the port of everything", "", 7743],
    ["at a place of their own", "kcp: { listen: 0.0.0.0:7750 }, quic: { listen: 0.0.0.0:7750 }", 7750],
  ])(
    "[C08 P16] by a router's settings is answered no more, while QUIC and kcp go on: %s",
    async (_name, places, port) => {
      const stranger = lab.publicHost("stranger");
      const silent = new Install(lab, lab.publicHost("silent"));
      const file = join(lab.folder, "silent.yaml");
      const wish = ["udp: { enable: false }", ...(places === "" ? [] : [places])].join(", ");
      writeFileSync(file, `listen: 0.0.0.0:7743\ntransports: { ${wish} }\n`);
      await silent.start(["router", "--config", file]);
      const link = await silent.routerLink();
      await alpha.ok("join", inviteIn(await bravo.ok("network", "create", "other", "--router", link)));
      await alpha.online("other");
      // Between the two nothing passes but by the router.
      dropAll(nat, `ip daddr ${bravo.host.address}`);
      dropAll(nat, `ip saddr ${bravo.host.address}`);
      const there = (await bravo.online("other")).address;
      for (const transport of ["quic", "kcp"]) {
        await alpha.ok("set", "--transport", transport);
        const path = await waitUntil(`alpha reaches bravo by the router over ${transport}`, async () => {
          const { received } = await ping(alpha.host, there, { count: 1, waitSeconds: 0.3 });
          const found = (await alpha.status()).peers.find(({ network }) => network === "other")?.path;
          return received === 1 && found?.transport === transport ? found : null;
        });
        expect(path.kind).toBe("relay");
        for (const each of [7743, port])
          expect(await answersStun(stranger, { address: silent.host.address, port: each })).toBe(false);
      }
    },
  );
});

async function ownAddress(): Promise<string> {
  return (await alpha.online("home")).address;
}

/** Until packets for bravo go as asked, under traffic. */
async function reached(fits: (path: { kind: string; transport: string }) => boolean) {
  return waitUntil(`alpha reaches bravo by ${fits}`, async () => {
    const { received } = await ping(alpha.host, address, { count: 1, waitSeconds: 0.3 });
    const path = (await alpha.status()).peers.find(({ name }) => name === "bravo")?.path ?? null;
    return received === 1 && path !== null && fits(path) ? path : null;
  });
}

/** Counts datagrams of UDP that leave alpha from now on, but for those of the network itself. */
function countUdp(): () => number {
  const { host } = alpha;
  host.nftables(
    'table inet leaving {\nchain out {\ntype filter hook output priority filter; oifname "eth0" meta l4proto udp counter\n}\n}',
  );
  return () => Number(/packets (\d+)/.exec(host.runNow("nft", "list", "table", "inet", "leaving"))?.[1]);
}
