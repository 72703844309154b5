/** A router's store in one SQLite file. */
import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import Database from "libsql/promise";
import { z } from "zod";
import { AppError } from "../../src-shared/errors.ts";
import type { NetworkId } from "../../src-shared/ids.ts";
import { identityKey, networkId } from "../../src-shared/ids.ts";
import { signed } from "../../src-shared/trust.ts";
import type { RouterStore, StoreChange, StoredNetwork } from "./store.ts";

/**
 * Opens or creates the file. Write-ahead log, flushed at each commit; writes that wait for the disk are gathered into
 * the next commit. Throws `state-unreadable` for a file that is none of ours or was written by a newer Starmesh, and
 * `state-not-writable`.
 */
export async function openSqliteStore(path: string): Promise<RouterStore> {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  } catch (error) {
    throw new AppError("state-not-writable", { folder: dirname(path), detail: textOf(error) });
  }
  try {
    const database = new Database(path, {}) as unknown as Sqlite;
    await database.exec("PRAGMA journal_mode = WAL");
    await database.exec("PRAGMA synchronous = FULL");
    await database.exec("PRAGMA busy_timeout = 2000");
    await migrate(database);
    return new SqliteStore(database, path, await prepareAll(database));
  } catch (error) {
    throw new AppError("state-unreadable", { file: path, detail: textOf(error) });
  }
}

/** The part of libsql's promise interface in use: statements run at once, `exec` off the main thread. */
interface Sqlite {
  exec(sql: string): Promise<void>;
  prepare(sql: string): Promise<Statement>;
  close(): void;
}
interface Statement {
  run(values: readonly (string | number | null)[]): unknown;
  get(values: readonly (string | number | null)[]): unknown;
  all(values: readonly (string | number | null)[]): Promise<readonly unknown[]>;
}

type Statements = Awaited<ReturnType<typeof prepareAll>>;

async function prepareAll(database: Sqlite) {
  const prepare = (sql: string) => database.prepare(sql);
  return {
    networks: await prepare("SELECT id FROM networks ORDER BY id"),
    addNetwork: await prepare("INSERT INTO networks (id) VALUES (?) ON CONFLICT DO NOTHING"),
    dropNetwork: await prepare("DELETE FROM networks WHERE id = ?"),
    entries: await prepare("SELECT hash, signed FROM entries WHERE network = ?"),
    putEntry: await prepare(
      "INSERT INTO entries (network, hash, signed) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET signed = excluded.signed",
    ),
    dropEntry: await prepare("DELETE FROM entries WHERE network = ? AND hash = ?"),
    dropEntries: await prepare("DELETE FROM entries WHERE network = ?"),
    reservations: await prepare("SELECT identity, name, address, until FROM reservations WHERE network = ?"),
    putReservation: await prepare(
      `INSERT INTO reservations (network, identity, name, address, until) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET name = excluded.name, address = excluded.address, until = excluded.until`,
    ),
    dropReservation: await prepare("DELETE FROM reservations WHERE network = ? AND identity = ?"),
    dropReservations: await prepare("DELETE FROM reservations WHERE network = ?"),
    setting: await prepare("SELECT value FROM settings WHERE name = ?"),
    putSetting: await prepare(
      "INSERT INTO settings (name, value) VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value",
    ),
  };
}

/** One caller's part of a transaction. */
interface Write {
  readonly run: () => void;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

class SqliteStore implements RouterStore {
  readonly #database: Sqlite;
  readonly #path: string;
  readonly #statements: Statements;
  #waiting: Write[] = [];
  /** Settles when the transaction that runs, and all that waited for it, are done. */
  #writing: Promise<void> | null = null;

  constructor(database: Sqlite, path: string, statements: Statements) {
    this.#database = database;
    this.#path = path;
    this.#statements = statements;
  }

  async load(): Promise<readonly StoredNetwork[]> {
    await this.#writing;
    const networks: StoredNetwork[] = [];
    for (const row of await this.#statements.networks.all([]))
      networks.push(await this.#loadOne(this.#parse(networkRow, row).id));
    return networks;
  }

  change(network: NetworkId, change: StoreChange): Promise<void> {
    const { addNetwork, dropEntry, putEntry, dropReservation, putReservation } = this.#statements;
    return this.#write(() => {
      addNetwork.run([network]);
      for (const hash of change.drop ?? []) dropEntry.run([network, hash]);
      for (const entry of change.put ?? []) putEntry.run([network, entry.hash, JSON.stringify(entry.signed)]);
      for (const identity of change.free ?? []) dropReservation.run([network, identity]);
      for (const { identity, name, address, until } of change.reserve ?? []) {
        putReservation.run([network, identity, name, address, until]);
      }
    });
  }

