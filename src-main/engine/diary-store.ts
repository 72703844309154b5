/** Keeps the diary: its file is opened at the first row, written in batches, bounded in age and size. */
import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { dirname } from "node:path";
import { z } from "zod";
import type { Millis } from "../../src-shared/ids.ts";
import type { DiaryLimits, DiaryQuery, PeerNote, Sqlite } from "./diary-file.ts";
import { insert, openFile, readNotes, readPeers, readRows, trim } from "./diary-file.ts";
import type { Written } from "./diary-recorder.ts";
import type { DiaryPeer, DiaryRow } from "./diary-rows.ts";
import type { Log } from "./surroundings.ts";

export interface DiaryStoreOptions {
  readonly path: string;
  readonly log: Log;
  readonly limits?: DiaryLimits;
}

/** Its methods never throw: a file that cannot be read is set aside, one that cannot be written costs the diary only. */
export class DiaryStore {
  readonly #options: DiaryStoreOptions;
  readonly #limits: DiaryLimits;
  #database: Promise<Sqlite | null> | null = null;
  #waiting: Written[] = [];
  /** Everything that touches the file, one after the other. */
  #turn: Promise<unknown> = Promise.resolve();
  #trimmed: Millis = 0;

  constructor(options: DiaryStoreOptions) {
    this.#options = options;
    this.#limits = options.limits ?? usualLimits;
  }

  /** Takes what is to be written with the next batch. */
  add(written: readonly Written[]): void {
    if (this.#waiting.length < mostWaiting) this.#waiting.push(...written);
  }

  /** Writes what waits; resolves when it is on disk. */
  async write(now: Millis): Promise<void> {
    if (this.#waiting.length === 0) return;
    await this.#inTurn(async (database) => {
      const batch = this.#waiting;
      this.#waiting = [];
      await insert(database, batch);
      if (now - this.#trimmed < trimEvery) return;
      this.#trimmed = now;
      await trim(database, { ...this.#limits, now });
    }, undefined);
  }

  /** A peer's rows, oldest first, what waits to be written included. */
  async rows(query: DiaryQuery): Promise<readonly DiaryRow[]> {
    const kept = await this.#inTurn((database) => readRows(database, query), []);
    const waiting = this.#waiting.flatMap((each) =>
      each.kind === "row" && fits(query, each.peer, each.row.at) ? [each.row] : [],
    );
    return [...kept, ...waiting];
  }

  /** The newest notes of that time, oldest first, what waits to be written included. */
  async notes(query: DiaryQuery, most: number): Promise<readonly PeerNote[]> {
    const kept = await this.#inTurn((database) => readNotes(database, query, most), []);
    const waiting = this.#waiting.flatMap((each) =>
      each.kind === "note" && fits(query, each.peer, each.note.at) ? [{ ...each.note, peer: each.peer }] : [],
    );
    return [...kept, ...waiting].sort((one, other) => one.at - other.at).slice(-most);
  }

  /** Peers that have rows, those that are gone included, by any name or key that begins so. */
  async find(name: string): Promise<readonly DiaryPeer[]> {
    const known = await this.#inTurn(readPeers, []);
    const all = [...known, ...this.#waiting.map(({ peer }) => peer)];
    const fitting = new Map(
      all
        .filter((peer) => peer.name === name || (name.length >= 4 && peer.key.startsWith(name)))
        .map((peer) => [`${peer.network} ${peer.key}`, peer]),
    );
    return [...fitting.values()];
  }

  /** Writes what waits and closes the file. */
  async close(now: Millis): Promise<void> {
    await this.write(now);
    await this.#turn;
    const database = await this.#database;
    this.#database = null;
    if (database == null) return;
    await database.exec("PRAGMA wal_checkpoint(TRUNCATE)").catch(() => undefined);
    database.close();
  }

  /** Work with the file; where that fails, or nothing was written yet, `otherwise`. */
  #inTurn<Value>(work: (database: Sqlite) => Promise<Value>, otherwise: Value): Promise<Value> {
    const result = this.#turn.then(async () => {
      if (this.#waiting.length === 0 && !existsSync(this.#options.path)) return otherwise;
      this.#database ??= this.#open();
      const database = await this.#database;
      if (database === null) {
        this.#waiting = [];
        return otherwise;
      }
      try {
        return await work(database);
      } catch (error) {
        this.#fail(database, error);
        return otherwise;
      }
    });
    this.#turn = result;
    return result;
  }

  async #open(): Promise<Sqlite | null> {
    const { path, log } = this.#options;
    try {
      mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
      return await openFile(path);
    } catch (error) {
      if (!isDamage(error)) {
        log("diary off", { error: textOf(error) });
        return null;
      }
      this.#setAside(error);
      return openFile(path).catch((again: unknown) => {
        log("diary off", { error: textOf(again) });
        return null;
      });
    }
  }

  #fail(database: Sqlite, error: unknown): void {
    if (!isDamage(error)) {
      this.#options.log("diary failed", { error: textOf(error) });
      return;
    }
    database.close();
    this.#database = null;
    this.#setAside(error);
  }

  #setAside(error: unknown): void {
    const { path, log } = this.#options;
    const aside = `${path}.damaged`;
    log("diary set aside", { file: aside, error: textOf(error) });
    try {
      renameSync(path, aside);
      for (const tail of ["-wal", "-shm"]) rmSync(`${path}${tail}`, { force: true });
    } catch (failure) {
      log("diary failed", { error: textOf(failure) });
    }
  }
}

function fits({ network, key, since, until }: DiaryQuery, peer: DiaryPeer, at: Millis): boolean {
  const isWanted = (network ?? peer.network) === peer.network && (key ?? peer.key) === peer.key;
  return isWanted && at >= since && at < until;
}

/** Whether the file itself is wrong, rather than the disk or the moment. */
function isDamage(error: unknown): boolean {
  return (
    /malformed|not a database|corrupt|no such (table|column)/i.test(textOf(error)) ||
    error instanceof z.ZodError
  );
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Two weeks, and what a laptop does not notice. */
const usualLimits: DiaryLimits = { age: 14 * 86_400_000, bytes: 50_000_000 };
const trimEvery: Millis = 3_600_000;
/** Rows that may wait while the disk does not answer. */
const mostWaiting = 100_000;
