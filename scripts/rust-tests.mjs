// @ts-check
/** The crates' own tests, run by cargo. */
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { cargoPath } from "./build.mjs";
import { run } from "./command.mjs";
import { NOTHING, sum, withCrash } from "./outcome.mjs";
import { ROOT } from "./root.mjs";

/** @typedef {import("./outcome.mjs").Outcome} Outcome */

/** With the targets that have tests: examples are compiled by whoever wants them. */
const CRATES = [
  { path: "drivers/dataplane", targets: ["--lib"] },
  ...(process.platform !== "win32" ? [{ path: "drivers/helper", targets: ["--bins"] }] : []),
  { path: "test/line", targets: ["--bins"] },
];

/**
 * Runs the tests whose names hold one of the filters; null where there is no cargo. `only`: those of one crate, and where
 * it has titles, just these, one after the other.
 * @param {readonly string[]} filters
 * @param {{ seed: string | null, only?: { crate: string | null, titles: readonly string[] | null } }} options
 * @returns {Promise<Outcome | null>}
 */
export async function rustTests(filters, { seed, only }) {
  const cargo = cargoPath();
  if (!cargo) return null;
  const crates = CRATES.filter(({ path }) => !only?.crate || only.crate === path);
  // Most of the longest ones wait.
  const threads = 2 * availableParallelism();
  const chosen = only?.titles
    ? ["--exact", "--test-threads=1", ...only.titles]
    : [`--test-threads=${threads}`, ...filters];
  let outcome = NOTHING;
  for (const { path, targets } of crates) {
    const crate = join(ROOT, path);
    const { code, output } = await run(
      cargo,
      [
        "test",
        // The release profile, because set-up has built everything in it already.
        "--release",
        "--locked",
        "--no-fail-fast",
        ...targets,
        "--target-dir",
        join(crate, "target"),
        "--",
        ...chosen,
      ],
      {
        cwd: crate,
        env: seed === null ? {} : { PROPTEST_RNG_SEED: seed },
        said: (text) => process.stdout.write(text),
      },
    );
    outcome = sum(outcome, withCrash(outcomeOf(path, output), { suite: "rust", file: path, code, output }));
  }
  return outcome;
}

/**
 * What the output of a crate's tests comes to.
 * @param {string} crate
 * @param {string} output
 * @returns {Outcome}
 */
export function outcomeOf(crate, output) {
  const named = (/** @type {RegExp} */ line) =>
    [...output.matchAll(line)].map(([, title = ""]) => ({ suite: "rust", file: crate, title }));
  const said = new Map(
    [...output.matchAll(/^---- (\S+) stdout ----\n([\s\S]*?)(?=^---- |^failures:$)/gm)].map(
      ([, title, message = ""]) => [title, message.trim()],
    ),
  );
  const skipped = [...output.matchAll(/\d+ failed; (\d+) ignored/g)].map(([, count]) => Number(count));
  return {
    passes: named(/^test (\S+)(?: - should panic)? \.\.\. ok$/gm),
    failures: named(/^test (\S+)(?: - should panic)? \.\.\. FAILED$/gm).map((test) => ({
      ...test,
      message: said.get(test.title) ?? "",
    })),
    skipped: skipped.reduce((all, count) => all + count, 0),
  };
}
