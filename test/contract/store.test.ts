/** One suite for every store of the router. */
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "libsql";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createMemoryStore } from "../../src-main/server/memory-store.ts";
import { openSqliteStore } from "../../src-main/server/sqlite.ts";
import type { RouterStore, StoredEntry, StoredNetwork } from "../../src-main/server/store.ts";
import { FoundedNetwork, testDevice } from "../fakes/founded-network.ts";
import { createTestNotary, testSigner } from "../fakes/notary.ts";
import { codeOf } from "./control-world.ts";

const notary = createTestNotary();
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "starmesh-store-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe.each([
  { kind: "memory", open: async () => createMemoryStore() },
  { kind: "sqlite", open: () => openSqliteStore(join(folder, "deep", "router.db")) },
])("store: $kind", ({ open }) => {
  let store: RouterStore;
  beforeEach(async () => {
    store = await open();
  });
  afterEach(() => store.close());

  it("begins empty", async () => {
    expect(await store.load()).toEqual([]);
    expect(await store.setting("port")).toBeNull();
  });

  it("keeps entries and reservations per network, and gives back what was put", async () => {
    const one = new FoundedNetwork();
    const two = new FoundedNetwork();
    const lease = { identity: testSigner().key, name: "nas", address: "10.20.0.9", until: null };
    const gone = { identity: testSigner().key, name: "old", address: "10.20.0.10", until: 1_800_000_000_000 };
    await store.change(one.id, { put: [stored(one.signedRecord())], reserve: [lease, gone] });
    await store.change(two.id, { put: [stored(two.signedRecord())] });
    const loaded = await store.load();
    expect(sorted(loaded, one.id)).toEqual({
      network: one.id,
      entries: [stored(one.signedRecord())],
      reservations: [lease, gone].sort((a, b) => (a.identity < b.identity ? -1 : 1)),
    });
    expect(sorted(loaded, two.id)?.reservations).toEqual([]);
  });

  it("replaces what has the same key, drops what is named, and takes repeats", async () => {
    const network = new FoundedNetwork();
    const record = stored(network.signedRecord());
    const certificate = stored(network.certificate(testDevice()));
    const identity = testSigner().key;
    const lease = { identity, name: "a", address: "10.20.0.2", until: null };
    for (const _ of [1, 2]) await store.change(network.id, { put: [record, certificate], reserve: [lease] });
    const later = { ...lease, address: "10.20.0.3", until: 5 };
    await store.change(network.id, { drop: [certificate.hash, "unknown"], reserve: [later] });
    expect(await store.load()).toEqual([{ network: network.id, entries: [record], reservations: [later] }]);
    await store.change(network.id, { free: [identity] });
    expect((await store.load())[0]?.reservations).toEqual([]);
  });

  it("removes before it adds: an entry both dropped and put stays", async () => {
    const network = new FoundedNetwork();
    const record = stored(network.signedRecord());
    await store.change(network.id, { put: [record], drop: [record.hash] });
    expect((await store.load())[0]?.entries).toEqual([record]);
  });

  it("keeps a network without content until it is forgotten, with all its content then", async () => {
    const network = new FoundedNetwork();
    await store.change(network.id, {});
    expect(await store.load()).toEqual([{ network: network.id, entries: [], reservations: [] }]);
    await store.change(network.id, { put: [stored(network.signedRecord())] });
    await store.forget(network.id);
    await store.forget(network.id);
    expect(await store.load()).toEqual([]);
    await store.change(network.id, {});
    expect((await store.load())[0]?.entries).toEqual([]);
  });

  it("keeps settings, the last one written", async () => {
    await store.setSetting("port", "7743");
    await store.setSetting("port", "7744");
    expect(await store.setting("port")).toBe("7744");
  });

  it("applies concurrent writes in the order of their calls", async () => {
    const network = new FoundedNetwork();
    const entries = Array.from({ length: 50 }, () => stored(network.certificate(testDevice())));
    await Promise.all([
      ...entries.map((entry) => store.change(network.id, { put: [entry] })),
      store.change(network.id, { drop: entries.slice(10).map(({ hash }) => hash) }),
      ...Array.from({ length: 20 }, (_, at) => store.setSetting("last", String(at))),
    ]);
    const [loaded] = await store.load();
    expect(loaded?.entries.map(({ hash }) => hash).sort()).toEqual(
      entries
        .slice(0, 10)
        .map(({ hash }) => hash)
        .sort(),
    );
    expect(await store.setting("last")).toBe("19");
  });
});

describe("store: sqlite on disk", () => {
  const path = () => join(folder, "router.db");

  it("holds everything after it was closed, and after it was not", async () => {
    const network = new FoundedNetwork();
    const store = await openSqliteStore(path());
    await store.change(network.id, { put: [stored(network.signedRecord())] });
    await store.setSetting("port", "7743");
    // A second opening sees what is committed, as one after a kill would.
    const other = await openSqliteStore(path());
    expect((await other.load())[0]?.entries).toHaveLength(1);
    await other.close();
    await store.close();
    const again = await openSqliteStore(path());
    expect(await again.setting("port")).toBe("7743");
    await again.close();
  });

  it("writes ahead of the file", async () => {
    const store = await openSqliteStore(path());
    await store.setSetting("a", "b");
    expect(statSync(`${path()}-wal`).size).toBeGreaterThan(0);
    await store.close();
  });

  it("rejects a write that fails, keeps what was there, and goes on with the next", async () => {
    const network = new FoundedNetwork();
    const store = await openSqliteStore(path());
    const broken = { hash: "x", signed: undefined } as unknown as StoredEntry;
    expect(await codeOf(store.change(network.id, { put: [broken] }))).toBe("state-not-writable");
    expect(await store.load()).toEqual([]);
    await store.setSetting("a", "b");
    expect(await store.setting("a")).toBe("b");
    await store.close();
  });

  it("refuses a file of a newer schema, one that is no database, and rows that are nothing of ours", async () => {
    writeFileSync(join(folder, "text.db"), "this is not a database, however long it may be ".repeat(40));
    expect(await codeOf(openSqliteStore(join(folder, "text.db")))).toBe("state-unreadable");

    const store = await openSqliteStore(path());
    await store.change(new FoundedNetwork().id, {});
    await store.close();
    const raw = new Database(path());
    raw.exec("INSERT INTO entries VALUES ((SELECT id FROM networks), 'h', '{\"kind\":1}')");
    raw.close();
    const damaged = await openSqliteStore(path());
    expect(await codeOf(damaged.load())).toBe("state-unreadable");
    await damaged.close();

    const newer = new Database(path());
    newer.exec("PRAGMA user_version = 99");
    newer.close();
    await expect(openSqliteStore(path())).rejects.toThrow(/newer Starmesh/);
  });

  it("says which folder cannot be written", async () => {
    writeFileSync(join(folder, "file"), "");
    expect(await codeOf(openSqliteStore(join(folder, "file", "router.db")))).toBe("state-not-writable");
  });
});

function stored(signed: StoredEntry["signed"]): StoredEntry {
  return { hash: notary.verify(signed)?.hash ?? "", signed };
}

function sorted(networks: readonly StoredNetwork[], id: string): StoredNetwork | undefined {
  const found = networks.find(({ network }) => network === id);
  if (found === undefined) return undefined;
  return {
    ...found,
    reservations: [...found.reservations].sort((a, b) => (a.identity < b.identity ? -1 : 1)),
  };
}