  forget(network: NetworkId): Promise<void> {
    const { dropEntries, dropReservations, dropNetwork } = this.#statements;
    return this.#write(() => {
      for (const statement of [dropEntries, dropReservations, dropNetwork]) statement.run([network]);
    });
  }

  async setting(name: string): Promise<string | null> {
    await this.#writing;
    const row = this.#statements.setting.get([name]);
    return row === undefined ? null : this.#parse(settingRow, row).value;
  }

  setSetting(name: string, value: string): Promise<void> {
    return this.#write(() => void this.#statements.putSetting.run([name, value]));
  }

  async close(): Promise<void> {
    await this.#writing;
    this.#database.close();
  }

  async #loadOne(network: NetworkId): Promise<StoredNetwork> {
    const entries = await this.#statements.entries.all([network]);
    const reservations = await this.#statements.reservations.all([network]);
    return {
      network,
      entries: entries.map((row) => this.#parse(entryRow, row)),
      reservations: reservations.map((row) => this.#parse(reservationRow, row)),
    };
  }

  #write(run: () => void): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ run, resolve, reject });
      this.#writing ??= this.#commitAll().finally(() => {
        this.#writing = null;
      });
    });
  }

  async #commitAll(): Promise<void> {
    while (this.#waiting.length > 0) await this.#commit(this.#waiting.splice(0));
  }

  async #commit(writes: readonly Write[]): Promise<void> {
    try {
      await this.#database.exec("BEGIN IMMEDIATE");
      for (const write of writes) write.run();
      await this.#database.exec("COMMIT");
    } catch (error) {
      // A transaction that the failure has ended already cannot be rolled back again.
      await this.#database.exec("ROLLBACK").catch(() => undefined);
      const failure = new AppError("state-not-writable", {
        folder: dirname(this.#path),
        detail: textOf(error),
      });
      for (const write of writes) write.reject(failure);
      return;
    }
    for (const write of writes) write.resolve();
  }

  #parse<Row extends z.ZodType>(row: Row, value: unknown): z.output<Row> {
    const parsed = row.safeParse(value);
    if (parsed.success) return parsed.data;
    throw new AppError("state-unreadable", { file: this.#path, detail: z.prettifyError(parsed.error) });
  }
}

/** Brings a file of an older schema to this one, a step per version; each step is whole. */
async function migrate(database: Sqlite): Promise<void> {
  const { user_version: version } = versionRow.parse((await database.prepare("PRAGMA user_version")).get([]));
  if (version > steps.length) throw new Error(`it was written by a newer Starmesh (schema ${version})`);
  for (const [at, step] of [...steps.entries()].slice(version)) {
    await database.exec(`BEGIN IMMEDIATE; ${step}; PRAGMA user_version = ${at + 1}; COMMIT`);
  }
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

const steps = [
  `CREATE TABLE networks (id TEXT PRIMARY KEY) WITHOUT ROWID;
   CREATE TABLE entries (network TEXT, hash TEXT, signed TEXT NOT NULL, PRIMARY KEY (network, hash)) WITHOUT ROWID;
   CREATE TABLE reservations (
     network TEXT, identity TEXT, name TEXT NOT NULL, address TEXT NOT NULL, until INTEGER,
     PRIMARY KEY (network, identity)
   ) WITHOUT ROWID;
   CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID`,
];

const json = z.string().transform((text, context) => {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    context.addIssue("not JSON");
    return z.NEVER;
  }
});
const versionRow = z.object({ user_version: z.number() });
const networkRow = z.object({ id: networkId });
const entryRow = z.object({ hash: z.string(), signed: json.pipe(signed) });
const reservationRow = z.object({
  identity: identityKey,
  name: z.string(),
  address: z.string(),
  until: z.number().nullable(),
});
const settingRow = z.object({ value: z.string() });
