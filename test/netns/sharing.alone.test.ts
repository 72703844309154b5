import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { PeerStatus } from "../../src-shared/status.ts";
import type { Host } from "./host.ts";
import { Install, inviteIn } from "./install.ts";
import { Lab } from "./lab.ts";
import { ping, throughput } from "./traffic.ts";

// Two nodes, each with a cable to either of two local networks.
let lab: Lab;
let alpha: Install;
let bravo: Install;
let address: string;

beforeAll(async () => {
  lab = new Lab();
  const [one, two] = [
    lab.nat("nat-one", "port-restricted", 1),
    lab.nat("nat-two", "port-restricted", 2),
  ] as const;
  const router = new Install(lab, lab.publicHost("router"));
  alpha = new Install(lab, lab.lanHost("alpha", one, 2));
  bravo = new Install(lab, lab.lanHost("bravo", one, 3));
  for (const [at, { host }] of [alpha, bravo].entries()) {
    lab.wire(host, "eth1", two);
    host.setUp(`addr add 192.168.2.${at + 2}/24 dev eth1`, "link set eth1 up");
  }
  await router.start(["router"]);
  const link = await router.routerLink();
  await Promise.all([alpha, bravo].map((node) => node.start()));
  const invite = inviteIn(await alpha.ok("network", "create", "home", "--router", link));
  await bravo.ok("join", invite);
  await alpha.online("home");
  ({ address } = await bravo.online("home"));
});

afterAll(() => lab.close());

describe("two lines between two nodes", () => {
  it("[W09] share the connections, each of which stays on its line", async () => {
    const peer = await reached(({ path }) => path?.shared === 2);
    expect(peer.verdict).toMatchObject({
      code: "direct-shared",
      text: "Packets go straight to bravo, shared among 2 paths that are equally good.",
    });
    const before = await sent(alpha.host);
    await throughput(alpha.host, { host: bravo.host, address }, { seconds: 2, streams: 16 });
    const after = await sent(alpha.host);
    const shares = after.map((bytes, at) => bytes - (before[at] ?? 0));
    const all = shares.reduce((sum, bytes) => sum + bytes, 0);
    console.log(
      `sixteen streams over two lines: ${shares.map((share) => `${Math.round((100 * share) / all)} %`)}`,
    );
    for (const share of shares) expect(share / all).toBeGreaterThan(0.05);
  });

  it("[W09] are not shared when that is unwanted", async () => {
    expect(await alpha.ok("path", "bravo", "--spread", "off")).toContain("packets not shared among paths");
    await reached(({ path }) => path?.shared === 1);
    await alpha.ok("path", "bravo", "--auto");
    await reached(({ path, pin }) => path?.shared === 2 && pin === null);
  });

  it("[W10] carry all connections on when one of them is cut", async () => {
    const running = ping(alpha.host, address, { count: 100, intervalSeconds: 0.02, waitSeconds: 1 });
    bravo.host.setUp("link set eth1 down");
    const { sent: asked, received } = await running;
    console.log(`one of two lines cut: ${asked - received} of ${asked} pings lost, one each 20 ms`);
    expect(received).toBeGreaterThan(asked - 50);
    const { path } = await reached((peer) => peer.path?.shared === 1);
    expect(path?.kind).toBe("direct");
    // The line that is left, by either family: the link-local zone is the interface's index.
    const [{ ifindex: eth0 }] = JSON.parse(alpha.host.runNow("ip", "-j", "link", "show", "eth0"));
    expect(path?.remote).toMatch(new RegExp(`^192\\.168\\.1\\.3:|^\\[fe80:[^%]*%${eth0}\\]:`));
  });
});

/** Bytes sent so far on each of the two lines. */
async function sent(host: Host): Promise<number[]> {
  const { stdout } = await host.run("ip", ["-j", "-s", "link"]);
  const links: readonly {
    readonly ifname: string;
    readonly stats64: { readonly tx: { readonly bytes: number } };
  }[] = JSON.parse(stdout);
  return ["eth0", "eth1"].map((name) => links.find(({ ifname }) => ifname === name)?.stats64.tx.bytes ?? 0);
}

/** Bravo as alpha sees it once it is so; packets flow meanwhile. */
async function reached(holds: (peer: PeerStatus) => boolean): Promise<PeerStatus> {
  const packets = alpha.host.start("ping", ["-n", "-i", "0.3", address]);
  try {
    return await alpha.peer("bravo", holds, 60_000);
  } finally {
    await packets.stop("SIGKILL");
  }
}
