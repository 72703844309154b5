/** A text in YAML or JSON (which is YAML), read by a schema, with the place of every mistake. */
import { isMap, isNode, LineCounter, parseDocument } from "yaml";
import type { z } from "zod";
import { AppError } from "../../src-shared/errors.ts";

/** What was read, and how to complain about a part of it. */
export interface Written<Value> {
  readonly value: Value;
  /** Throws `usage`: `NAME:LINE:COLUMN: what to write`. An empty path is the whole. */
  readonly fail: (path: Path, what: string) => never;
}

export interface Reading<Schema extends z.ZodType> {
  readonly schema: Schema;
  /** What messages call the text. */
  readonly name: string;
  /** What to write where nothing is understood: `write settings like “listen: 0.0.0.0:443”`. */
  readonly example: string;
}

type Path = readonly PropertyKey[];

/** Reads a text. Throws `usage` that names the place of the first mistake. */
export function readWritten<Schema extends z.ZodType>(
  text: string,
  { schema, name, example }: Reading<Schema>,
): Written<z.output<Schema>> {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const failAt = (offset: number, what: string): never => {
    const { line, col } = lines.linePos(Math.min(offset, text.length));
    throw new AppError("usage", { detail: `${name}:${line}:${Math.max(col, 1)}: ${what}.` });
  };
  const [broken] = document.errors;
  if (broken !== undefined)
    failAt(broken.pos[0], `this is neither YAML nor JSON: ${oneLine(broken.message)}`);
  const fail = (path: Path, what: string): never =>
    failAt(offsetOf(document, path, false), `“${path.map(String).join(".")}”: ${what}`);
  const parsed = schema.safeParse(readValue(document, (what) => failAt(0, what)));
  if (parsed.success) return { value: parsed.data, fail };
  const [issue] = parsed.error.issues;
  const path = pathOf(issue);
  if (issue?.code === "unrecognized_keys")
    return failAt(offsetOf(document, path, true), `there is no setting “${path.map(String).join(".")}”`);
  const message = oneLine(issue?.message ?? "not understood");
  return path.length === 0
    ? failAt(offsetOf(document, path, false), `${example} (${message})`)
    : fail(path, message);
}

type Document = ReturnType<typeof parseDocument>;

function readValue(document: Document, fail: (what: string) => never): unknown {
  try {
    // An empty file, or one of comments only, sets nothing.
    return document.toJS({ maxAliasCount: 20 }) ?? {};
  } catch (error) {
    return fail(oneLine(error instanceof Error ? error.message : String(error)));
  }
}

/** Where the mistake is: a key that nobody knows is named itself. */
function pathOf(issue: z.core.$ZodIssue | undefined): Path {
  if (issue === undefined) return [];
  return issue.code === "unrecognized_keys" ? [...issue.path, issue.keys[0] ?? ""] : issue.path;
}

/** Offset of what a path leads to, or of its key; of what is nearest above it where it is missing. */
function offsetOf(document: Document, path: Path, ofKey: boolean): number {
  for (let length = path.length; length > 0; length--) {
    const parent = document.getIn(path.slice(0, length - 1), true);
    const pair = isMap(parent)
      ? parent.items.find(({ key }) => String(key) === String(path[length - 1]))
      : undefined;
    const value: unknown = document.getIn(path.slice(0, length), true);
    // Of a value that is missing something inside, the key says more than the place where it begins.
    const isWhole = length === path.length && !ofKey;
    for (const found of isWhole ? [value, pair?.key] : [pair?.key, value])
      if (isNode(found) && found.range != null) return found.range[0];
  }
  return isNode(document.contents) ? (document.contents.range?.[0] ?? 0) : 0;
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, " ").trim().replace(/\.$/, "");
}
