import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { startTyping } from "./gap.ts";
import { Install, inviteIn } from "./install.ts";
import { Lab } from "./lab.ts";
import { ping, throughput } from "./traffic.ts";
import { waitUntil } from "./wait.ts";

// Two nodes behind two NATs, a router that relays; the direct path is cut while connections run over it.
let lab: Lab;
let alpha: Install;
let bravo: Install;
let address: string;
let open: (() => void) | null = null;

beforeAll(async () => {
  lab = new Lab();
  const nats = [lab.nat("nat-one", "port-restricted", 1), lab.nat("nat-two", "port-restricted", 2)] as const;
  const router = new Install(lab, lab.publicHost("router"));
  alpha = new Install(lab, lab.lanHost("alpha", nats[0], 2));
  bravo = new Install(lab, lab.lanHost("bravo", nats[1], 2));
  await router.start(["router"]);
  const link = await router.routerLink();
  await Promise.all([alpha, bravo].map((node) => node.start()));
  const invite = inviteIn(await alpha.ok("network", "create", "home", "--router", link));
  await bravo.ok("join", invite);
  await alpha.online("home");
  ({ address } = await bravo.online("home"));
});

afterEach(() => {
  open?.();
  open = null;
});

afterAll(() => lab.close());

describe("a direct path that dies", () => {
  it("[W10 C08 E18] does not break a connection, nor is it missed long", async () => {
    const gaps = [];
    for (let round = 1; round <= 3; round++) gaps.push(await cutUnder(async () => undefined));
    console.log(`direct path cut under typing: silent for ${gaps.join(", ")} ms`);
  });

  it("[W10 C08 E18] does not break a connection beside a full line", async () => {
    const bulk = () => throughput(alpha.host, { host: bravo.host, address }, { seconds: 6 });
    console.log(`direct path cut under iperf3 and typing: silent for ${await cutUnder(bulk)} ms`);
  });
});

/** Cuts the direct path under a connection, beside other traffic; answers the longest silence in milliseconds. */
async function cutUnder(beside: () => Promise<unknown>): Promise<number> {
  await onPath("direct");
  const other = beside();
  const typing = await startTyping(alpha.host, { host: bravo.host, address });
  await warm();
  open = bravo.host.blockUdp(alpha.host);
  await onPath("relay");
  expect((await ping(alpha.host, address, { count: 1 })).received).toBe(1);
  await other;
  const gap = await typing.end();
  expect(gap.error).toBeNull();
  expect(gap.echoed).toBeGreaterThan(0);
  open();
  open = null;
  return gap.longestMillis;
}

/** Until a second path stands by. */
function warm(): Promise<unknown> {
  return waitUntil("a second path is proved", async () => {
    const { candidates } = JSON.parse(await alpha.ok("path", "bravo", "--json"));
    return candidates.filter(({ state }: { state: string }) => state === "proved").length > 1;
  });
}

async function onPath(kind: "direct" | "relay"): Promise<void> {
  await waitUntil(`both ends go ${kind}`, async () => {
    await ping(alpha.host, address, { count: 1, waitSeconds: 0.5 });
    const seen = await Promise.all([pathKind(alpha, "bravo"), pathKind(bravo, "alpha")]);
    return seen.every((each) => each === kind);
  });
}

async function pathKind(node: Install, peer: string): Promise<string | undefined> {
  return (await node.status()).peers.find(({ name }) => name === peer)?.path?.kind;
}
