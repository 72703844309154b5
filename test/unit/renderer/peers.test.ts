import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  countPeers,
  countPresences,
  hasPresence,
  holdOrder,
  matchesQuery,
  peerKey,
  sortPeers,
} from "../../../src-renderer/state/peer-list.ts";
import { rowsInView } from "../../../src-renderer/state/rows.ts";
import { measureTraffic } from "../../../src-renderer/state/traffic.ts";
import type { PeerStatus } from "../../../src-shared/status.ts";

const states = ["connected", "idle", "connecting", "unreachable", "offline"] as const;

function peer(
  given: Partial<PeerStatus> & { readonly latencyMs?: number | null; readonly via?: string[] },
): PeerStatus {
  const { latencyMs = 5, via = [], ...rest } = given;
  const name = rest.name ?? "nas";
  const state = rest.state ?? "connected";
  return {
    name,
    network: "home",
    address: "10.1.0.2",
    addresses: ["10.1.0.2"],
    publicKey: `key of ${name}`,
    kind: "node",
    admin: false,
    path:
      state !== "connected" && state !== "idle"
        ? null
        : {
            kind: via.length > 0 ? "relay" : "direct",
            transport: "udp",
            via,
            remote: "192.0.2.1:7743",
            latencyMs,
            lossPercent: 0,
            lossOutPercent: 0,
            lossInPercent: 0,
            jitterMs: 1,
            mtu: 1400,
            hops: via.length + 1,
            shared: 1,
            standby: null,
            reason: "",
          },
    reason: null,
    reasonCode: null,
    verdict: null,
    pin: null,
    rxBytes: 0,
    txBytes: 0,
    lastHandshake: null,
    ...rest,
    state,
  };
}

const anyPeer = fc
  .record({
    name: fc.stringMatching(/^[a-z]{1,6}$/),
    state: fc.constantFrom(...states),
    latencyMs: fc.option(fc.double({ min: 0.1, max: 400, noNaN: true })),
  })
  .map(peer);

describe("who is online", () => {
  it("is everybody but who is offline, also out of reach", () => {
    const counts = { all: 5, online: 4, offline: 1 };
    expect(countPresences(states.map((state) => peer({ state })))).toEqual(counts);
    expect(states.filter((state) => hasPresence({ state }, "online"))).toEqual(states.slice(0, 4));
  });

  it("is counted as it is listed", () => {
    fc.assert(
      fc.property(fc.array(anyPeer), (peers) => {
        for (const [presence, count] of Object.entries(countPresences(peers)))
          expect(peers.filter((each) => hasPresence(each, presence as "all"))).toHaveLength(count);
      }),
    );
  });
});

describe("the order of peers", () => {
  it("puts who can be reached first, then the fastest, then by name", () => {
    const peers = [
      peer({ name: "off", state: "offline" }),
      peer({ name: "slow", latencyMs: 80 }),
      peer({ name: "unmeasured", latencyMs: null }),
      peer({ name: "idle-near", state: "idle", latencyMs: 1 }),
      peer({ name: "fast", latencyMs: 2 }),
      peer({ name: "also-fast", latencyMs: 2 }),
    ];
    expect(sortPeers(peers, "latency", new Map()).map(({ name }) => name)).toEqual([
      "also-fast",
      "fast",
      "slow",
      "unmeasured",
      "idle-near",
      "off",
    ]);
  });

  it("counts digits in names as numbers", () => {
    const peers = ["node-10", "node-9", "node-1"].map((name) => peer({ name }));
    expect(sortPeers(peers, "name", new Map()).map(({ name }) => name)).toEqual([
      "node-1",
      "node-9",
      "node-10",
    ]);
  });

  it("puts the busiest first when traffic is asked for", () => {
    const [calm, busy] = [peer({ name: "calm" }), peer({ name: "busy" })];
    const rates = (rxRate: number) => ({ at: 0, rxBytes: 0, txBytes: 0, rxRate, txRate: 0 });
    const traffic = new Map([
      [peerKey(calm), rates(10)],
      [peerKey(busy), rates(9000)],
    ]);
    expect(sortPeers([calm, busy], "traffic", traffic)[0]?.name).toBe("busy");
  });

  it("loses and doubles nobody, and does not depend on the order it starts from", () => {
    fc.assert(
      fc.property(fc.uniqueArray(anyPeer, { selector: ({ name }) => name }), (peers) => {
        const sorted = sortPeers(peers, "latency", new Map());
        expect(new Set(sorted)).toEqual(new Set(peers));
        expect(sortPeers([...peers].reverse(), "latency", new Map())).toEqual(sorted);
      }),
    );
  });

  it("is held while the same peers are there, and given up when they change", () => {
    const [one, two] = [peer({ name: "one", latencyMs: 9 }), peer({ name: "two", latencyMs: 1 })];
    const keys = [peerKey(one), peerKey(two)];
    const faster = peer({ name: "one", latencyMs: 0.5 });
    expect(holdOrder(keys, [two, faster])).toEqual([faster, two]);
    expect(holdOrder(keys, [one])).toBeNull();
    expect(holdOrder(keys, [one, peer({ name: "three" })])).toBeNull();
  });
});

