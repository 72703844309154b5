import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { LatencyHistory, LatencyLog, linePath, summarise } from "../../../src-renderer/state/history.ts";
import { absorb, createPanel } from "../../../src-renderer/state/panel.ts";
import { peerKey } from "../../../src-renderer/state/peer-list.ts";
import { createSimulatedClock } from "../../fakes/clock.ts";
import { createFakeEngine } from "../../fakes/engine.ts";

describe("a latency history", () => {
  it("keeps the newest points, and no more than its capacity", () => {
    const history = new LatencyHistory(600);
    for (let second = 1; second <= 5000; second++) history.add(second * 1000, second);
    expect(history.points()).toHaveLength(600);
    expect(history.points().at(-1)).toEqual({ at: 5_000_000, milliseconds: 5000 });
    expect(history.latest(3).map(({ milliseconds }) => milliseconds)).toEqual([4998, 4999, 5000]);
  });

  it("goes forward in time only, so that a chart can draw it", () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 100 })), (times) => {
        const history = new LatencyHistory(20);
        for (const at of times) history.add(at, 1);
        const kept = history.points().map(({ at }) => at);
        expect(kept).toEqual([...new Set(kept)].sort((one, other) => one - other));
      }),
    );
  });

  it("is forgotten with its peer", () => {
    const log = new LatencyLog();
    for (const key of ["a", "b", "c"]) log.of(key).add(1, 1);
    log.keep(new Set(["b"]));
    expect(log.size).toBe(1);
    expect(log.of("a").points()).toEqual([]);
  });

  it("is summed up without the answers that are missing", () => {
    const points = [4, null, 2, 9].map((milliseconds, at) => ({ at, milliseconds }));
    expect(summarise(points)).toEqual({ lowest: 2, highest: 9, median: 4, lostPercent: 25 });
    expect(summarise([{ at: 0, milliseconds: null }])).toBeNull();
    expect(summarise([])).toBeNull();
  });
});

describe("a line through points", () => {
  const box = { width: 60, height: 20, seconds: 60 };

  it("ends at the right edge, a second a step, and stays inside", () => {
    const points = [0, 1, 2].map((second) => ({ at: second * 1000, milliseconds: 10 }));
    expect(linePath(points, box)).toMatch(/^M58\.0 [\d.]+L59\.0 [\d.]+L60\.0 [\d.]+$/);
  });

  it("is broken where an answer is missing, and drops what is too old", () => {
    const points = [
      { at: 0, milliseconds: 5 },
      { at: 100_000, milliseconds: 5 },
      { at: 101_000, milliseconds: null },
      { at: 102_000, milliseconds: 5 },
    ];
    expect(linePath(points, box).match(/[ML]/g)).toEqual(["M", "M"]);
  });
});

describe("the panel's state", () => {
  it("gathers latency and traffic of each peer, and forgets peers that left", async () => {
    const clock = createSimulatedClock();
    const engine = createFakeEngine({ clock });
    const { store } = createPanel();
    for (let second = 0; second < 30; second++) {
      const status = await engine.handlers["status.read"]({});
      store.setState(absorb(store.getState(), status, clock.now()));
      clock.advance(1000);
    }
    const { status, latency, traffic } = store.getState();
    const nas = status?.peers.find(({ name }) => name === "nas");
    const key = nas === undefined ? "" : peerKey(nas);
    expect(latency.of(key).points()).toHaveLength(30);
    expect([...traffic.values()].some(({ rxRate, txRate }) => rxRate + txRate > 0)).toBe(true);

    await engine.handlers["networks.down"]({ networks: [] });
    const silent = await engine.handlers["status.read"]({});
    store.setState(absorb(store.getState(), silent, clock.now()));
    expect(latency.size).toBe(0);
    expect(store.getState().traffic.size).toBe(0);
    engine.stop();
  });

  it("takes the silence of the engine for a standstill", async () => {
    const clock = createSimulatedClock();
    const engine = createFakeEngine({ clock });
    const { store, listener, tick } = createPanel(clock.now);
    const status = await engine.handlers["status.read"]({});
    const [first] = status.peers;
    if (first === undefined) throw new Error("the fake has peers");
    listener.onOpen({} as never);
    listener.onStatus({ ...status, peers: [{ ...first, rxBytes: 0 }] });
    clock.advance(1000);
    listener.onStatus({ ...status, peers: [{ ...first, rxBytes: 50_000 }] });
    expect(store.getState().traffic.get(peerKey(first))?.rxRate).toBe(50_000);
    clock.advance(3000);
    tick();
    expect(store.getState().traffic.get(peerKey(first))?.rxRate).toBe(0);
    engine.stop();
  });
});
