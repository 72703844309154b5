import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Install, inviteIn } from "./install.ts";
import { Lab } from "./lab.ts";
import { ping, throughput } from "./traffic.ts";
import { waitUntil } from "./wait.ts";

// A node behind a line that carries less than others, as some mobile networks and tunnels do, and never says so.
let lab: Lab;
let alpha: Install;
let bravo: Install;
let address: string;

beforeAll(async () => {
  lab = new Lab();
  const router = new Install(lab, lab.publicHost("router"));
  const nats = [lab.nat("nat-one", "port-restricted", 1), lab.nat("nat-two", "port-restricted", 2)] as const;
  alpha = new Install(lab, lab.lanHost("alpha", nats[0], 2));
  bravo = new Install(lab, lab.lanHost("bravo", nats[1], 2));
  lab.internet.nftables(`table inet silence {
    chain leave { type filter hook output priority 0; meta l4proto { icmp, icmpv6 } drop; }
  }`);
  lab.internet.setUp(`link set p1 mtu ${outer}`);
  nats[0].host.setUp(`link set wan mtu ${outer}`);
  nats[0].host.nftables(`table inet clamp {
    chain pass { type filter hook forward priority 0; tcp flags syn tcp option maxseg size set rt mtu; }
  }`);
  await router.start(["router"]);
  const link = await router.routerLink();
  await Promise.all([alpha, bravo].map((node) => node.start()));
  const invite = inviteIn(await alpha.ok("network", "create", "home", "--router", link));
  await bravo.ok("join", invite);
  await alpha.online("home");
  ({ address } = await bravo.online("home"));
});

afterAll(() => lab.close());

describe("a node behind a narrow line", () => {
  it("[C19 C10 C11] has direct paths of a size that is found, which carry everything", async () => {
    const mtu = await waitUntil("a direct path whose size is known", async () => {
      await ping(alpha.host, address, { count: 1, waitSeconds: 0.5 });
      const { path } = await alpha.peer("bravo", () => true);
      const passes = path?.kind === "direct" ? path.mtu : null;
      return passes !== null && passes > expected - 4 && passes <= expected ? passes : null;
    });
    const there = { host: bravo.host, address };
    const forth = await throughput(alpha.host, there, { seconds: 1 });
    const back = await throughput(alpha.host, there, { seconds: 1, reverse: true });
    const rates = [forth, back].map(({ bitsPerSecond }) => `${Math.round(bitsPerSecond / 1e6)} Mbit/s`);
    console.log(`line of ${outer}: ${mtu} bytes pass whole; TCP ${rates.join(" there, ")} back`);
    for (const { bitsPerSecond } of [forth, back]) expect(bitsPerSecond).toBeGreaterThan(1e6);
    const args = ["-c", "3", "-i", "0.05", "-W", "1", "-M", "dont", "-s", "8000", address];
    expect((await alpha.host.run("ping", args)).stdout).toContain("3 received");
  });
});

const outer = 1280;
/** Less IPv4 and UDP headers, and what a session adds. */
const expected = outer - 28 - 32;
