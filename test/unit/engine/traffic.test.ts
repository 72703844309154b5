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
});
