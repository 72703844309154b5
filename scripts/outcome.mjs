// @ts-check
/** What a suite of tests came to. */

/**
 * Tests that failed are named where their runner names them: `file` as it is called again, null for a crate's own.
 * @typedef {{ suite: string, file: string | null, title: string }} Failure
 * @typedef {{ passed: number, failed: number, skipped: number, failures: readonly Failure[] }} Outcome
 */

/** @type {Outcome} */
export const NOTHING = { passed: 0, failed: 0, skipped: 0, failures: [] };

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
 * The outcome once those failures that passed in a second run are taken for what they are.
 * @param {Outcome} first
 * @param {readonly Failure[]} unsteady
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
