/** JSON files with a version: read by a schema, replaced whole, never written over when they cannot be read. */
import { readFileSync } from "node:fs";
import { z } from "zod";
import { AppError } from "../../src-shared/errors.ts";
import { replaceFile } from "../system/files.ts";

/** What every such file holds. */
export interface Versioned {
  readonly version: number;
}

/**
 * The file's value; null when there is no file.
 * @throws AppError `state-unreadable` for anything else than a value of the schema
 */
export function readVersioned<Value extends Versioned>(path: string, schema: z.ZodType<Value>): Value | null {
  const value = parseFile(path);
  if (value === null) {
    readable.add(path);
    return null;
  }
  const parsed = schema.safeParse(value);
  if (!parsed.success) throw unreadable(path, complaint(value, parsed.error));
  readable.add(path);
  return parsed.data;
}

/**
 * Replaces the file, readable by its owner only; a crash leaves the old or the new one.
 * @throws AppError `state-unreadable` when the file in its place is none of ours or of a newer Starmesh
 * @throws AppError `state-not-writable`
 */
export function writeVersioned(path: string, value: Versioned): void {
  if (!readable.has(path)) {
    const present = parseFile(path);
    if (present !== null && versionOf(present) !== value.version)
      throw unreadable(path, complaint(present, null));
    readable.add(path);
  }
  replaceFile(path, `${JSON.stringify(value, null, 1)}\n`);
}

function parseFile(path: string): unknown {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return null;
    throw unreadable(path, error instanceof Error ? error.message : String(error));
  }
  try {
    const value: unknown = JSON.parse(text);
    if (value !== null) return value;
  } catch {
    // Said below, like every other text that is no file of ours.
  }
  throw unreadable(path, text === "" ? "it is empty" : "it is no whole JSON");
}

function complaint(value: unknown, error: z.ZodError | null): string {
  const version = versionOf(value);
  if (version === null) return "it has no version";
  const [issue] = error?.issues ?? [];
  if (issue === undefined || issue.path[0] === "version")
    return `it is of version ${version}, made by another Starmesh`;
  return `${issue.path.map(String).join(".")}: ${issue.message}`;
}

function versionOf(value: unknown): number | null {
  return z.object({ version: z.number() }).safeParse(value).data?.version ?? null;
}

function unreadable(file: string, detail: string): AppError {
  return new AppError("state-unreadable", { file, detail });
}

/** Files that this process has read or written, so that their place is known to hold nothing else. */
const readable = new Set<string>();
