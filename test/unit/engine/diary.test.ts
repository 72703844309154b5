import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, test } from "vitest";
import type { Look, Written } from "../../../src-main/engine/diary-recorder.ts";
import { DiaryRecorder } from "../../../src-main/engine/diary-recorder.ts";
import type { DiaryRow } from "../../../src-main/engine/diary-rows.ts";
import { downSample } from "../../../src-main/engine/diary-rows.ts";
import { DiaryStore } from "../../../src-main/engine/diary-store.ts";

const minute = 60_000;
const hour = 60 * minute;
const noon = Date.UTC(2026, 0, 15, 12);
const nas = { network: "home", key: "key-of-nas", name: "nas" };

function look(given: Partial<Look> = {}): Look {
  return {
    peer: nas,
    state: "connected",
    path: "direct 192.0.2.7:7743",
    kind: "direct",
    latencyMillis: 10,
    loss: 0,
    reason: "direct: nas answers at 192.0.2.7:7743",
    reasonCode: "direct-reflexive",
    decisions: [],
    rxBytes: 0,
    txBytes: 0,
    ...given,
  };
}

describe("the recorder", () => {
  let recorder: DiaryRecorder;
  beforeEach(() => {
    recorder = new DiaryRecorder();
  });
  const rows = (written: readonly Written[]) =>
    written.flatMap((each) => (each.kind === "row" ? [each.row] : []));
  const notes = (written: readonly Written[]) =>
    written.flatMap((each) => (each.kind === "note" ? [each.note] : []));

  it("makes one row of a minute with traffic, with what was measured in it", () => {
    for (const [at, latencyMillis] of [10, 30, 20, 90].entries()) {
      recorder.look([look({ latencyMillis, loss: 0.02, rxBytes: at * 100, txBytes: at })], noon + at * 5000);
    }
    const written = recorder.look([look({ rxBytes: 1000, txBytes: 9 })], noon + minute);
    expect(rows(written)).toEqual([
      {
        at: noon,
        median: 20,
        lowest: 10,
        highest: 90,
        loss: 0.02,
        state: "connected",
        path: "direct 192.0.2.7:7743",
        rxBytes: 300,
        txBytes: 3,
      },
    ]);
  });

  it("writes nothing of a minute without traffic, and counts each byte once", () => {
    recorder.look([look({ rxBytes: 500 })], noon);
    expect(rows(recorder.look([look({ rxBytes: 500 })], noon + minute))).toMatchObject([{ rxBytes: 500 }]);
    expect(rows(recorder.look([look({ rxBytes: 700 })], noon + 2 * minute))).toEqual([]);
    expect(rows(recorder.look([look({ rxBytes: 700 })], noon + 3 * minute))).toMatchObject([
      { at: noon + 2 * minute, rxBytes: 200 },
    ]);
    expect(rows(recorder.end())).toEqual([]);
  });

  it("knows since when a peer is reached as it is", () => {
    expect(recorder.since(nas.key)).toBeNull();
    recorder.look([look()], noon);
    recorder.look([look({ path: "direct 198.51.100.9:7743", latencyMillis: 30 })], noon + minute);
    expect(recorder.since(nas.key)).toBe(noon);
    recorder.look([look({ path: "via oslo", kind: "relay" })], noon + 2 * minute);
    recorder.look([look({ path: "via oslo", kind: "relay", state: "idle" })], noon + 3 * minute);
    expect(recorder.since(nas.key)).toBe(noon + 2 * minute);
    recorder.look([look({ path: "via oslo, atlas", kind: "relay" })], noon + 4 * minute);
    expect(recorder.since(nas.key)).toBe(noon + 4 * minute);
    recorder.look([look({ path: null, kind: null, state: "offline" })], noon + 5 * minute);
    expect(recorder.since(nas.key)).toBe(noon + 5 * minute);
  });

  it("takes counters that fell for a new start", () => {
    recorder.look([look({ rxBytes: 5000 })], noon);
    recorder.look([look({ rxBytes: 70 })], noon + minute);
    expect(rows(recorder.end())).toMatchObject([{ at: noon + minute, rxBytes: 70 }]);
  });

  it("counts what flowed while a peer was away only once", () => {
    recorder.look([look({ rxBytes: 5000 })], noon);
    recorder.look([], noon + minute);
    recorder.look([look({ rxBytes: 5100 })], noon + 2 * minute);
    recorder.look([], noon + 3 * minute);
    recorder.look([look({ rxBytes: 30 })], noon + 4 * minute);
    expect(rows(recorder.end())).toMatchObject([{ rxBytes: 30 }]);
    recorder = new DiaryRecorder();
    recorder.look([look({ rxBytes: 5000 })], noon);
    recorder.look([], noon + minute);
    recorder.look([look({ rxBytes: 5100 })], noon + 2 * minute);
    expect(rows(recorder.end())).toMatchObject([{ rxBytes: 100 }]);
  });

  it("writes the minute that ran when a peer goes, or everything ends", () => {
    recorder.look([look()], noon);
    recorder.look([look({ txBytes: 40 })], noon + 5000);
    expect(rows(recorder.look([], noon + 10_000))).toMatchObject([{ txBytes: 40 }]);
    expect(recorder.end()).toEqual([]);
  });

  it("notes each decision once, and each change of path or state with its reason", () => {
    const decided = [{ at: noon - 1, text: "session with nas" }];
    expect(notes(recorder.look([look({ decisions: decided })], noon))).toEqual([
      { at: noon - 1, code: "session", text: "session with nas" },
      { at: noon, code: "direct-reflexive", text: "direct: nas answers at 192.0.2.7:7743" },
    ]);
    expect(recorder.look([look({ decisions: decided })], noon + 5000)).toEqual([]);
    // Silence is no news while the path stays.
    expect(recorder.look([look({ decisions: decided, state: "idle" })], noon + 10_000)).toEqual([]);

    const reason = "relayed through oslo: the direct path to nas broke and is being tried again";
    const more = [...decided, { at: noon + 11_000, text: "no answer from 192.0.2.7:7743" }];
    const moved = { path: "via oslo", reason, reasonCode: "relay-direct-lost", decisions: more };
    expect(notes(recorder.look([look(moved)], noon + 15_000))).toEqual([
      { at: noon + 11_000, code: "session", text: "no answer from 192.0.2.7:7743" },
      { at: noon + 15_000, code: "relay-direct-lost", text: reason },
    ]);
    const gone = { path: null, state: "offline" as const, reasonCode: "peer-offline", decisions: more };
    expect(
      notes(recorder.look([look({ ...gone, reason: "nas is not connected to the router" })], noon + 20_000)),
    ).toMatchObject([{ code: "peer-offline" }]);
  });

  it("gives a decision that is the reason the reason's code, and does not say it twice", () => {
    const text = "direct: nas answers at 192.0.2.7:7743";
    expect(notes(recorder.look([look({ decisions: [{ at: noon, text }] })], noon))).toEqual([
      { at: noon, code: "direct-reflexive", text },
    ]);
  });
});

