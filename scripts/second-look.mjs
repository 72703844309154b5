// @ts-check
/** Runs what failed again: a busy machine may fail a test that is right, and a test that passes sometimes is told as such. */
import { NOTHING, passedAgain, sum } from "./outcome.mjs";

/** @typedef {import("./outcome.mjs").Failure} Failure */
/** @typedef {import("./outcome.mjs").Outcome} Outcome */
/** @typedef {import("./outcome.mjs").Test} Test */

/**
 * What is run again at once: the file's tests of these titles, all of them where titles is null, all files where file is.
 * @typedef {{ suite: string, file: string | null, titles: readonly string[] | null }} Part
 */

/**
 * Runs each file with failures by itself, up to three times, until what failed in it has passed once. Answers those
 * failures, and every test that passed. Where too many files failed it is no accident, and none is looked at.
 * @param {readonly Failure[]} failures
 * @param {(part: Part, turn: number) => Promise<Outcome>} run
 * @returns {Promise<{ unsteady: readonly Failure[], passes: readonly Test[] }>}
 */
export async function lookAgain(failures, run) {
  const groups = byFile(failures);
  if (groups.length > MOST_FILES) return { unsteady: [], passes: [] };
  /** @type {Failure[]} */
  const unsteady = [];
  let seen = NOTHING;
  for (const group of groups) {
    /** @type {readonly Failure[]} */
    let open = group;
    for (let turn = 1; turn <= TURNS && open.length > 0; turn += 1) {
      const again = await run(part(open), turn);
      const passed = passedAgain(open, again);
      unsteady.push(...passed);
      seen = sum(seen, again);
      open = open.filter((failure) => !passed.includes(failure));
    }
  }
  return { unsteady, passes: seen.passes };
}

/** @param {readonly Failure[]} failures */
function byFile(failures) {
  /** @type {Map<string, Failure[]>} */
  const groups = new Map();
  for (const failure of failures) {
    const key = `${failure.suite}\0${failure.file}`;
    groups.set(key, [...(groups.get(key) ?? []), failure]);
  }
  return [...groups.values()];
}

/**
 * @param {readonly Failure[]} failures
 * @returns {Part}
 */
function part(failures) {
  const titles = failures.flatMap(({ title }) => title ?? []);
  const [first] = failures;
  if (!first) throw new Error("a part has a failure");
  return { suite: first.suite, file: first.file, titles: titles.length === failures.length ? titles : null };
}

const MOST_FILES = 8;
const TURNS = 3;
