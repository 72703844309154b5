import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { processSeconds } from "../bench/measure.ts";
import type { Host } from "./host.ts";
import { Lab } from "./lab.ts";
import type { Line } from "./line.ts";
import { ping, throughput } from "./traffic.ts";

// What is measured over the line is worth as much as the line itself.
let lab: Lab;
let from: Host;
let to: Host;
let line: Line;

beforeEach(async () => {
  lab = new Lab();
  [from, to] = lab.cable("from", "to", { line: true });
  line = await lab.line(from);
});

afterEach(() => lab.close());

describe("a line", () => {
  it("delays what passes, each direction for itself, by what is asked and up to the jitter more", async () => {
    await line.set({ delayMillis: 5 }, "there");
    await line.set({ delayMillis: 15, jitterMillis: 10 }, "back");
    const { received, millis } = await ping(from, to.address, { count: 300, intervalSeconds: 0.005 });
    expect(received).toBe(300);
    const sorted = millis.slice(1).toSorted((one, other) => one - other);
    const [least = 0, middle = 0] = [sorted[0], sorted[150]];
    console.log(`5 + 15 ms and up to 10 more: ${least} ms at least, ${middle} ms in the middle`);
    expect(least).toBeGreaterThanOrEqual(20);
    expect(least).toBeLessThan(22);
    expect(middle).toBeGreaterThan(23);
    expect(middle).toBeLessThan(27);
  });

  it("loses what it is asked to, also in bursts, and counts it", async () => {
    await line.set({ loss: 0.1 }, "there");
    await line.set({ loss: 0.05, burst: 5 }, "back");
    await ping(from, to.address, { count: 1 });
    await line.takeCounters();
    const { sent, received } = await ping(from, to.address, {
      count: 3000,
      intervalSeconds: 0.002,
      waitSeconds: 1,
    });
    const { there, back } = await line.takeCounters();
    expect(there.lost + there.passed).toBeGreaterThanOrEqual(sent);
    // A host says a word of its own at times.
    expect(Math.abs(there.lost + back.lost - (sent - received))).toBeLessThan(5);
    expect(there.lost / sent).toBeGreaterThan(0.08);
    expect(there.lost / sent).toBeLessThan(0.12);
    expect(back.lost / there.passed).toBeGreaterThan(0.02);
    expect(back.lost / there.passed).toBeLessThan(0.09);
  });

  it("lets late ones be overtaken and doubles others", async () => {
    await line.set({ late: 0.2, latenessMillis: 20, duplicate: 0.1 }, "there");
    const { stdout } = await from.run("ping", ["-n", "-c", "500", "-i", "0.002", "-W", "1", to.address]);
    const { there } = await line.takeCounters();
    expect(there.late).toBeGreaterThan(60);
    expect(there.duplicated).toBeGreaterThan(25);
    expect(stdout).toContain("DUP!");
    const numbers = [...stdout.matchAll(/icmp_seq=(\d+)/g)].map((match) => Number(match[1]));
    expect(numbers.some((number, at) => number < (numbers[at - 1] ?? 0))).toBe(true);
  });

  it("holds its rate within two per cent, and no more in its queue than was asked", async () => {
    await line.set({ delayMillis: 10, bitsPerSecond: 30e6, queueMillis: 60 });
    const running = throughput(from, { host: to, address: to.address }, { seconds: 6, congestion: "cubic" });
    const { millis } = await ping(from, to.address, { count: 50, intervalSeconds: 0.1 });
    const { bitsPerSecond } = await running;
    const { there, back } = await line.takeCounters();
    // Of a frame of 1,514 bytes TCP carries 1,448.
    const share = bitsPerSecond / (30e6 * (1448 / 1514));
    const longest = Math.max(...millis);
    console.log(
      `CUBIC takes ${(share * 100).toFixed(1)} % of 30 Mbit/s; ping ${longest} ms at most, queue ${there.waitPeakMicros} µs, ${there.full} dropped`,
    );
    expect(share).toBeGreaterThan(0.93);
    expect(share).toBeLessThanOrEqual(1.02);
    const udp = { bytes: 1400, bitsPerSecond: 60e6 };
    const flood = await throughput(from, { host: to, address: to.address }, { seconds: 3, udp });
    const flooded = flood.bitsPerSecond / (30e6 * (1400 / 1442));
    console.log(`of 60 Mbit/s of UDP ${(flooded * 100).toFixed(1)} % of the rate come through`);
    expect(Math.abs(flooded - 1)).toBeLessThan(0.02);
    expect(there.waitPeakMicros).toBeGreaterThan(50_000);
    expect(there.waitPeakMicros).toBeLessThanOrEqual(60_000);
    expect(there.overrun + back.overrun).toBe(0);
  });

  it("carries what two cores can send, with little work of its own", async () => {
    await line.set({ delayMillis: 10 });
    const before = processSeconds(line.pid);
    const seconds = 4;
    const { bitsPerSecond } = await throughput(from, { host: to, address: to.address }, { seconds });
    const share = (processSeconds(line.pid) - before) / seconds;
    const { there, back } = await line.takeCounters();
    console.log(
      `${(bitsPerSecond / 1e6).toFixed(0)} Mbit/s of TCP, ${(share * 100).toFixed(0)} % of a core, ${there.overrun + back.overrun} overrun`,
    );
    expect(bitsPerSecond).toBeGreaterThan(100e6);
  });

  it("refuses what makes no sense and stays as it is", async () => {
    await line.set({ loss: 1 });
    await expect(line.set({ bitsPerSecond: 1e6 })).rejects.toThrow("a rate needs a queue");
    await expect(line.set({ loss: 1.5 })).rejects.toThrow("loss is a number from 0 to 1");
    expect((await ping(from, to.address, { count: 3, waitSeconds: 0.3 })).received).toBe(0);
  });
});

describe("a host with a line before it", () => {
  it("is in the open, with the line's faults", async () => {
    const far = lab.publicHost("far");
    const near = lab.publicHost("near", { line: true });
    const before = await lab.line(near, { delayMillis: 20 });
    const { millis } = await ping(near, far.address, { count: 5 });
    expect(Math.min(...millis)).toBeGreaterThanOrEqual(40);
    await before.set({ loss: 1 }, "back");
    expect((await ping(near, far.address, { count: 3, waitSeconds: 0.3 })).received).toBe(0);
  });
});
