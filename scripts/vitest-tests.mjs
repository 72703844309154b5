// @ts-check
/** A suite of Vitest's. */
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { run } from "./command.mjs";
import { lastLines, NOTHING, sum, withCrash } from "./outcome.mjs";
import { ROOT } from "./root.mjs";

/** @typedef {import("./outcome.mjs").Failure} Failure */
/** @typedef {import("./outcome.mjs").Outcome} Outcome */
/** @typedef {import("./outcome-reporter.mjs").Line} Line */

const VITEST = join(ROOT, "node_modules/vitest/vitest.mjs");
const REPORTER = join(ROOT, "scripts/outcome-reporter.mjs");

/**
 * Runs the tests of a suite, those of some files alone where any are named. `quietly`: at low priority, and what is said
 * is answered instead of printed.
 * @param {string} suite
 * @param {readonly string[]} files
 * @param {{ seed: string | null, quietly?: boolean }} options
 * @returns {Promise<{ outcome: Outcome, output: string }>}
 */
export async function vitestTests(suite, files, { seed, quietly = false }) {
  const report = join(ROOT, "out/test", `${suite}.outcome`);
  mkdirSync(join(ROOT, "out/test"), { recursive: true });
  rmSync(report, { force: true });
  const args = [
    VITEST,
    "run",
    "--passWithNoTests",
    "--project",
    suite,
    "--reporter=default",
    `--reporter=${REPORTER}`,
    "--reporter=json",
    `--outputFile.json=${join(ROOT, "out/test", `${suite}.json`)}`,
    ...files,
  ];
  const coloured = process.stdout.isTTY && !quietly;
  const { code, output } = await run(process.execPath, args, {
    cwd: ROOT,
    env: {
      ...(coloured ? { NO_COLOR: undefined, FORCE_COLOR: "1" } : {}),
      STARMESH_TEST_SEED: seed ?? "",
      STARMESH_TEST_OUTCOME: report,
    },
    ...(quietly ? { priority: 15 } : { said: (/** @type {string} */ text) => process.stdout.write(text) }),
  });
  const lines = existsSync(report) ? readFileSync(report, "utf8").trimEnd().split("\n") : [];
  const outcome = outcomeOf(suite, lines.filter((line) => line !== "").map(parsed), output);
  return { outcome: withCrash(outcome, { suite, file: null, code, output }), output };
}

/**
 * How many tests a suite has that is not run.
 * @param {string} suite
 * @param {readonly string[]} files
 */
export async function countTests(suite, files) {
  const { code, output } = await run(
    process.execPath,
    [VITEST, "list", "--project", suite, "--json", ...files],
    { cwd: ROOT },
  );
  const begin = output.indexOf("[\n");
  return code === 0 && begin >= 0 ? JSON.parse(output.slice(begin)).length : 1;
}

/**
 * What the reporter's lines come to. A file without an end has failed: what it was stopped by is an error astray or stands
 * at the end of the output.
 * @param {string} suite
 * @param {readonly Line[]} lines
 * @param {string} output
 * @returns {Outcome}
 */
export function outcomeOf(suite, lines, output) {
  let outcome = NOTHING;
  /** @type {Set<string>} */
  const open = new Set();
  /** @type {{ astray: string, file: string | null }[]} */
  const astray = [];
  for (const line of lines) {
    if ("begins" in line) open.add(line.begins);
    else if ("astray" in line) astray.push(line);
    else {
      const { file, passes, failures, skipped } = line;
      open.delete(file);
      outcome = sum(outcome, {
        passes: passes.map((title) => ({ suite, file, title })),
        failures: failures.map((failure) => ({ suite, file, ...failure })),
        skipped,
      });
    }
  }
  const ofNobody = astray.filter(({ file }) => file === null || open.has(file));
  const about = ofNobody.map(({ astray }) => astray).join("\n") || lastLines(output);
  const unended = [...open].map((file) => ({ suite, file, title: null, message: `did not end:\n${about}` }));
  // One for each file: those without are told with what did not end, if anything did not.
  const stray = new Map(
    astray
      .filter(({ file }) => (file === null ? open.size === 0 : !open.has(file)))
      .map(({ astray, file }) => [file, { suite, file, title: null, message: astray }]),
  );
  return sum(outcome, { ...NOTHING, failures: [...unended, ...stray.values()] });
}

/**
 * @param {string} line
 * @returns {Line}
 */
function parsed(line) {
  return JSON.parse(line);
}
