import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { letPassOnly } from "./firewall.ts";
import { Firewalled } from "./firewalled.ts";
import { startTyping } from "./gap.ts";

let world: Firewalled;

beforeEach(async () => {
  world = new Firewalled();
  await world.open();
});

afterEach(() => world.lab.close());

describe("when nothing but TCP 443 passes any more under a connection", () => {
  it("[P16 W23 C08 C09] UDP is missed for two seconds at most, and taken again when it is open", async () => {
    await world.join();
    await world.onTransport((transport) => transport === "udp");
    const typing = await startTyping(world.alpha.host, { host: world.bravo.host, address: world.address });
    const open = letPassOnly(world.nat, "tcp dport 443", "tcp sport 443");
    const cut = performance.now();
    const transport = await world.onTransport((each) => each !== "udp");
    const moved = performance.now() - cut;
    const rate = await world.rate();
    open();
    const opened = performance.now();
    await world.onTransport((each) => each === "udp", 60_000);
    const returned = performance.now() - opened;
    const { error, echoed, longestMillis } = await typing.end();
    console.log(
      `UDP cut: silent for ${longestMillis} ms, over ${transport} after ${moved.toFixed(0)} ms at ${rate} Mbit/s, back on UDP ${returned.toFixed(0)} ms after it opened`,
    );
    expect(error).toBeNull();
    expect(echoed).toBeGreaterThan(0);
    expect(longestMillis).toBeLessThan(2000);
    expect(returned).toBeLessThan(30_000);
  });
});
