/** What is handed to the app from outside: links of our scheme, and files that it is opened with. */
import { constants } from "node:fs";
import { open } from "node:fs/promises";
import { basename, extname, resolve } from "node:path";
import type { HandedFile } from "../../src-shared/api/bridge.ts";
import { isLink } from "../../src-shared/link.ts";

/** What came: an invite to be shown, or the path of a file to be read. */
export type Handed =
  | { readonly kind: "invite"; readonly link: string }
  | { readonly kind: "file"; readonly path: string };

/**
 * What the arguments of a start hand over; null for nothing. Options, and whatever else browsers and systems add, are
 * passed over.
 * @param folder where relative paths begin
 */
export function handedIn(args: readonly string[], folder: string): Handed | null {
  for (const argument of args) {
    const invite = inviteIn(argument);
    if (invite !== null) return { kind: "invite", link: invite };
    if (!argument.startsWith("-") && fileKinds.has(extname(argument).toLowerCase())) {
      return { kind: "file", path: resolve(folder, argument) };
    }
  }
  return null;
}

/** The invite that a text is, of a length and of characters that an invite can have; null for any other. */
export function inviteIn(text: string): string | null {
  // A browser may add a slash to the addresses that it hands on.
  const link = text.trim().replace(/\/+$/, "");
  return link.length <= longestLink && /^[\w:/-]+$/.test(link) && isLink(link, "join") ? link : null;
}

/** What a file is to us: the invite that a short text is, or a file for the page; null for none of ours. */
export function sortFile(file: HandedFile): HandedFile | { readonly invite: string } | null {
  const { name, content } = file;
  if (content.length === 0 || content.length > longestFile) return null;
  const invite = content.length <= longestLink ? inviteIn(Buffer.from(content).toString("utf8")) : null;
  if (invite !== null) return { invite };
  return fileKinds.has(extname(name).toLowerCase()) ? file : null;
}

/** The file at this path; null where it cannot be read, is too large, or is none. */
export async function readHanded(path: string): Promise<HandedFile | null> {
  try {
    // Without waiting, for a pipe that nobody writes to is a path, too.
    const file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    try {
      const stats = await file.stat();
      if (!stats.isFile() || stats.size > longestFile) return null;
      return { name: basename(path), content: new Uint8Array(await file.readFile()) };
    } finally {
      await file.close();
    }
  } catch {
    return null;
  }
}

/** Profiles of WireGuard, texts with an invite, pictures with a QR code. */
const fileKinds: ReadonlySet<string> = new Set([
  ".conf",
  ".gif",
  ".jpeg",
  ".jpg",
  ".png",
  ".starmesh",
  ".txt",
  ".webp",
]);
const longestLink = 4096;
const longestFile = 16 * 2 ** 20;
