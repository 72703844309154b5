import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Transport } from "../../drivers/dataplane.ts";
import { capture } from "./capture.ts";
import { protocols } from "./dissect.ts";
import { Lab } from "./lab.ts";
import type { Line } from "./line.ts";
import { meet, RemotePlane } from "./plane.ts";
import { ping, throughput } from "./traffic.ts";

// Two data planes without engines, and a bad line between them.
let lab: Lab;
let line: Line;
let one: RemotePlane;
let other: RemotePlane;

beforeEach(async () => {
  lab = new Lab();
  const hosts = lab.cable("one", "other", { line: true });
  line = await lab.line(hosts[0], { delayMillis: 10 });
  one = await RemotePlane.start(hosts[0], 1, { packets: true });
  other = await RemotePlane.start(hosts[1], 2, { packets: true });
  await meet(one, other, `${other.host.address}:7743`);
});

afterEach(() => lab.close());

describe("on a line that loses one packet in ten", () => {
  it("[P06 P13 P14] a kcp link carries everything, many times as fast as UDP", async () => {
    await over("udp");
    await line.set({ delayMillis: 10, loss: 0.1 });
    const plain = await measure();
    await line.set({ delayMillis: 10 });
    await over("kcp");
    await line.set({ delayMillis: 10, loss: 0.1 });
    const repaired = await measure();
    console.log(
      `10 % lost each way: UDP ${plain.megabits.toFixed(1)} Mbit/s, ${plain.received} of 60 pings; kcp ${repaired.megabits.toFixed(1)} Mbit/s, ${repaired.received} of 60`,
    );
    expect(plain.received).toBeLessThan(58);
    expect(repaired.received).toBeGreaterThanOrEqual(59);
    expect(repaired.megabits).toBeGreaterThan(10 * plain.megabits);
  });
});

describe("on a line of 30 Mbit/s", () => {
  it("[P33] a kcp link uses most of it, and leaves its queue short", async () => {
    await over("kcp");
    await line.set({ delayMillis: 10, bitsPerSecond: 30e6, queueMillis: 200 });
    const running = throughput(one.host, there(), { seconds: 8, congestion: "cubic", warmUpSeconds: 2 });
    const { millis } = await ping(one.host, other.address, { count: 60, intervalSeconds: 0.1 });
    const { bitsPerSecond } = await running;
    const { there: counted } = await line.takeCounters();
    console.log(
      `30 Mbit/s: ${(bitsPerSecond / 1e6).toFixed(1)} Mbit/s delivered; queue ${(counted.waitMeanMicros / 1000).toFixed(0)} ms in the mean, ${(counted.waitPeakMicros / 1000).toFixed(0)} at most; ping ${Math.max(...millis).toFixed(0)} ms at most`,
    );
    expect(bitsPerSecond).toBeGreaterThan(20e6);
    expect(counted.waitMeanMicros).toBeLessThan(50_000);
  });
});

describe("somebody who listens", () => {
  it.each<["udp" | Transport, string]>([
    ["udp", "wg"],
    ["kcp", "dtls"],
    ["quic", "quic"],
  ])("[P16 C02] sees of a path over %s nothing but %s", async (transport, protocol) => {
    // From the first greeting on, without which no dissector knows what follows.
    const all = await capture(lab, one.host, "eth0");
    await over(transport);
    const later = await capture(lab, other.host, "eth0");
    await ping(one.host, other.address, { count: 20, intervalSeconds: 0.01 });
    const seen = protocols(await all.stop(), "udp");
    console.log(`${transport}: ${JSON.stringify([...seen])}`);
    expect(seen.get(protocol)).toBeGreaterThan(20);
    expect(protocols(await later.stop(), "udp").has("wg")).toBe(transport === "udp");
  });
});

/** Has both ends send by a transport. */
async function over(transport: "udp" | Transport): Promise<void> {
  if (transport === "udp") {
    await one.use(other, `${other.host.address}:7743`);
    await other.use(one, `${one.host.address}:7743`);
    return;
  }
  for (const plane of [one, other]) await plane.call("listenLinks", "main", transport, { port: 0 });
  const endpoint = `${transport}/${other.host.address}:7743`;
  await one.call("connectLink", "main", endpoint, { seconds: 20 });
  await one.next("link", ({ remote, up }) => remote === endpoint && up);
  await one.use(other, endpoint);
  await other.use(one, `${transport}/${one.host.address}:7743`);
}

async function measure(): Promise<{ readonly megabits: number; readonly received: number }> {
  const options = { seconds: 4, congestion: "cubic", warmUpSeconds: 1 } as const;
  const { bitsPerSecond } = await throughput(one.host, there(), options);
  const { received } = await ping(one.host, other.address, { count: 60, intervalSeconds: 0.03 });
  return { megabits: bitsPerSecond / 1e6, received };
}

function there() {
  return { host: other.host, address: other.address };
}
