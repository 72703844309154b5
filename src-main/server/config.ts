/** The router's configuration file: YAML or JSON (which is YAML), with the place of every mistake. */
import { readFile } from "node:fs/promises";
import { isAbsolute, resolve } from "node:path";
import { isMap, isNode, LineCounter, parseDocument } from "yaml";
import type { z } from "zod";
import { AppError } from "../../src-shared/errors.ts";
import type { RouterWish } from "../../src-shared/router-settings.ts";
import { routerMistake, routerWish } from "../../src-shared/router-settings.ts";

/** Reads `--config FILE`; relative paths in it start at its folder. Throws `usage` that names the place of the mistake. */
export async function readRouterFile(path: string): Promise<RouterWish> {
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    throw new AppError("usage", { detail: `The configuration ${path} cannot be read: ${detail}.` });
  }
  return atFolder(parseRouterFile(text, path), resolve(path, ".."));
}

/** The settings in a text; `name` is what messages call it. Throws `usage`: `NAME:LINE:COLUMN: what to write`. */
export function parseRouterFile(text: string, name: string): RouterWish {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const fail = (offset: number, what: string): never => {
    const { line, col } = lines.linePos(Math.min(offset, text.length));
    throw new AppError("usage", { detail: `${name}:${line}:${Math.max(col, 1)}: ${what}.` });
  };
  const [broken] = document.errors;
  if (broken !== undefined) fail(broken.pos[0], `this is neither YAML nor JSON: ${oneLine(broken.message)}`);
  const parsed = routerWish.safeParse(readValue(document, (what) => fail(0, what)));
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const path = pathOf(issue);
    const isUnknown = issue?.code === "unrecognized_keys";
    return fail(offsetOf(document, path, isUnknown), complaint(path, issue));
  }
  const mistake = routerMistake(parsed.data);
  if (mistake !== null) fail(offsetOf(document, mistake.path, false), complaint(mistake.path, mistake));
  return parsed.data;
}

type Document = ReturnType<typeof parseDocument>;
type Path = readonly PropertyKey[];

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

function complaint(path: Path, issue: z.core.$ZodIssue | { readonly message: string } | undefined): string {
  const field = path.map(String).join(".");
  if (issue !== undefined && "code" in issue && issue.code === "unrecognized_keys") {
    return `there is no setting “${field}”`;
  }
  const message = oneLine(issue?.message ?? "not understood");
  return field === "" ? `write settings like “listen: 0.0.0.0:443” (${message})` : `“${field}”: ${message}`;
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

function atFolder(wish: RouterWish, folder: string): RouterWish {
  const here = (file: string) => (isAbsolute(file) ? file : resolve(folder, file));
  const files = <Part extends { cert?: string | null | undefined; key?: string | null | undefined }>(
    part: Part,
  ): Part => ({
    ...part,
    ...(part.cert == null ? {} : { cert: here(part.cert) }),
    ...(part.key == null ? {} : { key: here(part.key) }),
  });
  const { quic, tls, wss } = wish.transports ?? {};
  return {
    ...files(wish),
    ...(wish.store == null ? {} : { store: `sqlite:${here(wish.store.slice("sqlite:".length))}` }),
    ...(wish.transports == null
      ? {}
      : {
          transports: {
            ...wish.transports,
            ...(quic == null ? {} : { quic: files(quic) }),
            ...(tls == null ? {} : { tls: files(tls) }),
            ...(wss == null ? {} : { wss: files(wss) }),
          },
        }),
  };
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, " ").trim().replace(/\.$/, "");
}
