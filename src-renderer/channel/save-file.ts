/** Gives the reader a file: by the window's own dialog, or as the browser saves what it downloads. */
import type { SavedFile } from "../../src-shared/api/bridge.ts";

export async function saveFile(file: SavedFile): Promise<"saved" | "cancelled" | "failed"> {
  const shell = window.starmesh?.shell;
  if (shell !== undefined) return shell.saveFile(file);
  const { name, content } = file;
  const url = URL.createObjectURL(
    new Blob([typeof content === "string" ? content : new Uint8Array(content)]),
  );
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  // The browser reads it while it asks where to.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
  return "saved";
}
