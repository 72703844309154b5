/** `worked.json`: by which transport a router was reached last from each place this machine has been at. */
import { createHash } from "node:crypto";
import { join } from "node:path";
import { z } from "zod";
import { formatPrefix } from "../../src-shared/address.ts";
import type { Millis } from "../../src-shared/ids.ts";
import type { Transport } from "../../src-shared/status.ts";
import { transports } from "../../src-shared/status.ts";
import type { System } from "../system/system.ts";
import { connectedPrefixes } from "../system/system.ts";
import { isOverlay } from "./locals.ts";
import { readVersioned, writeVersioned } from "./versioned-file.ts";

const keptWorked = z.object({
  version: z.literal(1),
  /** Newest last. `place`: a hash of the networks that the machine was in. */
  places: z
    .array(z.object({ place: z.string().max(32), transport: z.enum(transports), at: z.number() }))
    .max(256),
});
type Place = z.infer<typeof keptWorked>["places"][number];

export interface WorkedOptions {
  readonly folder: string;
  readonly system: Pick<System, "interfaces">;
  readonly now: () => Millis;
}

/** Read once; written when something changes. */
export class Worked {
  readonly #options: WorkedOptions;
  readonly #path: string;
  #places: readonly Place[];

  constructor(options: WorkedOptions) {
    this.#options = options;
    this.#path = join(options.folder, "worked.json");
    this.#places = readVersioned(this.#path, keptWorked)?.places ?? [];
  }

  /** What worked where this machine is now; null: it was never here. */
  here(): Transport | null {
    const place = this.#place();
    return this.#places.findLast((each) => each.place === place)?.transport ?? null;
  }

  /** This works here. */
  note(transport: Transport): void {
    if (this.here() === transport) return;
    const place = this.#place();
    const others = this.#places.filter((each) => each.place !== place);
    this.#places = [...others, { place, transport, at: this.#options.now() }].slice(-mostPlaces);
    try {
      writeVersioned(this.#path, { version: 1, places: this.#places } as z.infer<typeof keptWorked>);
    } catch {
      // Only a memory: without it the usual order is tried.
    }
  }

  /** By the networks that this machine is connected to, which no list of its own addresses would tell. */
  #place(): string {
    const outside = this.#options.system
      .interfaces()
      .filter(({ name, up, loopback }) => up && !loopback && !isOverlay(name));
    const prefixes = connectedPrefixes(outside).map(({ prefix }) => formatPrefix(prefix));
    const text = [...new Set(prefixes)].sort().join(" ");
    return createHash("sha256").update(text).digest("base64url").slice(0, 16);
  }
}

const mostPlaces = 64;