describe("searching peers", () => {
  it("finds words in name, network, address, relay and transport", () => {
    const found = peer({ name: "mei-laptop", address: "10.31.0.6", via: ["nas"] });
    for (const query of ["", "MEI", "31.0.6", "nas", "relay udp", "home mei"]) {
      expect(matchesQuery(found, query), query).toBe(true);
    }
    for (const query of ["direct", "mei tokyo"]) expect(matchesQuery(found, query), query).toBe(false);
  });
});

describe("counting peers", () => {
  it("tells reachable, direct and relayed ones apart", () => {
    const peers = [
      peer({ name: "a" }),
      peer({ name: "b", via: ["a"] }),
      peer({ name: "c", state: "idle" }),
      peer({ name: "d", state: "offline" }),
    ];
    expect(countPeers(peers)).toEqual({ total: 4, reachable: 3, direct: 2, relayed: 1 });
  });
});

describe("traffic", () => {
  const counters = (rxBytes: number, txBytes = 0) => ({ rxBytes, txBytes });

  it("is the growth of the counters over the time", () => {
    const first = measureTraffic(undefined, counters(1000), 0);
    expect(first.rxRate).toBe(0);
    expect(measureTraffic(first, counters(5000), 2000).rxRate).toBe(2000);
  });

  it("begins anew when the counters fell, because the engine was restarted", () => {
    const before = measureTraffic(undefined, counters(9000), 0);
    expect(measureTraffic(before, counters(10), 1000)).toMatchObject({ rxRate: 0, rxBytes: 10 });
  });

  it("does not take two looks at once for a rate", () => {
    const before = measureTraffic(undefined, counters(0), 0);
    expect(measureTraffic(before, counters(500), 10)).toBe(before);
  });

  it("falls to nothing in silence", () => {
    const before = measureTraffic(measureTraffic(undefined, counters(0), 0), counters(5000), 1000);
    expect(before.rxRate).toBe(5000);
    expect(measureTraffic(before, counters(5000), 3000).rxRate).toBe(0);
  });
});

describe("rows of a long list", () => {
  it("exist where they are in view, with a margin", () => {
    const rows = rowsInView({ top: -4800, rowHeight: 48, count: 1000 }, 800);
    expect(rows.first).toBeLessThan(100);
    expect(rows.end).toBeGreaterThan(116);
    expect(rows.end - rows.first).toBeLessThan(50);
  });

  it("never leave the list, wherever it lies", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: -100_000, max: 100_000 }),
        fc.integer({ min: 0, max: 2000 }),
        fc.integer({ min: 0, max: 3000 }),
        (top, count, viewHeight) => {
          const { first, end } = rowsInView({ top, rowHeight: 48, count }, viewHeight);
          expect(0 <= first && first <= end && end <= count).toBe(true);
        },
      ),
    );
  });
});
