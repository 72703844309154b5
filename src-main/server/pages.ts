/** The panel's pages as files of one folder. */
import { readFile } from "node:fs/promises";
import { extname, join } from "node:path";

export interface Page {
  readonly body: Buffer;
  readonly type: string;
  /** Named after its content, so that it never changes under this name. */
  readonly lasting: boolean;
}

/** The page for a path of the panel; the start page for every path that is no file's; null for a file that is not there. */
export async function readPage(folder: string, path: string): Promise<Page | null> {
  const name = fileNameOf(path);
  if (name === null) return null;
  const body = await readIfThere(join(folder, name));
  if (body !== null) {
    return {
      body,
      type: types[extname(name)] ?? "application/octet-stream",
      lasting: name.startsWith("assets/"),
    };
  }
  return name === startPage ? notBuilt : null;
}

/** Only plain names of plain folders can be asked for; the pages have no others. */
function fileNameOf(path: string): string | null {
  if (!/^(\/[A-Za-z0-9_-][A-Za-z0-9._-]*)*\/?$/.test(path) || path.length > 300) return null;
  return extname(path) === "" ? startPage : path.slice(1);
}

async function readIfThere(path: string): Promise<Buffer | null> {
  try {
    return await readFile(path);
  } catch {
    return null;
  }
}

const startPage = "index.html";

const notBuilt: Page = {
  body: Buffer.from(
    "<!doctype html><html lang=en><meta charset=utf-8><title>Starmesh</title>" +
      "<h1>Starmesh runs</h1><p>Its panel is not built. Build it with: <code>npm run build</code>\n",
  ),
  type: "text/html; charset=utf-8",
  lasting: false,
};

const types: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".json": "application/json; charset=utf-8",
  ".webmanifest": "application/manifest+json",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".ico": "image/x-icon",
  ".woff2": "font/woff2",
  ".txt": "text/plain; charset=utf-8",
};
