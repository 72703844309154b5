/** The diary's SQLite file: its schema, how rows go in and come out, and what is dropped. */
import { chmodSync } from "node:fs";
import { z } from "zod";
import type { Millis } from "../../src-shared/ids.ts";
import { peerStatus } from "../../src-shared/status.ts";
import type { Written } from "./diary-recorder.ts";
import type { DiaryNote, DiaryPeer, DiaryRow } from "./diary-rows.ts";

export interface DiaryLimits {
  readonly age: Millis;
  /** Of the rows on disk; the file may be some pages longer. */
  readonly bytes: number;
}

/** Whose rows are asked for; absent: everybody's. */
export interface DiaryQuery {
  readonly network?: string;
  /** Session key. */
  readonly key?: string;
  readonly since: Millis;
  /** Rows before this. */
  readonly until: Millis;
}

/** A note with whom it is about. */
export interface PeerNote extends DiaryNote {
  readonly peer: DiaryPeer;
}

/** The part of libsql's promise interface in use: statements run at once, `exec` off the main thread. */
export interface Sqlite {
  exec(sql: string): Promise<void>;
  prepare(sql: string): Promise<Statement>;
  close(): void;
}
type Values = readonly (string | number | null)[];
interface Statement {
  run(values: Values): unknown;
  get(values: Values): unknown;
  all(values: Values): Promise<readonly unknown[]>;
}

