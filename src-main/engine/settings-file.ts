/** `settings.json`: what the user has set for this install, kept over restarts. */
import { join } from "node:path";
import { z } from "zod";
import type { Settings, SettingsChange } from "../../src-shared/settings.ts";
import { settings, settingsChange, usualSettings } from "../../src-shared/settings.ts";
import { readVersioned, writeVersioned } from "./versioned-file.ts";

/** What a file of an earlier version lacks is as usual. */
const keptSettings = z.object({ version: z.literal(1), settings: settingsChange });

/** Read once; what changes is on disk before it counts. */
export class SettingsFile {
  readonly #path: string;
  #current: Settings;

  /** Throws `state-unreadable`. */
  constructor(folder: string) {
    this.#path = join(folder, "settings.json");
    this.#current = settings.parse({
      ...usualSettings,
      ...readVersioned(this.#path, keptSettings)?.settings,
    });
  }

  get current(): Settings {
    return this.#current;
  }

  /** Throws `state-not-writable`. */
  keep(change: SettingsChange): void {
    const given = Object.entries(change).filter(([, value]) => value !== undefined);
    if (given.length === 0) return;
    const next = settings.parse({ ...this.#current, ...Object.fromEntries(given) });
    const kept: z.infer<typeof keptSettings> = { version: 1, settings: next };
    writeVersioned(this.#path, kept);
    this.#current = next;
  }
}
