import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Pair } from "../bench/measure.ts";
import { variants } from "../bench/variants.ts";
import { capture } from "./capture.ts";
import { Lab } from "./lab.ts";
import { ping, throughput } from "./traffic.ts";

// The data plane between two hosts on one cable, without an engine.
let lab: Lab;

beforeEach(() => {
  lab = new Lab();
});

afterEach(() => lab.close());

describe("the data plane with real interfaces", () => {
  it.each([
    ["[C32 P05] AES-256-GCM", "suite1"],
    ["[P05] ChaCha20-Poly1305", "suite2"],
  ])("%s carries packets of all sizes, TCP both ways and UDP, and shows none of it", async (_, name) => {
    const pair = await open(name);
    await expectTraffic(pair);
    const wire = await capture(lab, pair.to, "eth0");
    const pattern = Buffer.from("STARMESH-PLAIN!!");
    const args = ["-c", "20", "-i", "0.02", "-s", "600", "-p", pattern.toString("hex"), pair.address];
    expect((await pair.from.run("ping", args)).stdout).toContain("20 received");
    const seen = await wire.stop();
    expect(seen.length).toBeGreaterThan(20 * 600);
    expect(seen.includes(pattern)).toBe(false);
  });

  it.runIf(variants.find(({ name }) => name === "suite0")?.missing() === null)(
    "[Z27] speaks to a stock WireGuard implementation",
    async () => expectTraffic(await open("suite0")),
  );
});

async function expectTraffic(pair: Pair): Promise<void> {
  const { from, address } = pair;
  const there = { host: pair.to, address };
  for (const bytes of [0, 1, 100, 1372, 1373, 4000, 20_000, 65_000]) {
    const { stdout } = await from.run("ping", [
      "-c",
      "3",
      "-i",
      "0.02",
      "-W",
      "1",
      "-s",
      String(bytes),
      address,
    ]);
    expect(stdout, `ping of ${bytes} bytes`).toContain("3 received");
  }
  expect((await ping(pair.to, from.address.replace("10.255.", "10.99."))).received).toBe(3);
  for (const reverse of [false, true]) {
    const { bitsPerSecond } = await throughput(from, there, { seconds: 1, reverse });
    expect(bitsPerSecond).toBeGreaterThan(10e6);
  }
  const udp = await throughput(from, there, { seconds: 1, udp: { bytes: 1200, bitsPerSecond: 4e6 } });
  expect(udp.lostPercent).toBeLessThan(20);
}

function open(name: string): Promise<Pair> {
  const variant = variants.find((each) => each.name === name);
  if (variant === undefined) throw new Error(`no variant ${name}`);
  return variant.open(lab);
}
