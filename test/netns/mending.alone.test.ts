import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Install, inviteIn } from "./install.ts";
import { Lab } from "./lab.ts";
import type { Line } from "./line.ts";
import { ping, throughput } from "./traffic.ts";
import { waitUntil } from "./wait.ts";

// Two installs and between them a line that turns bad; one of them is the router as well.
let lab: Lab;
let line: Line;
let alpha: Install;
let bravo: Install;
let address: string;

const clean = { delayMillis: 10 };
const lossy = { delayMillis: 10, loss: 0.05 };
const call = { bytes: 1000, bitsPerSecond: 4e6 };

beforeEach(async () => {
  lab = new Lab();
  const [one, other] = lab.cable("alpha", "bravo", { line: true });
  line = await lab.line(one, clean);
  alpha = new Install(lab, one);
  bravo = new Install(lab, other);
  await alpha.start();
  await bravo.start();
  const invite = inviteIn(await bravo.ok("network", "create", "home"));
  ({ address } = await bravo.online("home"));
  await alpha.ok("join", invite);
  await alpha.online("home");
});

afterEach(() => lab.close());

describe("a line that begins to lose packets", () => {
  it("[P13 P06 P16] is mended by kcp, by itself, and crossed by plain UDP again once it is clean", async () => {
    const [before] = await sentBy("udp", 30_000);
    await line.set(lossy);
    const bare = await lostPings();
    const [mended, seconds] = await sentBy("kcp", 60_000);
    const { lostPercent } = await throughput(alpha.host, there(), { seconds: 5, udp: call });
    const shown = await alpha.ok("path", "bravo");
    await line.set(clean);
    const [after, back] = await sentBy("udp", 90_000);
    console.log(
      `5 % lost each way: kcp after ${seconds.toFixed(0)} s; ${bare.toFixed(1)} % of pings lost before, ${lostPercent.toFixed(2)} % of a call of 4 Mbit/s after; plain UDP again ${back.toFixed(0)} s after the line is clean`,
    );
    expect([before, mended, after]).toEqual(["direct udp", "direct kcp", "direct udp"]);
    expect(bare).toBeGreaterThan(3);
    expect(lostPercent).toBeLessThan(0.5);
    expect(shown).toContain("makes up for losses");
  });
});

/** Until alpha's packets for bravo go by a transport, under traffic; answers how they go, and after how many seconds. */
async function sentBy(transport: string, millis: number): Promise<readonly [string, number]> {
  const begun = performance.now();
  const way = await waitUntil(
    `alpha sends by ${transport}`,
    async () => {
      await ping(alpha.host, address, { count: 20, intervalSeconds: 0.02, waitSeconds: 1 });
      const path = (await alpha.status()).peers.find(({ name }) => name === "bravo")?.path;
      return path?.transport === transport ? `${path.kind} ${path.transport}` : null;
    },
    millis,
  );
  return [way, (performance.now() - begun) / 1000];
}

/** Per cent of some hundred pings, which are lost on either way. */
async function lostPings(): Promise<number> {
  const { sent, received } = await ping(alpha.host, address, {
    count: 300,
    intervalSeconds: 0.005,
    waitSeconds: 1,
  });
  return (100 * (sent - received)) / sent;
}

function there() {
  return { host: bravo.host, address };
}
