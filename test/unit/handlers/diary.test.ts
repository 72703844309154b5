import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Diary } from "../../../src-main/engine/diary.ts";
import { diaryHandlers } from "../../../src-main/handlers/diary.ts";
import type { Install } from "../../../src-main/handlers/install.ts";
import type { PeerView } from "../../../src-main/mesh/peer-view.ts";
import { contract } from "../../../src-shared/api/contract.ts";
import { AppError } from "../../../src-shared/errors.ts";

const noon = Date.UTC(2026, 0, 15, 12);
const minute = 60_000;

describe("diary.read", () => {
  let folder: string;
  let now: number;
  let diary: Diary;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "starmesh-diary-"));
    now = noon;
    diary = new Diary({ folder, log: () => undefined, now: () => now });
  });
  afterEach(async () => {
    await diary.close();
    rmSync(folder, { recursive: true, force: true });
  });

  /** An hour of a peer that is relayed at first, and direct after half of it. */
  function live(): void {
    for (let at = 0; at < 720; at++) {
      now = noon + at * 5000;
      expect(diary.isDue(true)).toBe(true);
      expect(diary.isDue(true)).toBe(false);
      const direct = at >= 360;
      diary.look("id-of-home", [view(direct)], () => counters(at * 1000, at));
    }
    now = noon + 60 * minute;
    diary.look("id-of-home", [view(true)], () => counters(720_000, 720));
  }

  /** As the data plane counts, with more than the diary asks for. */
  function counters(rxBytes: number, txBytes: number) {
    return { realm: "id-of-home", peer: "session-key-of-nas", rxBytes, txBytes, rxPackets: 1, txPackets: 1 };
  }

  function view(direct: boolean): PeerView {
    const path = {
      kind: direct ? ("direct" as const) : ("relay" as const),
      remote: "192.0.2.7:7743",
      via: direct ? [] : ["oslo"],
      latencyMillis: direct ? 12 : 40,
      loss: 0.01,
      reason: direct
        ? "direct: nas answers at 192.0.2.7:7743"
        : "relayed through oslo: nas has told no other address",
    };
    return {
      sessionKey: "session-key-of-nas",
      certificate: { name: "nas" },
      state: "connected",
      path,
      reason: null,
      reasonCode: direct ? "direct-reflexive" : "relay-direct-unanswered",
      decisions: [],
    } as unknown as PeerView;
  }

  /** The part of an install that the handler asks: all networks are down, so only the diary knows the peer. */
  function handler() {
    const home = { stored: { network: "id-of-home", name: "home" }, loop: null };
    const networks = {
      all: () => [home],
      find: (name: string) => {
        if (name !== "home") throw new AppError("unknown-network", { name });
        return home;
      },
    };
    return diaryHandlers({ engine: { diary, networks } } as unknown as Install)["diary.read"];
  }

  const read = async (input: object) =>
    contract["diary.read"].output.parse(await handler()(contract["diary.read"].input.parse(input)));
  const times = { since: new Date(noon).toISOString(), until: new Date(noon + 61 * minute).toISOString() };

  it("looks again after five seconds when something changed, else after half a minute", () => {
    expect(diary.isDue(false)).toBe(true);
    now = noon + 29_000;
    expect(diary.isDue(false)).toBe(false);
    expect(diary.isDue(true)).toBe(true);
    now = noon + 33_000;
    expect(diary.isDue(true)).toBe(false);
    now = noon + 59_000;
    expect(diary.isDue(false)).toBe(true);
  });

  it("tells a peer's latency in as many spans as were asked for, and why its path changed", async () => {
    live();
    const { points, events, spanSeconds } = await read({ ...times, peer: "nas", points: 13 });
    expect(spanSeconds).toBe(300);
    expect(points).toHaveLength(12);
    expect(points[0]).toMatchObject({ at: times.since, latencyMs: 40, lossPercent: 1, path: "via oslo" });
    expect(points.at(-1)).toMatchObject({ latencyMs: 12, path: "direct 192.0.2.7:7743", state: "connected" });
    expect(points.reduce((sum, { rxBytes }) => sum + rxBytes, 0)).toBe(719_000);
    expect(events.map(({ at, code, peer, network }) => ({ at, code, peer, network }))).toEqual([
      { at: times.since, code: "relay-direct-unanswered", peer: "nas", network: "home" },
      {
        at: new Date(noon + 30 * minute).toISOString(),
        code: "direct-reflexive",
        peer: "nas",
        network: "home",
      },
    ]);
  });

  it("tells everybody's events without a peer, and a minute's row where that is finer than asked", async () => {
    live();
    const all = await read(times);
    expect(all.points).toEqual([]);
    expect(all.events).toHaveLength(2);
    const one = await read({ ...times, peer: "session-key", network: "home", points: 2000 });
    expect(one.spanSeconds).toBe(60);
    expect(one.points).toHaveLength(60);
  });

  it("refuses a peer and a network that nobody knows", async () => {
    live();
    await expect(read({ ...times, peer: "nobody" })).rejects.toMatchObject({ code: "unknown-peer" });
    await expect(read({ ...times, peer: "nas", network: "elsewhere" })).rejects.toMatchObject({
      code: "unknown-network",
    });
  });

  it("has it all after a new start", async () => {
    live();
    await diary.close();
    diary = new Diary({ folder, log: () => undefined, now: () => now });
    expect((await read({ ...times, peer: "nas", points: 2000 })).points).toHaveLength(61);
  });
});
