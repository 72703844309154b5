// @ts-check
/** `npm run check`: everything that reads the source, side by side; says what failed and prints its output. */
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { cargoPath } from "./build.mjs";
import { run } from "./command.mjs";
import { ROOT } from "./root.mjs";
import { setUpOrExit } from "./setup.mjs";

const crate = join(ROOT, "drivers/dataplane");
const line = join(ROOT, "test/line");
const helper = join(ROOT, "drivers/helper");
const cargo = cargoPath() ?? "cargo";

/**
 * The longest first, so that none of them is left to run alone at the end.
 * @type {readonly { name: string, program: string, args: readonly string[], cwd?: string }[]}
 */
const CHECKS = [
  // The other suites take longer than all else together; `npm test` has them.
  node("tests", "vitest/vitest.mjs", ["run", "--project", "unit"]),
  {
    name: "clippy",
    program: cargo,
    args: ["clippy", "--all-targets", "--locked", "--quiet", "--", "-D", "warnings"],
    cwd: crate,
  },
  node("types", "typescript/bin/tsc", ["-b"]),
  node("unused code", "knip/bin/knip.js", ["--no-progress"]),
  node("layers", "dependency-cruiser/bin/dependency-cruise.mjs", [
    "--config",
    ".dependency-cruiser.cjs",
    "--output-type",
    "err-long",
    "src-shared",
    "src-main",
    "src-renderer",
    "drivers",
    "scripts",
    "test",
  ]),
  node("promises and switches", "oxlint/bin/oxlint", ["--type-aware", "--deny-warnings"]),
  node("format and lint", "@biomejs/biome/bin/biome", ["ci", "--colors=off", "--error-on-warnings", "."]),
  { name: "rustfmt", program: cargo, args: ["fmt", "--check", "--", "--color", "never"], cwd: crate },
  {
    name: "clippy of the tests' line",
    program: cargo,
    args: ["clippy", "--all-targets", "--locked", "--quiet", "--", "-D", "warnings"],
    cwd: line,
  },
  {
    name: "rustfmt of the tests' line",
    program: cargo,
    args: ["fmt", "--check", "--", "--color", "never"],
    cwd: line,
  },
  {
    name: "clippy of the helper",
    program: cargo,
    args: ["clippy", "--all-targets", "--locked", "--quiet", "--", "-D", "warnings"],
    cwd: helper,
  },
  {
    name: "rustfmt of the helper",
    program: cargo,
    args: ["fmt", "--check", "--", "--color", "never"],
    cwd: helper,
  },
];

await setUpOrExit();
const begun = performance.now();
const waiting = [...CHECKS];
/** @type {string[]} */
const failed = [];
await Promise.all(Array.from({ length: Math.max(2, availableParallelism()) }, worker));
const took = ((performance.now() - begun) / 1000).toFixed(1);
process.stdout.write(
  failed.length === 0 ? `all checks passed in ${took} s\n` : `failed: ${failed.join(", ")} (${took} s)\n`,
);
process.exitCode = failed.length === 0 ? 0 : 1;

async function worker() {
  for (let check = waiting.shift(); check; check = waiting.shift()) {
    const started = performance.now();
    const { code, output } = await run(check.program, check.args, {
      cwd: check.cwd ?? ROOT,
    });
    const seconds = `${((performance.now() - started) / 1000).toFixed(1)} s`;
    if (code === 0) {
      process.stdout.write(`✓ ${check.name} ${seconds}\n`);
    } else {
      failed.push(check.name);
      process.stdout.write(`✗ ${check.name} ${seconds}\n${output.trimEnd()}\n`);
    }
  }
}

/**
 * @param {string} name
 * @param {string} path
 * @param {readonly string[]} args
 */
function node(name, path, args) {
  return { name, program: process.execPath, args: [join(ROOT, "node_modules", path), ...args] };
}
