/** The privileged helper's program, on disk. */
import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

/** Where the helper's program lies: beside the data plane's addon, from the sources and from a bundle alike. */
export function helperProgram(folder = dirname(fileURLToPath(import.meta.url))): string | null {
  const path = join(folder, helperFile);
  if (existsSync(path)) return path;
  const above = dirname(folder);
  return above === folder ? null : helperProgram(above);
}

const helperFile = "drivers/helper/starmesh-helper";
