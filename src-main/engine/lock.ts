/** One process per state folder: a lock that the system drops when its holder dies, and a note of who that is. */
import { createHash } from "node:crypto";
import { closeSync, ftruncateSync, openSync, readFileSync, realpathSync, writeSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { z } from "zod";
import { AppError } from "../../src-shared/errors.ts";

/** Who has the folder. */
export interface Holder {
  readonly pid: number;
  readonly startedAt: string;
}

export interface FolderLock {
  /** Lets the next process have the folder. */
  release(): void;
}

/**
 * Takes the folder for this process, until `release` or its end, however that comes.
 * @throws AppError `already-running` when another one, or this one, has it
 * @throws AppError `state-not-writable`
 */
export async function lockFolder(folder: string): Promise<FolderLock> {
  return process.platform === "win32" ? lockByPipe(folder) : lockByFile(folder);
}

/** Who noted itself as the folder's holder and is alive; null when nobody. Looks only, so it may be late. */
export function readHolder(folder: string): Holder | null {
  try {
    const note = holderNote.parse(JSON.parse(readFileSync(noteOf(folder), "utf8")));
    return isAlive(note.pid) ? note : null;
  } catch {
    return null;
  }
}

/**
 * flock: the kernel drops it with the last descriptor, so no stale lock can exist. The file stays for ever: removing it
 * would let two processes lock two files of one name.
 */
async function lockByFile(folder: string): Promise<FolderLock> {
  const { default: koffi } = await import("koffi");
  const flock = koffi.load(null).func("int flock(int, int)");
  const fd = openNote(folder);
  if (flock(fd, lockExclusive | lockWithoutWaiting) !== 0) {
    const cause = koffi.errno();
    closeSync(fd);
    if (cause === koffi.os.errno["EWOULDBLOCK"]) throw alreadyRunning(folder);
    throw new AppError("state-not-writable", { folder, detail: `it cannot be locked (error ${cause})` });
  }
  writeNote(fd);
  let held = true;
  return {
    release() {
      if (!held) return;
      held = false;
      ftruncateSync(fd);
      closeSync(fd);
    },
  };
}

/** On Windows the first server of a pipe's name has it alone, and loses it with its end. */
async function lockByPipe(folder: string): Promise<FolderLock> {
  const name = createHash("sha256").update(realpathSync(folder)).digest("hex").slice(0, 24);
  const server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve, reject) => {
    server.once("error", () => reject(alreadyRunning(folder)));
    server.listen(`\\\\.\\pipe\\starmesh-lock-${name}`, resolve);
  });
  server.unref();
  const fd = openNote(folder);
  writeNote(fd);
  let held = true;
  return {
    release() {
      if (!held) return;
      held = false;
      ftruncateSync(fd);
      closeSync(fd);
      server.close();
    },
  };
}

function openNote(folder: string): number {
  try {
    // Readable by all who may search the folder, so that a caller under sudo can name the holder.
    return openSync(noteOf(folder), "a+", 0o644);
  } catch (error) {
    throw new AppError("state-not-writable", {
      folder,
      detail: error instanceof Error ? error.message : String(error),
    });
  }
}

function writeNote(fd: number): void {
  const note: Holder = { pid: process.pid, startedAt: new Date().toISOString() };
  ftruncateSync(fd);
  writeSync(fd, `${JSON.stringify(note)}\n`);
}

function alreadyRunning(folder: string): AppError {
  return new AppError("already-running", { pid: readHolder(folder)?.pid ?? "unknown" });
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

function noteOf(folder: string): string {
  return join(folder, "lock");
}

const holderNote = z.object({ pid: z.number().int().min(1), startedAt: z.string() });
/** LOCK_EX and LOCK_NB of sys/file.h, alike on Linux and macOS. */
const lockExclusive = 2;
const lockWithoutWaiting = 4;
