// @ts-check
/** The crates' own tests, run by cargo. */
import { join } from "node:path";
import { cargoPath } from "./build.mjs";
import { run } from "./command.mjs";
import { NOTHING, sum, withCrash } from "./outcome.mjs";
import { ROOT } from "./root.mjs";

/** @typedef {import("./outcome.mjs").Outcome} Outcome */

const CRATES = [
  {
    path: "drivers/dataplane",
    // Built in parts, or the crate's own tests take longer to compile than everything else.
    options: ["--config", "profile.release.package.starmesh_dataplane.codegen-units=16"],
  },
  ...(process.platform === "linux" ? [{ path: "drivers/helper", options: [] }] : []),
  { path: "test/line", options: [] },
];

/**
 * Runs the tests whose names hold one of the filters, or are one of them if `exact`; null where there is no cargo.
 * @param {readonly string[]} filters
 * @param {{ seed: string | null, exact?: boolean }} options
 * @returns {Promise<Outcome | null>}
 */
export async function rustTests(filters, { seed, exact = false }) {
  const cargo = cargoPath();
  if (!cargo) return null;
  let outcome = NOTHING;
  for (const { path, options } of CRATES) {
    const crate = join(ROOT, path);
    // The release profile, because set-up has built every crate in it already.
    const args = [
      "test",
      "--release",
      "--locked",
      "--no-fail-fast",
      ...options,
      "--target-dir",
      join(crate, "target"),
      "--",
      ...(exact ? ["--exact"] : []),
      ...filters,
    ];
    const { code, output } = await run(cargo, args, {
      cwd: crate,
      env: seed === null ? {} : { PROPTEST_RNG_SEED: seed },
      said: (text) => process.stdout.write(text),
    });
    outcome = sum(outcome, withCrash(read(output), code));
  }
  return outcome;
}

/**
 * @param {string} output
 * @returns {Outcome}
 */
function read(output) {
  let outcome = NOTHING;
  for (const [, passed, failed, ignored] of output.matchAll(/(\d+) passed; (\d+) failed; (\d+) ignored/g)) {
    outcome = sum(outcome, {
      passed: Number(passed),
      failed: Number(failed),
      skipped: Number(ignored),
      passes: [],
      failures: [],
    });
  }
  const named = (/** @type {RegExp} */ line) =>
    [...output.matchAll(line)].map(([, title = ""]) => ({ suite: "rust", file: null, title }));
  return {
    ...outcome,
    passes: named(/^test (\S+) \.\.\. ok$/gm),
    failures: named(/^test (\S+) \.\.\. FAILED$/gm),
  };
}
