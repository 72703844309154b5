// @ts-check
/** `npm run capabilities`: each line of docs/capabilities.md with the tests that show it, open ones last. */
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { ROOT } from "./root.mjs";

/** @typedef {{ id: string, text: string }} Capability */
/** @typedef {{ ids: readonly string[], title: string, file: string }} Proof */

/**
 * The lines of docs/capabilities.md in their order.
 * @returns {Capability[]}
 */
export function capabilities() {
  const text = readFileSync(join(ROOT, "docs/capabilities.md"), "utf8");
  return [...text.matchAll(/^- \*\*([A-Z]\d\d)\*\* (.+)$/gm)].map(([, id = "", line = ""]) => ({
    id,
    text: line,
  }));
}

/**
 * Every test that carries ids: in its title, or in Rust in the comment above the function.
 * @returns {Proof[]}
 */
export function proofs() {
  return [...filesUnder("test", /\.test\.tsx?$/), ...filesUnder("drivers/dataplane", /\.rs$/)].flatMap(
    (path) => {
      const pattern = path.endsWith(".rs") ? RUST : TYPESCRIPT;
      return [...readFileSync(path, "utf8").matchAll(pattern)].map((match) => ({
        ids: match.groups?.["ids"]?.match(/[A-Z]\d\d/g) ?? [],
        title: (match.groups?.["title"] || match.groups?.["name"] || "").trim(),
        file: relative(ROOT, path),
      }));
    },
  );
}

function print() {
  // `| head` is no failure.
  process.stdout.on("error", () => process.exit());
  const shownBy = proofs();
  const rows = capabilities().map((line) => ({
    ...line,
    tests: shownBy.filter(({ ids }) => ids.includes(line.id)),
  }));
  const shown = rows.filter((row) => row.tests.length > 0);
  const open = rows.filter((row) => row.tests.length === 0);
  for (const { id, text, tests } of shown) {
    process.stdout.write(`${id} ${text}\n`);
    for (const { title, file } of tests) process.stdout.write(`    ${file}: ${title}\n`);
  }
  if (open.length > 0) process.stdout.write("\nopen:\n");
  for (const { id, text } of open) process.stdout.write(`${id} ${text}\n`);
  process.stdout.write(`\n${shown.length} of ${rows.length} shown by tests\n`);
}

/**
 * @param {string} folder
 * @param {RegExp} name
 * @returns {string[]}
 */
function filesUnder(folder, name) {
  return readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    if (entry.isDirectory()) return entry.name === "target" ? [] : filesUnder(join(folder, entry.name), name);
    return name.test(entry.name) ? [join(ROOT, folder, entry.name)] : [];
  });
}

/** A title in quotes that begins with ids: `test("[P05 Z20] …`, also the names of `describe` and tables of cases. */
const TYPESCRIPT =
  /(?<quote>["'`])(?<ids>(?:\[[A-Z]\d\d(?:[ ,]+[A-Z]\d\d)*\] ?)+)(?<title>(?:(?!\k<quote>).)*)\k<quote>/g;

/** `/// [P05] …` or `// [P05] …`, more comment or attributes, then the function. */
const RUST =
  /\/\/\/? (?<ids>(?:\[[A-Z]\d\d(?:[ ,]+[A-Z]\d\d)*\] ?)+)(?<title>.*)\n(?:\s*(?:\/\/|#\[).*\n)*\s*(?:async )?fn (?<name>\w+)/g;

if (process.argv[1] === fileURLToPath(import.meta.url)) print();
