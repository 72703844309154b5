// @ts-check
/** What a suite of tests came to. */

/**
 * A test by its names, as its runner gives them: `file` as it is called again, null for a crate's own.
 * @typedef {{ suite: string, file: string | null, title: string }} Test
 */

/**
 * @typedef {{ passed: number, failed: number, skipped: number, passes: readonly Test[], failures: readonly Test[] }} Outcome
 */

/** @type {Outcome} */
export const NOTHING = { passed: 0, failed: 0, skipped: 0, passes: [], failures: [] };

/**
 * @param {Outcome} one
 * @param {Outcome} other
 * @returns {Outcome}
 */
export function sum(one, other) {
  return {
    passed: one.passed + other.passed,
    failed: one.failed + other.failed,
    skipped: one.skipped + other.skipped,
    passes: [...one.passes, ...other.passes],
    failures: [...one.failures, ...other.failures],
  };
}

/**
 * A runner that ends badly without naming a failed test has crashed, and that is one failure.
 * @param {Outcome} outcome
 * @param {number} code
 * @returns {Outcome}
 */
export function withCrash(outcome, code) {
  return code !== 0 && outcome.failed === 0 ? { ...outcome, failed: 1 } : outcome;
}

/**
 * Those of the failures that a second run ran and passed. One that it did not come to has shown nothing.
 * @param {readonly Test[]} failures
 * @param {Outcome} again
 */
export function passedAgain(failures, again) {
  return failures.filter(({ file, title }) =>
    again.passes.some((passed) => passed.file === file && passed.title === title),
  );
}

/**
 * The outcome once those failures that passed in a second run are taken for what they are.
 * @param {Outcome} first
 * @param {readonly Test[]} unsteady
 * @returns {Outcome}
 */
export function settled(first, unsteady) {
  return {
    ...first,
    passed: first.passed + unsteady.length,
    failed: first.failed - unsteady.length,
    failures: first.failures.filter((failure) => !unsteady.includes(failure)),
  };
}
