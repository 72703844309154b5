/** What the window keeps between two runs, in a small file of its own; nothing in it concerns the engine. */
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { z } from "zod";

/** Where a window stood, in pixels of the screens' common plane. */
export const windowPlace = z.object({
  x: z.number().int(),
  y: z.number().int(),
  width: z.number().int().positive(),
  height: z.number().int().positive(),
  maximized: z.boolean(),
});
export type WindowPlace = z.infer<typeof windowPlace>;

const kept = z.object({
  version: z.literal(1),
  place: windowPlace.nullable().default(null),
  /** Null: no page has been shown yet. */
  background: z.enum(["light", "dark"]).nullable().default(null),
  notifications: z.boolean().default(true),
  automaticUpdates: z.boolean().default(true),
  /** It was said that the app stays when its window is closed. */
  saidItStays: z.boolean().default(false),
  /** It was asked whether this copy shall stand among the desktop's programs. */
  askedToBeListed: z.boolean().default(false),
  /** Names of the crash reports that were shown already. */
  shownCrashes: z.array(z.string().max(300)).max(1000).default([]),
});
export type Kept = Omit<z.infer<typeof kept>, "version">;

/** The file and what it says; each change is written at once. */
export class KeptFile {
  readonly #path: string;
  #values: Kept;

  /** A file that is absent or damaged counts as empty. */
  constructor(path: string) {
    this.#path = path;
    this.#values = readKept(path);
  }

  get values(): Kept {
    return this.#values;
  }

  /** What is left out stays. A disk that refuses costs the memory of it, not the window. */
  keep(change: Partial<Kept>): void {
    this.#values = { ...this.#values, ...change };
    try {
      mkdirSync(dirname(this.#path), { recursive: true, mode: 0o700 });
      writeFileSync(`${this.#path}.new`, JSON.stringify({ version: 1, ...this.#values }), { mode: 0o600 });
      renameSync(`${this.#path}.new`, this.#path);
    } catch {
      // Then the next start begins as this one did.
    }
  }
}

function readKept(path: string): Kept {
  const { version: _, ...values } = parseKept(path) ?? kept.parse({ version: 1 });
  return values;
}

function parseKept(path: string): z.infer<typeof kept> | null {
  try {
    return kept.safeParse(JSON.parse(readFileSync(path, "utf8"))).data ?? null;
  } catch {
    return null;
  }
}
