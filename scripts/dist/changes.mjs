// @ts-check
/** What is new in a version, as CHANGELOG.md tells those who use it: an app that finds the version shows it, signed. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { StepFailed } from "../command.mjs";
import { ROOT } from "../root.mjs";

/**
 * The entry of a version: a line for each change, “- …”. Throws where there is none.
 * @param {string} version
 * @param {string} [changes]
 */
export function changesOf(version, changes = readFileSync(join(ROOT, "CHANGELOG.md"), "utf8")) {
  const entry = changes.split(/^## /m).find((each) => each.split("\n")[0]?.trim() === version);
  const lines = (entry ?? "").split("\n").filter((line) => line.startsWith("- "));
  if (lines.length === 0) throw new StepFailed(`CHANGELOG.md says nothing of ${version}: write an entry`);
  return lines.join("\n");
}

/** The version of this tree. */
export function versionHere() {
  return String(JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")).version);
}

// `node scripts/dist/changes.mjs`: the entry of this version, for who writes a release.
if (process.argv[1] === fileURLToPath(import.meta.url)) process.stdout.write(`${changesOf(versionHere())}\n`);