/** Opens or creates it. Throws for a file that is none of ours. */
export async function openFile(path: string): Promise<Sqlite> {
  // An idle node never loads the library.
  const { default: Database } = await import("libsql/promise");
  const database = new Database(path, {}) as unknown as Sqlite;
  try {
    await database.exec("PRAGMA auto_vacuum = INCREMENTAL");
    await database.exec("PRAGMA journal_mode = WAL");
    await database.exec("PRAGMA synchronous = NORMAL");
    const { user_version: version } = versionRow.parse(
      (await database.prepare("PRAGMA user_version")).get([]),
    );
    // A diary of another version is of no use, and no loss.
    if (version !== 0 && version !== schemaVersion)
      throw new Error(`file is not a database of ours: ${version}`);
    await database.exec(schema);
    // Whom one talks to, and when, is nobody else's business.
    chmodSync(path, 0o600);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** Writes a batch as one transaction. */
export async function insert(database: Sqlite, batch: readonly Written[]): Promise<void> {
  const peer = await database.prepare(
    "INSERT INTO peers (network, key, name) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET name = excluded.name RETURNING id",
  );
  const row = await database.prepare(
    `INSERT INTO rows (peer, at, median, lowest, highest, loss, state, path, rx, tx) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET median = excluded.median, lowest = coalesce(min(lowest, excluded.lowest), lowest, excluded.lowest),
       highest = coalesce(max(highest, excluded.highest), highest, excluded.highest), loss = excluded.loss, state = excluded.state, path = excluded.path,
       rx = rx + excluded.rx, tx = tx + excluded.tx`,
  );
  const note = await database.prepare(
    "INSERT INTO notes (peer, at, name, code, text) VALUES (?, ?, ?, ?, ?)",
  );
  await database.exec("BEGIN IMMEDIATE");
  try {
    const ids = new Map<string, number>();
    for (const each of batch) {
      const { network, key, name } = each.peer;
      const id = ids.get(`${network} ${key}`) ?? idRow.parse(peer.get([network, key, name])).id;
      ids.set(`${network} ${key}`, id);
      if (each.kind === "note") {
        note.run([id, each.note.at, name, each.note.code, each.note.text]);
        continue;
      }
      const { at, median, lowest, highest, loss, state, path, rxBytes, txBytes } = each.row;
      row.run([id, at, median, lowest, highest, loss, state, path, rxBytes, txBytes]);
    }
    await database.exec("COMMIT");
  } catch (error) {
    await database.exec("ROLLBACK").catch(() => undefined);
    throw error;
  }
}

/** Drops what is too old, then the oldest tenth of the time covered until the rest is small enough. */
export async function trim(
  database: Sqlite,
  { age, bytes, now }: DiaryLimits & { readonly now: Millis },
): Promise<void> {
  const dropBefore = async (at: number) => {
    const oldest = Math.floor(at);
    await database.exec(`DELETE FROM rows WHERE at < ${oldest}; DELETE FROM notes WHERE at < ${oldest}`);
  };
  await dropBefore(now - age);
  const ends = await database.prepare(
    "SELECT min(at) AS first, max(at) AS last FROM (SELECT at FROM rows UNION ALL SELECT at FROM notes)",
  );
  for (let tries = 0; tries < mostTrims && (await usedBytes(database)) > bytes; tries++) {
    const { first, last } = endsRow.parse(ends.get([]));
    if (first === null || last === null) break;
    await dropBefore(first + Math.max(1, (last - first) / 10));
  }
  await database.exec(
    `DELETE FROM peers WHERE id NOT IN (SELECT peer FROM rows) AND id NOT IN (SELECT peer FROM notes)`,
  );
  await database.exec("PRAGMA incremental_vacuum");
}

/** Rows, oldest first. */
export async function readRows(database: Sqlite, query: DiaryQuery): Promise<readonly DiaryRow[]> {
  const { where, values } = conditions(query);
  const statement = await database.prepare(
    `SELECT at, median, lowest, highest, loss, state, path, rx AS rxBytes, tx AS txBytes
     FROM rows JOIN peers ON peers.id = rows.peer WHERE ${where} ORDER BY at`,
  );
  return (await statement.all(values)).map((row) => minuteRow.parse(row));
}

/** The newest notes of that time, oldest first. */
export async function readNotes(
  database: Sqlite,
  query: DiaryQuery,
  most: number,
): Promise<readonly PeerNote[]> {
  const { where, values } = conditions(query);
  const statement = await database.prepare(
    `SELECT at, code, text, notes.name AS name, network, key
     FROM notes JOIN peers ON peers.id = notes.peer WHERE ${where} ORDER BY at DESC, notes.id DESC LIMIT ?`,
  );
  return (await statement.all([...values, most]))
    .map((row) => noteRow.parse(row))
    .map(({ network, key, name, ...note }) => ({ ...note, peer: { network, key, name } }))
    .reverse();
}

/** All peers that have rows. */
export async function readPeers(database: Sqlite): Promise<readonly DiaryPeer[]> {
  const peers = await database.prepare("SELECT network, key, name FROM peers");
  return (await peers.all([])).map((row) => peerRow.parse(row));
}

async function usedBytes(database: Sqlite): Promise<number> {
  const read = async (name: string) =>
    pragmaRow.parse(Object.values(Object((await database.prepare(`PRAGMA ${name}`)).get([])))[0]);
  return ((await read("page_count")) - (await read("freelist_count"))) * (await read("page_size"));
}

function conditions({ network, key, since, until }: DiaryQuery): {
  readonly where: string;
  readonly values: Values;
} {
  const parts: readonly (readonly [string, string | number | undefined])[] = [
    ["at >= ?", since],
    ["at < ?", until],
    ["network = ?", network],
    ["key = ?", key],
  ];
  const given = parts.flatMap(([text, value]) => (value === undefined ? [] : [{ text, value }]));
  return { where: given.map(({ text }) => text).join(" AND "), values: given.map(({ value }) => value) };
}

const schemaVersion = 1;
const schema = `BEGIN IMMEDIATE;
  CREATE TABLE IF NOT EXISTS peers (id INTEGER PRIMARY KEY, network TEXT NOT NULL, key TEXT NOT NULL, name TEXT NOT NULL,
    UNIQUE (network, key));
  CREATE TABLE IF NOT EXISTS rows (peer INTEGER, at INTEGER, median REAL, lowest REAL, highest REAL, loss REAL,
    state TEXT NOT NULL, path TEXT, rx INTEGER NOT NULL, tx INTEGER NOT NULL, PRIMARY KEY (peer, at)) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS notes (id INTEGER PRIMARY KEY, peer INTEGER NOT NULL, at INTEGER NOT NULL,
    name TEXT NOT NULL, code TEXT NOT NULL, text TEXT NOT NULL);
  CREATE INDEX IF NOT EXISTS notes_at ON notes (at);
  PRAGMA user_version = ${schemaVersion};
  COMMIT`;

const versionRow = z.object({ user_version: z.number() });
const idRow = z.object({ id: z.number() });
const pragmaRow = z.number();
const endsRow = z.object({ first: z.number().nullable(), last: z.number().nullable() });
const peerRow = z.object({ network: z.string(), key: z.string(), name: z.string() });
const minuteRow = z.object({
  at: z.number(),
  median: z.number().nullable(),
  lowest: z.number().nullable(),
  highest: z.number().nullable(),
  loss: z.number().nullable(),
  state: peerStatus.shape.state,
  path: z.string().nullable(),
  rxBytes: z.number(),
  txBytes: z.number(),
});
const noteRow = peerRow.extend({ at: z.number(), code: z.string(), text: z.string() });

const mostTrims = 60;
