/** The addons to measure: the shipped one, and the one without cryptography, which nothing but the bench builds. */
import { execFile } from "node:child_process";
import { copyFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { root } from "../netns/bundle.mjs";

/** The addon as it ships. */
export async function addonPath(): Promise<string> {
  return join(root, "drivers/dataplane/starmesh-dataplane.node");
}

let built: Promise<string> | null = null;

/** The addon with the feature `null-crypto`, in a target folder of its own. Built once per run. */
export function nullAddonPath(): Promise<string> {
  built ??= buildNull();
  return built;
}

async function buildNull(): Promise<string> {
  const crate = join(root, "drivers/dataplane");
  const target = join(crate, "target/null-crypto");
  process.stderr.write("building the null data plane (the first time takes a few minutes)\n");
  await promisify(execFile)(
    "cargo",
    ["build", "--release", "--locked", "--features", "null-crypto", "--target-dir", target],
    { cwd: crate, maxBuffer: 64 * 1024 * 1024 },
  );
  const path = join(root, "out/test/starmesh-dataplane-null.node");
  mkdirSync(join(root, "out/test"), { recursive: true });
  copyFileSync(join(target, "release/libstarmesh_dataplane.so"), path);
  return path;
}
