// @ts-check
/** What a suite of tests came to, and what of it a second look may take back. */

/**
 * A test by its names, as its runner gives them: `file` as it is called again, for Rust its crate's folder.
 * @typedef {{ suite: string, file: string, title: string }} Test
 */

/**
 * What failed and what was said of it. Without a title it is no test but its file, and without a file the runner itself,
 * that ended badly.
 * @typedef {{ suite: string, file: string | null, title: string | null, message: string }} Failure
 */

/**
 * @typedef {{ passes: readonly Test[], failures: readonly Failure[], skipped: number }} Outcome
 */

/** @type {Outcome} */
export const NOTHING = { passes: [], failures: [], skipped: 0 };

/**
 * @param {Outcome} one
 * @param {Outcome} other
 * @returns {Outcome}
 */
export function sum(one, other) {
  return {
    passes: [...one.passes, ...other.passes],
    failures: [...one.failures, ...other.failures],
    skipped: one.skipped + other.skipped,
  };
}

/**
 * A runner that ends badly without naming what failed has crashed, and that is one failure; its last lines say why.
 * @param {Outcome} outcome
 * @param {{ suite: string, file: string | null, code: number, output: string }} end
 * @returns {Outcome}
 */
export function withCrash(outcome, { suite, file, code, output }) {
  if (code === 0 || outcome.failures.length > 0) return outcome;
  const message = `ended with code ${code}; its last lines:\n${lastLines(output)}`;
  return { ...outcome, failures: [{ suite, file, title: null, message }] };
}

/**
 * Those of the failures that another run ran and passed. What it did not come to has shown nothing.
 * @param {readonly Failure[]} failures
 * @param {Outcome} again
 */
export function passedAgain(failures, again) {
  return failures.filter(({ file, title }) => {
    const passes = again.passes.filter((passed) => file === null || passed.file === file);
    if (title !== null) return passes.some((passed) => passed.title === title);
    return passes.length > 0 && !again.failures.some((failed) => file === null || failed.file === file);
  });
}

/**
 * The outcome once what passed in another run is taken for what it is.
 * @param {Outcome} first
 * @param {{ unsteady: readonly Failure[], passes: readonly Test[] }} later
 * @returns {Outcome}
 */
export function settled(first, { unsteady, passes }) {
  const known = new Set(first.passes.map(key));
  const more = passes.filter((test) => !known.has(key(test)));
  return {
    ...first,
    passes: [...first.passes, ...new Map(more.map((test) => [key(test), test])).values()],
    failures: first.failures.filter((failure) => !unsteady.includes(failure)),
  };
}

/**
 * What failed by its name and the first lines of what was said of it, for the end of the output.
 * @param {Failure} failure
 */
export function described({ suite, file, title, message }) {
  const name = title ?? (file === null ? "the runner" : `${file}, not one of its tests`);
  const lines = message.trimEnd().split("\n");
  const shown = lines.length > MOST_LINES ? [...lines.slice(0, MOST_LINES), "…"] : lines;
  return [`${suite}: ${name}`, ...shown.map((line) => `    ${line}`)].join("\n");
}

/** @param {string} output */
export function lastLines(output) {
  return output.trimEnd().split("\n").slice(-MOST_LINES).join("\n");
}

/** @param {Test} test */
function key({ suite, file, title }) {
  return [suite, file, title].join("\0");
}

const MOST_LINES = 20;
