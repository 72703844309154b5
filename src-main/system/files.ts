/** Files of the state folder that are whole at any moment. */
import { closeSync, fsyncSync, openSync, renameSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { AppError } from "../../src-shared/errors.ts";

/** Replaces a file, readable by its owner only, so that a crash leaves the old or the new. Throws `state-not-writable`. */
export function replaceFile(path: string, text: string): void {
  const next = `${path}.next`;
  try {
    const fd = openSync(next, "w", 0o600);
    try {
      writeSync(fd, text);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(next, path);
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    throw new AppError("state-not-writable", { folder: dirname(path), detail });
  }
}
