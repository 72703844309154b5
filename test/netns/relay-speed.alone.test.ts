import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Lab } from "./lab.ts";
import { meet, RemotePlane } from "./plane.ts";
import { throughput } from "./traffic.ts";

// Three data planes in the open, without engines: two ends, and one that relays between them.
let lab: Lab;

beforeEach(() => {
  lab = new Lab();
});

afterEach(() => lab.close());

describe("a relay", () => {
  it("[C12] [P24] passes on at a good part of what goes directly, on the same cores", async () => {
    const start = (name: string, number: number, packets: boolean) =>
      RemotePlane.start(lab.publicHost(name), number, { packets });
    const [relay, one, other] = [
      await start("relay", 1, false),
      await start("one", 11, true),
      await start("other", 12, true),
    ];
    const endpointOf = (plane: RemotePlane) => `${plane.host.address}:7743`;
    for (const end of [one, other]) await meet(end, relay, endpointOf(relay));
    await meet(one, other, endpointOf(other));
    const channels = await relay.call("openChannel", "net", one.key, other.key);
    const ways = {
      direct: [endpointOf(other), endpointOf(one)],
      relayed: [`${endpointOf(relay)}#${channels.from}`, `${endpointOf(relay)}#${channels.to}`],
    } as const;
    const gigabits = { direct: [] as number[], relayed: [] as number[] };
    // In turns, so that whatever else the machine does hits both.
    for (let round = 0; round < 3; round++) {
      for (const way of ["direct", "relayed"] as const) {
        const [near, far] = ways[way];
        await Promise.all([one.use(other, near), other.use(one, far)]);
        const there = { host: other.host, address: other.address };
        const before = (await relay.call("counters")).relayed.bytes;
        const { bitsPerSecond } = await throughput(one.host, there, { seconds: 2 });
        const passedOn = (await relay.call("counters")).relayed.bytes - before;
        const carried = (bitsPerSecond * 2) / 8;
        expect(passedOn / carried, way).toSatisfy((share: number) =>
          way === "relayed" ? share > 0.9 : share < 0.1,
        );
        gigabits[way].push(bitsPerSecond / 1e9);
      }
    }
    const [direct, relayed] = [Math.max(...gigabits.direct), Math.max(...gigabits.relayed)];
    console.log(
      `direct ${direct.toFixed(2)} Gbit/s, relayed ${relayed.toFixed(2)} Gbit/s: ${(relayed / direct).toFixed(2)}`,
    );
    expect(relayed / direct).toBeGreaterThan(0.1);
  });
});
