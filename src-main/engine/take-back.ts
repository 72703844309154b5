/** What an engine that was killed left changed in the system is taken back without another one. */
import { chownSync, existsSync, statSync } from "node:fs";
import { journalPath, openJournal } from "../system/journal.ts";
import { openSystem } from "../system/system.ts";
import { lockFolder } from "./lock.ts";

/**
 * Takes back all that the journal of a folder names; whether there was anything.
 * @throws AppError `already-running` when an engine has the folder, and what the system refuses it with
 */
export async function takeBack(folder: string): Promise<boolean> {
  if (!existsSync(journalPath(folder))) return false;
  const lock = await lockFolder(folder);
  try {
    const system = openSystem();
    try {
      const journal = openJournal(folder, system);
      if (journal.isEmpty()) return false;
      const [failure] = await journal.undo();
      if (failure !== undefined) throw failure.error;
      return true;
    } finally {
      system.rights.close();
    }
  } finally {
    keepOwner(folder);
    lock.release();
  }
}

/** Root, too, leaves the journal to the user whose engine writes it. */
function keepOwner(folder: string): void {
  if (process.getuid?.() !== 0) return;
  const { uid, gid } = statSync(folder);
  chownSync(journalPath(folder), uid, gid);
}
