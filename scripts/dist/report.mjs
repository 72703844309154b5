// @ts-check
/** What came of each package, as a table. */
import { statSync } from "node:fs";
import { basename } from "node:path";

/** How far a package was shown to work here: it was made and its content ran; it was made; only what describes it was
 * checked; nothing of it could be done here.
 * @typedef {"built and run" | "built" | "checked only" | "not here"} Outcome */
/** One package. `file`: where it lies, when it was made; `detail`: one line that says what was shown, or why it was not.
 * @typedef {{ name: string, outcome: Outcome, file?: string, detail: string }} Row */

/**
 * The table, one line a package, with the sizes of those that were made.
 * @param {readonly Row[]} rows
 * @returns {string}
 */
export function tableOf(rows) {
  const cells = rows.map(({ name, outcome, file, detail }) => [
    name,
    outcome,
    file === undefined ? "" : sizeOf(file),
    file === undefined ? detail : `${basename(file)}: ${detail}`,
  ]);
  const widths = [0, 1, 2].map((column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  return cells
    .map(([name = "", outcome = "", size = "", detail = ""]) =>
      `${name.padEnd(widths[0] ?? 0)}  ${outcome.padEnd(widths[1] ?? 0)}  ${size.padStart(widths[2] ?? 0)}  ${detail}`.trimEnd(),
    )
    .join("\n");
}

/** @param {string} file */
function sizeOf(file) {
  return `${(statSync(file).size / 1_000_000).toFixed(1)} MB`;
}