describe("down-sampling", () => {
  const anyRow: fc.Arbitrary<DiaryRow> = fc.record({
    at: fc.integer({ min: 0, max: 5000 }).map((minutes) => noon + minutes * minute),
    median: fc.option(fc.integer({ min: 1, max: 500 })),
    lowest: fc.option(fc.integer({ min: 1, max: 500 })),
    highest: fc.option(fc.integer({ min: 1, max: 500 })),
    loss: fc.option(fc.double({ min: 0, max: 1, noNaN: true })),
    state: fc.constantFrom("connected", "idle"),
    path: fc.option(fc.constantFrom("via nas", "direct 192.0.2.7:1")),
    rxBytes: fc.nat(1_000_000),
    txBytes: fc.nat(1_000_000),
  });

  test("keeps lowest, highest and every byte, in order, in spans that begin on the grid", () => {
    fc.assert(
      fc.property(fc.array(anyRow, { maxLength: 200 }), fc.integer({ min: 1, max: 600 }), (all, minutes) => {
        const rows = [...all].sort((one, other) => one.at - other.at);
        const span = minutes * minute;
        const joined = downSample(rows, { since: noon, span });
        const known = (values: readonly (number | null)[]) => values.filter((value) => value !== null);
        const sum = (values: readonly number[]) => values.reduce((total, each) => total + each, 0);
        expect(Math.min(...known(joined.map((row) => row.lowest)))).toBe(
          Math.min(...known(rows.map((row) => row.lowest))),
        );
        expect(Math.max(...known(joined.map((row) => row.highest)))).toBe(
          Math.max(...known(rows.map((row) => row.highest))),
        );
        expect(sum(joined.map((row) => row.rxBytes))).toBe(sum(rows.map((row) => row.rxBytes)));
        expect(sum(joined.map((row) => row.txBytes))).toBe(sum(rows.map((row) => row.txBytes)));
        expect(joined.length).toBeLessThanOrEqual(Math.ceil((5001 * minute) / span));
        joined.forEach((row, at) => {
          expect((row.at - noon) % span).toBe(0);
          expect(row.at).toBeGreaterThan(joined[at - 1]?.at ?? 0);
          const own = rows.filter((each) => each.at >= row.at && each.at < row.at + span);
          const medians = known(own.map((each) => each.median));
          if (row.median === null) expect(medians).toEqual([]);
          else expect(medians).toContain(row.median);
          expect(row.path).toBe(own.at(-1)?.path);
        });
      }),
    );
  });

  test("takes the middle of the medians", () => {
    const row = (at: number, median: number): DiaryRow => ({
      at: noon + at * minute,
      median,
      lowest: median - 1,
      highest: median + 1,
      loss: median / 100,
      state: "connected",
      path: null,
      rxBytes: 1,
      txBytes: 2,
    });
    expect(
      downSample([row(0, 10), row(1, 90), row(2, 20), row(3, 5)], { since: noon, span: 3 * minute }),
    ).toEqual([
      { ...row(0, 20), lowest: 9, highest: 91, loss: expect.closeTo(0.4), rxBytes: 3, txBytes: 6 },
      row(3, 5),
    ]);
  });
});

