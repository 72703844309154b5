// @ts-check
/** `npm test`: set-up, the system packages that tests use, all suites, and one last line over them. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { cargoPath } from "./build.mjs";
import { find, run, runHere } from "./command.mjs";
import { ROOT } from "./root.mjs";
import { giveOutputsTo, setUpOrExit, sudoCaller } from "./setup.mjs";

/** What a suite came to. @typedef {{ passed: number, failed: number, skipped: number }} Counts */

/**
 * The suites in the order they run, and what each needs besides Node. `beside`: that suite mostly waits, so this one runs
 * at the same time, at low priority.
 * @type {readonly { name: string, root?: boolean, packages?: readonly string[], beside?: string }[]}
 */
const SUITES = [
  { name: "rust" },
  { name: "unit" },
  { name: "contract" },
  { name: "sim", beside: "netns" },
  {
    name: "netns",
    root: true,
    packages: [
      "iproute2",
      "iputils-ping",
      "nftables",
      "iperf3",
      "tcpdump",
      "miniupnpd-nftables",
      "tinyproxy-bin",
      "microsocks",
      "tshark",
      "curl",
      "openssl",
      "dnsmasq-base",
      "bind9-dnsutils",
    ],
  },
  { name: "browser", packages: ["chromium", "fonts-noto-cjk"] },
  { name: "electron" },
];

/** The program of a package that is not named like it. @type {Readonly<Record<string, string>>} */
const PROGRAMS = {
  iproute2: "ip",
  "miniupnpd-nftables": "miniupnpd",
  "tinyproxy-bin": "tinyproxy",
  "iputils-ping": "ping",
  "dnsmasq-base": "dnsmasq",
  "bind9-dnsutils": "dig",
  nftables: "nft",
  "fonts-noto-cjk": "fc-list",
};
const VITEST = join(ROOT, "node_modules/vitest/vitest.mjs");

const filters = process.argv.slice(2);
const names = filters.filter((filter) => SUITES.some((suite) => suite.name === filter));
const files = filters.filter((filter) => !names.includes(filter));
const chosen = SUITES.filter(
  (suite) => (names.length === 0 || names.includes(suite.name)) && (files.length === 0 || holds(suite.name)),
);
if (chosen.length === 0) {
  process.stderr.write(`no suite and no test file matches ${filters.join(" ")}\n`);
  process.exit(2);
}

await setUpOrExit();
const missing = await systemPackages([...new Set(chosen.flatMap((suite) => suite.packages ?? []))]);

