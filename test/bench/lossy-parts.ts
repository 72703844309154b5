/** What each part of the link for bad lines is worth, on simulated lines: the figures do not hang on this machine. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { root } from "../netns/bundle.mjs";

/** Prints the tables; the exit code. */
export async function printLossyParts(): Promise<number> {
  const child = spawn("cargo", ["run", "--release", "--locked", "--quiet", "--example", "lossy_parts"], {
    cwd: join(root, "drivers/dataplane"),
    stdio: "inherit",
  });
  const [code] = await once(child, "exit");
  return typeof code === "number" ? code : 1;
}
