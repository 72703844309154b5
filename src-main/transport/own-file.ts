/** Small files of the router in the state folder: readable by their owner only, whole at any moment. */
import { mkdir, open, readFile, rename } from "node:fs/promises";
import { dirname } from "node:path";
import { AppError } from "../../src-shared/errors.ts";

/** A file's text; null when there is none. Throws `state-unreadable`. */
export async function readOwnFile(path: string): Promise<string | null> {
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
    throw new AppError("state-unreadable", {
      file: path,
      detail: error instanceof Error ? error.message : String(error),
    });
  }
}

/** Replaces a file; a crash leaves the old one or the new one. Throws `state-not-writable`. */
export async function writeOwnFile(path: string, text: string): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const file = await open(`${path}.next`, "w", 0o600);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(`${path}.next`, path);
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    throw new AppError("state-not-writable", { folder: dirname(path), detail });
  }
}
