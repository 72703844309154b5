// @ts-check
/** Knows whether a build step's inputs changed since its output was made, by content and not by date. */
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { ROOT } from "./root.mjs";

/**
 * One hash over the content of files and folders (relative to the root); missing ones count as empty.
 * @param {readonly string[]} paths
 * @param {(path: string) => boolean} [wanted]
 */
export function hashOf(paths, wanted = () => true) {
  const hash = createHash("sha256");
  for (const path of paths.flatMap((each) => filesUnder(join(ROOT, each)))) {
    const name = relative(ROOT, path);
    if (!wanted(name)) continue;
    const content = readFileSync(path);
    hash.update(`${name}\0${content.length}\0`).update(content);
  }
  return hash.digest("hex");
}

/**
 * True when `step` was last done with the same inputs and its outputs still lie there.
 * @param {string} step
 * @param {string} hash
 * @param {readonly string[]} outputs
 */
export function isCurrent(step, hash, outputs) {
  const stamp = stampOf(step);
  if (!existsSync(stamp) || readFileSync(stamp, "utf8") !== hash) return false;
  return outputs.every((path) => existsSync(join(ROOT, path)));
}

/**
 * Notes that `step` was done with these inputs.
 * @param {string} step
 * @param {string} hash
 */
export function markCurrent(step, hash) {
  const stamp = stampOf(step);
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, hash);
}

/**
 * @param {string} path
 * @returns {string[]}
 */
function filesUnder(path) {
  if (!existsSync(path)) return [];
  if (!statSync(path).isDirectory()) return [path];
  return readdirSync(path, { withFileTypes: true })
    .filter((entry) => !SKIPPED.has(entry.name) && !entry.isSymbolicLink())
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) =>
      entry.isDirectory() ? filesUnder(join(path, entry.name)) : [join(path, entry.name)],
    );
}

/** @param {string} step */
function stampOf(step) {
  return join(ROOT, "out", "stamps", step);
}

const SKIPPED = new Set(["node_modules", "target", ".git"]);
