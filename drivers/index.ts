/** Loads the data plane's addon. */
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { AppError } from "../src-shared/errors.ts";
import type { Addon } from "./dataplane.ts";

/**
 * The addon that was built from `drivers/dataplane`. Throws `addon-missing` when it is not there or does not fit this
 * machine.
 */
export function openAddon(): Addon {
  const path = find(dirname(fileURLToPath(import.meta.url)));
  if (path === null) throw new AppError("addon-missing", { detail: `${file} is missing` });
  try {
    const addon: Addon = createRequire(import.meta.url)(path);
    return addon;
  } catch (error) {
    throw new AppError("addon-missing", { detail: error instanceof Error ? error.message : String(error) });
  }
}

/** From the sources and from a bundle alike: the nearest folder above that holds the file. */
function find(folder: string): string | null {
  const path = join(folder, file);
  if (existsSync(path)) return path;
  const above = dirname(folder);
  return above === folder ? null : find(above);
}

const file = "drivers/dataplane/starmesh-dataplane.node";
