/** What a page may do with files: have one saved where the user says, and have a folder of ours shown. */
import { mkdirSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { app, dialog, shell } from "electron";
import type { SavedFile } from "../../src-shared/api/bridge.ts";

/** Asks where to, and writes it there for the user alone. */
export async function saveFile({ name, content }: SavedFile): Promise<"saved" | "cancelled" | "failed"> {
  const defaultPath = join(app.getPath("downloads"), basename(name));
  const { filePath, canceled } = await dialog.showSaveDialog({ defaultPath });
  if (canceled) return "cancelled";
  try {
    writeFileSync(filePath, content, { mode: 0o600 });
    return "saved";
  } catch {
    return "failed";
  }
}

/** Shows a folder in the system's file browser; false where it cannot be. */
export async function showFolder(path: string): Promise<boolean> {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch {
    // It may be there, and another user's.
  }
  return (await shell.openPath(path)) === "";
}
