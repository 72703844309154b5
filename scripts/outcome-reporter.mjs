// @ts-check
/**
 * A reporter for Vitest that writes down what `npm test` has to know, a line of JSON each, at once: what a run that dies has
 * written before counts, and files that it did not come to the end of are known.
 */
import { appendFileSync } from "node:fs";
import { relative } from "node:path";
import { ROOT } from "./root.mjs";

/**
 * A file that is going to be run; the end of one; an error that belongs to no test, with the file it came up in, if that is known.
 * @typedef {{ begins: string }
 *   | { file: string, passes: string[], failures: { title: string | null, message: string }[], skipped: number }
 *   | { astray: string, file: string | null }} Line
 */

/** @typedef {{ message: string, stack?: string, diff?: string, cause?: unknown }} Said */

// biome-ignore lint/style/noDefaultExport: Vitest takes a reporter in no other way.
export default class OutcomeReporter {
  /** @param {readonly import("vitest/node").TestSpecification[]} specifications */
  onTestRunStart(specifications) {
    for (const { moduleId } of specifications) write({ begins: relative(ROOT, moduleId) });
  }

  /** @param {import("vitest/node").TestModule} module */
  onTestModuleEnd(module) {
    const tests = [...module.children.allTests()];
    // What failed before or after its tests: the file itself, or a part of it.
    const around = [module, ...module.children.allSuites()].flatMap((part) => part.errors());
    write({
      file: relative(ROOT, module.moduleId),
      passes: tests.filter((test) => test.result().state === "passed").map(titleOf),
      failures: [
        ...tests
          .filter((test) => test.result().state === "failed")
          .map((test) => ({ title: titleOf(test), message: said(test.result().errors ?? []) })),
        ...(around.length > 0 ? [{ title: null, message: said(around) }] : []),
      ],
      skipped: tests.filter((test) => test.result().state === "skipped").length,
    });
  }

  /**
   * @param {readonly import("vitest/node").TestModule[]} _modules
   * @param {readonly (Said & { VITEST_TEST_PATH?: string })[]} errors
   */
  onTestRunEnd(_modules, errors) {
    for (const error of errors) {
      const file = error.VITEST_TEST_PATH;
      write({ astray: said([error]), file: file === undefined ? null : relative(ROOT, file) });
    }
  }
}

/** @param {import("vitest/node").TestCase} test */
function titleOf({ fullName }) {
  return fullName;
}

/** @param {readonly Said[]} errors */
function said(errors) {
  return errors
    .flatMap(({ message, stack, diff, cause }) => [message, diff, places(stack), causeOf(cause)])
    .filter(Boolean)
    .join("\n");
}

/** @param {unknown} cause */
function causeOf(cause) {
  return typeof cause === "object" && cause !== null && "message" in cause
    ? `caused by: ${cause.message}`
    : "";
}

/**
 * Where it came up: the project's own lines of the stack.
 * @param {string | undefined} stack
 */
function places(stack = "") {
  return stack
    .split("\n")
    .filter((line) => /^\s+at /.test(line) && !/node_modules|node:|<anonymous>/.test(line))
    .slice(0, 5)
    .join("\n");
}

/** @param {Line} line */
function write(line) {
  const path = process.env["STARMESH_TEST_OUTCOME"];
  if (path) appendFileSync(path, `${JSON.stringify(line)}\n`);
}
