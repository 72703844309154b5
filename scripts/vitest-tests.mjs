// @ts-check
/** A suite of Vitest's. */
import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { join, relative } from "node:path";
import { run, runHere } from "./command.mjs";
import { NOTHING, withCrash } from "./outcome.mjs";
import { ROOT } from "./root.mjs";

/** @typedef {import("./outcome.mjs").Outcome} Outcome */

const VITEST = join(ROOT, "node_modules/vitest/vitest.mjs");

/**
 * Runs the tests of a suite, those of some files alone where any are named. `quietly`: at low priority, and what is said
 * is answered instead of printed.
 * @param {string} suite
 * @param {readonly string[]} files
 * @param {{ seed: string | null, quietly?: boolean }} options
 * @returns {Promise<{ outcome: Outcome, output: string }>}
 */
export async function vitestTests(suite, files, { seed, quietly = false }) {
  const report = join(ROOT, "out/test", `${suite}.json`);
  mkdirSync(join(ROOT, "out/test"), { recursive: true });
  rmSync(report, { force: true });
  const args = [
    VITEST,
    "run",
    "--passWithNoTests",
    "--project",
    suite,
    "--reporter=default",
    "--reporter=json",
    `--outputFile.json=${report}`,
    ...files,
  ];
  const env = {
    ...process.env,
    ...(process.stdout.isTTY ? {} : { NO_COLOR: "1" }),
    STARMESH_TEST_SEED: seed ?? "",
  };
  const { code, output } = quietly
    ? await run(process.execPath, args, { cwd: ROOT, env, priority: 15 })
    : { code: await runHere(process.execPath, args, { cwd: ROOT, env }), output: "" };
  return { outcome: withCrash(read(suite, report), code), output };
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
 * @param {string} suite
 * @param {string} report
 * @returns {Outcome}
 */
function read(suite, report) {
  if (!existsSync(report)) return NOTHING;
  /** @type {{ numPassedTests: number, numPendingTests: number, numTodoTests: number, testResults:
   *   { name: string, status: string, assertionResults: { status: string, fullName: string }[] }[] }} */
  const summary = JSON.parse(readFileSync(report, "utf8"));
  const failures = summary.testResults.flatMap(({ name, status, assertionResults }) => {
    const file = relative(ROOT, name);
    const failed = assertionResults.filter((test) => test.status === "failed");
    // A file that fails before its first test has no test to name.
    if (failed.length === 0) return status === "failed" ? [{ suite, file, title: file }] : [];
    return failed.map(({ fullName }) => ({ suite, file, title: fullName }));
  });
  const passes = summary.testResults.flatMap(({ name, assertionResults }) =>
    assertionResults
      .filter((test) => test.status === "passed")
      .map(({ fullName }) => ({ suite, file: relative(ROOT, name), title: fullName })),
  );
  return {
    passed: summary.numPassedTests,
    passes,
    failed: failures.length,
    skipped: summary.numPendingTests + summary.numTodoTests,
    failures,
  };
}