/** @type {Counts} */
const total = { passed: 0, failed: 0, skipped: 0 };
for (const suite of chosen) {
  if (chosen.some(({ name }) => name === suite.beside)) continue;
  const beside = chosen.filter(({ beside }) => beside === suite.name).map(runBeside);
  add(await runSuite(suite));
  for (const { name, ended } of beside) {
    const { counts, output } = await ended;
    heading(name);
    process.stdout.write(output);
    add(counts);
  }
}
const caller = sudoCaller();
if (caller) giveOutputsTo(caller);
process.exitCode = total.failed > 0 ? 1 : 0;
process.stdout.write(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped\n`);

/** @param {Counts} counts */
function add(counts) {
  total.passed += counts.passed;
  total.failed += counts.failed;
  total.skipped += counts.skipped;
}

/**
 * @param {typeof SUITES[number]} suite
 * @returns {Promise<Counts>}
 */
async function runSuite(suite) {
  const lacks = [
    ...(suite.root && process.getuid?.() !== 0 ? ["root"] : []),
    ...missing.filter((each) => suite.packages?.includes(each)),
  ];
  heading(suite.name);
  if (lacks.length > 0) return skip(suite.name, lacks);
  return suite.name === "rust" ? runRust() : runVitest(suite.name);
}

/**
 * Begins a suite of Vitest's at low priority; what it says is kept until it has ended.
 * @param {{ name: string }} suite
 */
function runBeside({ name }) {
  const { args, options, count } = vitest(name);
  const ended = run(process.execPath, args, { ...options, priority: 15 }).then(({ code, output }) => ({
    counts: count(code),
    output,
  }));
  return { name, ended };
}

/** @returns {Promise<Counts>} */
async function runRust() {
  const cargo = cargoPath();
  if (!cargo) return skip("rust", ["cargo"]);
  const counts = { passed: 0, failed: 0, skipped: 0 };
  // Built in parts, or the crate's own tests take longer to compile than everything else.
  const inParts = ["--config", "profile.release.package.starmesh_dataplane.codegen-units=16"];
  for (const { path, options } of [
    { path: "drivers/dataplane", options: inParts },
    { path: "test/line", options: [] },
  ]) {
    const { passed, failed, skipped } = await runCrate(cargo, join(ROOT, path), options);
    counts.passed += passed;
    counts.failed += failed;
    counts.skipped += skipped;
  }
  return counts;
}

/**
 * @param {string} cargo
 * @param {string} crate
 * @param {readonly string[]} options
 * @returns {Promise<Counts>}
 */
async function runCrate(cargo, crate, options) {
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
    ...files,
  ];
  const { code, output } = await run(cargo, args, { cwd: crate, said: (text) => process.stdout.write(text) });
  const counts = { passed: 0, failed: 0, skipped: 0 };
  for (const [, passed, failed, ignored] of output.matchAll(/(\d+) passed; (\d+) failed; (\d+) ignored/g)) {
    counts.passed += Number(passed);
    counts.failed += Number(failed);
    counts.skipped += Number(ignored);
  }
  return crashCounts(counts, code);
}

/**
 * @param {string} suite
 * @returns {Promise<Counts>}
 */
async function runVitest(suite) {
  const { args, options, count } = vitest(suite);
  return count(await runHere(process.execPath, args, options));
}

/**
 * How Vitest is called for a suite, and what the suite came to once it ended with a code.
 * @param {string} suite
 */
function vitest(suite) {
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
  const env = { ...process.env, ...(process.stdout.isTTY ? {} : { NO_COLOR: "1" }) };
  /** @param {number} code */
  const count = (code) => crashCounts(readCounts(report), code);
  return { args, options: { cwd: ROOT, env }, count };
}

/**
 * @param {string} report
 * @returns {Counts}
 */
function readCounts(report) {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  if (!existsSync(report)) return counts;
  const summary = JSON.parse(readFileSync(report, "utf8"));
  counts.passed = summary.numPassedTests;
  counts.failed = summary.numFailedTests;
  counts.skipped = summary.numPendingTests + summary.numTodoTests;
  // A file that fails before its first test has no test to count.
  for (const file of summary.testResults) {
    const blamed = file.assertionResults.some(
      (/** @type {{ status: string }} */ test) => test.status === "failed",
    );
    if (file.status === "failed" && !blamed) counts.failed += 1;
  }
  return counts;
}

/**
 * A suite that ends badly without naming a failed test has crashed, and that is one failure.
 * @param {Counts} counts
 * @param {number} code
 */
function crashCounts(counts, code) {
  return code !== 0 && counts.failed === 0 ? { ...counts, failed: 1 } : counts;
}

/**
 * @param {string} suite
 * @param {readonly string[]} lacks
 * @returns {Promise<Counts>}
 */
async function skip(suite, lacks) {
  process.stdout.write(`\n${suite} is SKIPPED: it needs ${lacks.join(", ")}\n`);
  const { code, output } = await run(
    process.execPath,
    [VITEST, "list", "--project", suite, "--json", ...files],
    { cwd: ROOT },
  );
  const begin = output.indexOf("[\n");
  return {
    passed: 0,
    failed: 0,
    skipped: code === 0 && begin >= 0 ? JSON.parse(output.slice(begin)).length : 1,
  };
}

/**
 * Installs system packages that tests use, where this is Debian and we are root; answers those still missing.
 * @param {readonly string[]} packages
 */
async function systemPackages(packages) {
  const absent = await notInstalled(packages);
  if (absent.length === 0) return [];
  const apt = find("apt-get");
  if (!apt || process.getuid?.() !== 0) {
    process.stderr.write(`missing for some suites, which are skipped: ${absent.join(" ")}\n`);
    return absent;
  }
  process.stderr.write(`installing ${absent.join(" ")}\n`);
  const env = { DEBIAN_FRONTEND: "noninteractive" };
  const install = ["install", "-y", "--no-install-recommends", ...absent];
  let result = await run(apt, install, { env });
  if (result.code !== 0) {
    await run(apt, ["update"], { env });
    result = await run(apt, install, { env });
  }
  const still = await notInstalled(absent);
  if (still.length > 0)
    process.stderr.write(
      `${result.output}\nmissing for some suites, which are skipped: ${still.join(" ")}\n`,
    );
  return still;
}

/** @param {readonly string[]} packages */
async function notInstalled(packages) {
  if (!find("dpkg-query"))
    return packages.filter((name) => !find(PROGRAMS[name] ?? name, ["/usr/sbin", "/sbin"]));
  // biome-ignore lint/suspicious/noTemplateCurlyInString: these are dpkg's own placeholders.
  const { output } = await run("dpkg-query", ["-W", "-f", "${Package} ${db:Status-Status}\n", ...packages]);
  return packages.filter((name) => !output.split("\n").includes(`${name} installed`));
}

/**
 * True when a file of the suite matches one of the filters.
 * @param {string} suite
 */
function holds(suite) {
  if (suite === "rust") return names.includes("rust");
  const folder = join(ROOT, "test", suite);
  const present = existsSync(folder) ? readdirSync(folder, { recursive: true }).map(String) : [];
  return present.some(
    (file) => /\.test\.tsx?$/.test(file) && files.some((part) => `test/${suite}/${file}`.includes(part)),
  );
}

/** @param {string} suite */
function heading(suite) {
  process.stdout.write(`\n── ${suite} ──\n`);
}
