import { describe, expect, it } from "vitest";
import type { Counters, PeerCounters } from "../../../drivers/dataplane.ts";
import { Traffic } from "../../../src-main/engine/traffic.ts";

function peer(name: string, packets: number, bytes: number): PeerCounters {
  return {
    realm: "home",
    peer: name,
    rxBytes: bytes / 2,
    txBytes: bytes / 2,
    rxPackets: packets,
    txPackets: packets,
    lastHandshakeMillis: null,
    lastReceivedMillis: null,
    suite: 1,
  };
}

function counters(...peers: readonly PeerCounters[]): Counters {
  return { peers, refused: {}, relayed: { datagrams: 0, bytes: 0 } };
}

describe("traffic between two looks", () => {
  it("[C08] names who had packets, and who had so many that close watching weighs nothing", () => {
    const traffic = new Traffic();
    traffic.take(counters(peer("ann", 10, 1000), peer("bob", 10, 1000), peer("cy", 10, 1000)));
    const moved = traffic.take(
      counters(peer("ann", 10, 1000), peer("bob", 11, 1100), peer("cy", 90, 101_000)),
    );
    expect(moved.get("home")).toEqual({ peers: ["bob", "cy"], heavy: ["cy"] });
    expect(traffic.take(counters(peer("ann", 10, 1000))).size).toBe(0);
  });

  it("reads all counters when a packet moved or a session began, else every tenth look", () => {
    const traffic = new Traffic();
    let [packets, reads] = [0, 0];
    const dataPlane = {
      packets: () => packets,
      counters: () => {
        reads++;
        return counters(peer("ann", packets, 0));
      },
    };
    const looks = (times: number) => {
      for (let look = 0; look < times; look++) traffic.look(dataPlane);
      return reads;
    };
    expect(looks(10)).toBe(1);
    expect(looks(1)).toBe(2);
    packets = 2;
    expect(traffic.look(dataPlane).get("home")?.peers).toEqual(["ann"]);
    expect(looks(1)).toBe(3);
    traffic.renew();
    expect(looks(1)).toBe(4);
  });
});