describe("the store", () => {
  let folder: string;
  let path: string;
  let logged: string[];
  const stores: DiaryStore[] = [];
  const open = (limits = { age: 14 * 24 * hour, bytes: 50_000_000 }) => {
    const store = new DiaryStore({ path, limits, log: (event) => logged.push(event) });
    stores.push(store);
    return store;
  };
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "starmesh-diary-"));
    path = join(folder, "diary.db");
    logged = [];
  });
  afterEach(async () => {
    for (const store of stores.splice(0)) await store.close(noon);
    rmSync(folder, { recursive: true, force: true });
  });

  const row = (at: number, given: Partial<DiaryRow> = {}): Written => ({
    kind: "row",
    peer: nas,
    row: {
      at,
      median: 10,
      lowest: 8,
      highest: 30,
      loss: 0.1,
      state: "connected",
      path: "via oslo",
      rxBytes: 100,
      txBytes: 50,
      ...given,
    },
  });
  const note = (at: number, text: string, peer = nas): Written => ({
    kind: "note",
    peer,
    note: { at, code: "session", text },
  });
  const always = { since: 0, until: Number.MAX_SAFE_INTEGER };

  it("makes no file before the first row, and one with it", async () => {
    const store = open();
    expect(await store.rows(always)).toEqual([]);
    await store.write(noon);
    expect(existsSync(path)).toBe(false);
    store.add([row(noon)]);
    await store.write(noon);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });

  it("tells what waits as well as what is written, and all of it after a new start", async () => {
    const store = open();
    store.add([row(noon), note(noon + 1, "one")]);
    await store.write(noon);
    store.add([row(noon + minute), note(noon + 2, "two")]);
    const seen = await store.rows(always);
    expect(seen.map(({ at }) => at)).toEqual([noon, noon + minute]);
    expect(seen[0]).toEqual(row(noon).kind === "row" ? (row(noon) as { row: DiaryRow }).row : null);
    expect((await store.notes(always, 10)).map(({ text }) => text)).toEqual(["one", "two"]);
    expect((await store.notes(always, 1)).map(({ text }) => text)).toEqual(["two"]);
    await store.close(noon);

    const again = open();
    expect((await again.rows(always)).map(({ at }) => at)).toEqual([noon, noon + minute]);
    expect(await again.find("nas")).toEqual([nas]);
    expect(await again.find("key-")).toEqual([nas]);
    expect(await again.find("na")).toEqual([]);
    expect(logged).toEqual([]);
  });

  it("joins two parts of one minute", async () => {
    const store = open();
    store.add([row(noon)]);
    await store.write(noon);
    store.add([row(noon, { lowest: 3, highest: null, rxBytes: 7, median: 12 })]);
    await store.write(noon);
    expect(await store.rows(always)).toMatchObject([{ lowest: 3, highest: 30, rxBytes: 107, median: 12 }]);
  });

  it("keeps peers and times apart", async () => {
    const store = open();
    const other = { ...nas, key: "key-of-oslo", name: "oslo" };
    store.add([row(noon), note(noon, "mine"), note(noon, "other", other), note(noon + hour, "later")]);
    await store.write(noon);
    const of = (key: string, until: number) => ({ network: "home", key, since: noon, until });
    expect((await store.notes(of(nas.key, noon + hour), 10)).map(({ text }) => text)).toEqual(["mine"]);
    expect((await store.notes(of(other.key, noon + 1), 10)).map(({ peer }) => peer)).toEqual([other]);
    expect(await store.rows(of(other.key, noon + 1))).toEqual([]);
    expect(await store.rows({ ...of(nas.key, noon + 1), network: "elsewhere" })).toEqual([]);
  });

  it("drops what is older than its age, and peers of which nothing is left", async () => {
    const store = open({ age: hour, bytes: 50_000_000 });
    store.add([row(noon), note(noon, "old", { ...nas, key: "gone-key", name: "gone" })]);
    await store.write(noon);
    store.add([row(noon + 2 * hour)]);
    await store.write(noon + 2 * hour);
    expect((await store.rows(always)).map(({ at }) => at)).toEqual([noon + 2 * hour]);
    expect(await store.find("gone")).toEqual([]);
  });

  it("drops the oldest first where it grows too long", async () => {
    const bytes = 300_000;
    const store = open({ age: 1000 * hour, bytes });
    let now = noon;
    for (let batch = 0; batch < 10; batch++) {
      store.add(Array.from({ length: 1000 }, (_, at) => row(noon + (batch * 1000 + at) * minute)));
      now += 1000 * minute;
      await store.write(now);
    }
    const kept = await store.rows(always);
    expect(kept.length).toBeGreaterThan(1000);
    expect(kept.length).toBeLessThan(9000);
    expect(kept.at(-1)?.at).toBe(noon + 9999 * minute);
    expect(kept[0]?.at).toBeGreaterThan(noon + 1000 * minute);
    await store.close(now);
    expect(statSync(path).size).toBeLessThan(bytes * 1.5);
  });

  it.each([
    ["no database at all", Buffer.from("this was something else".repeat(400))],
    ["nothing but zeros", Buffer.alloc(8192, 1)],
  ])("sets aside a file that is %s, with one line, and begins anew", async (_, content) => {
    writeFileSync(path, content);
    const store = open();
    store.add([row(noon)]);
    await store.write(noon);
    expect(await store.rows(always)).toHaveLength(1);
    expect(logged).toEqual(["diary set aside"]);
    expect(readFileSync(`${path}.damaged`).equals(content)).toBe(true);
  });

  it("sets aside a file that breaks while it is in use", async () => {
    const first = open();
    first.add(Array.from({ length: 2000 }, (_, at) => row(noon + at * minute)));
    await first.write(noon);
    await first.close(noon);
    const bytes = readFileSync(path);
    writeFileSync(path, Buffer.concat([bytes.subarray(0, 4096), Buffer.alloc(bytes.length - 4096, 7)]));
    const store = open();
    store.add([row(noon)]);
    await store.write(noon);
    store.add([row(noon + minute)]);
    await store.write(noon);
    expect((await store.rows(always)).map(({ at }) => at)).toContain(noon + minute);
    expect(logged).toContain("diary set aside");
  });

  it("costs the diary only where the disk cannot be written", async () => {
    writeFileSync(join(folder, "file"), "");
    path = join(folder, "file", "diary.db");
    const store = open();
    store.add([row(noon)]);
    await store.write(noon);
    expect(await store.rows(always)).toEqual([]);
    expect(logged).toEqual(["diary off"]);
  });
});
