/** What `npm test` knows of a run of tests, and what a second look may count as passed. */
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { promisify } from "node:util";
import { expect, onTestFinished, test } from "vitest";
import { described, NOTHING, passedAgain, settled, withCrash } from "../../scripts/outcome.mjs";
import { ROOT } from "../../scripts/root.mjs";
import { outcomeOf as rustOutcome } from "../../scripts/rust-tests.mjs";
import { lookAgain } from "../../scripts/second-look.mjs";
import { outcomeOf } from "../../scripts/vitest-tests.mjs";

const file = "test/netns/one.test.ts";
const shaky = { suite: "netns", file, title: "is shaky", message: "1 is not 2" };
const broken = { suite: "netns", file, title: "is broken", message: "3 is not 4" };
const whole = { suite: "netns", file, title: null, message: "did not end" };
const other = { suite: "netns", file: "test/netns/other.test.ts", title: "is broken" };
const steady = { suite: "netns", file, title: "is steady" };

test("a failure counts as passed once it ran again and passed, and no other does", () => {
  const again = { ...NOTHING, passes: [shaky, other], failures: [broken] };
  const unsteady = passedAgain([shaky, broken], again);
  expect(unsteady).toEqual([shaky]);
  const first = { ...NOTHING, passes: [steady], failures: [shaky, broken] };
  const after = settled(first, { unsteady, passes: [steady, shaky, shaky] });
  expect(after).toEqual({ passes: [steady, shaky], failures: [broken], skipped: 0 });
});

test("a second run that ended before the tests, or found none, has shown nothing", () => {
  expect(passedAgain([shaky, whole], { ...NOTHING, failures: [whole] })).toEqual([]);
  expect(passedAgain([shaky, whole], NOTHING)).toEqual([]);
});

test("a file that ended badly has passed when it ended well, and the runner when all did", () => {
  const runner = { ...whole, file: null };
  expect(passedAgain([whole, runner], { ...NOTHING, passes: [steady] })).toEqual([whole, runner]);
  expect(passedAgain([whole, runner], { ...NOTHING, passes: [steady], failures: [broken] })).toEqual([]);
  expect(passedAgain([whole], { ...NOTHING, passes: [other] })).toEqual([]);
});

test("what failed runs again by its file, three times at most, and not at all when too much did", async () => {
  const asked: string[] = [];
  const run =
    (turns: number) => (part: { file: string | null; titles: readonly string[] | null }, turn: number) => {
      asked.push(`${basename(part.file ?? "all")} ${part.titles?.join()} ${turn}`);
      return Promise.resolve(
        turn < turns ? { ...NOTHING, failures: [shaky] } : { ...NOTHING, passes: [shaky] },
      );
    };
  expect((await lookAgain([shaky, broken], run(2))).unsteady).toEqual([shaky]);
  expect(asked).toEqual([
    "one.test.ts is shaky,is broken 1",
    "one.test.ts is shaky,is broken 2",
    "one.test.ts is broken 3",
  ]);
  expect((await lookAgain([shaky], run(4))).unsteady).toEqual([]);
  asked.length = 0;
  expect((await lookAgain([{ ...whole, file: null }], run(1))).unsteady).toHaveLength(1);
  expect(asked).toEqual(["all undefined 1"]);
  const many = Array.from({ length: 9 }, (_, number) => ({ ...broken, file: `${number}.test.ts` }));
  expect((await lookAgain(many, run(1))).unsteady).toEqual([]);
  expect(asked).toHaveLength(1);
});

test("a runner that crashed is a failure with its last lines", () => {
  const output = `${Array.from({ length: 40 }, (_, number) => `line ${number}`).join("\n")}\nout of memory\n`;
  const end = { suite: "sim", file: null, code: 134, output };
  const [failure] = withCrash(NOTHING, end).failures;
  expect(failure).toMatchObject({ suite: "sim", file: null, title: null });
  expect(failure?.message).toMatch(/^ended with code 134; its last lines:\nline 21\n.*\nout of memory$/s);
  expect(withCrash({ ...NOTHING, failures: [broken] }, end).failures).toEqual([broken]);
  expect(withCrash(NOTHING, { ...end, code: 0 })).toEqual(NOTHING);
  expect(described(broken)).toBe("netns: is broken\n    3 is not 4");
});

test("what Rust's tests say is read with the message of each failure", () => {
  const output = `running 3 tests
test plane::one ... ok
test plane::two ... FAILED
test plane::three ... ignored

failures:

---- plane::two stdout ----

thread 'plane::two' panicked at src/plane/two.rs:7:5:
left: 1


failures:
    plane::two

test result: FAILED. 1 passed; 1 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s
`;
  const crate = "drivers/dataplane";
  const message = "thread 'plane::two' panicked at src/plane/two.rs:7:5:\nleft: 1";
  expect(rustOutcome(crate, output)).toEqual({
    passes: [{ suite: "rust", file: crate, title: "plane::one" }],
    failures: [{ suite: "rust", file: crate, title: "plane::two", message }],
    skipped: 1,
  });
});

test("a worker that dies and an error outside of tests are failures of their files, told as what they were", async () => {
  const folder = mkdtempSync(join(tmpdir(), "starmesh-outcome-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const name = (each: string) => join(folder, `${each}.test.mjs`);
  const vitest = JSON.stringify(join(ROOT, "node_modules/vitest/dist/index.js"));
  const write = (each: string, body: string) =>
    writeFileSync(name(each), `import { beforeAll, expect, test } from ${vitest};\n${body}`);
  write("dies", `test("one", () => process.kill(process.pid, "SIGKILL"));`);
  write(
    "throws",
    `test("one", async () => { Promise.reject(new Error("astray")); await new Promise(setImmediate); });`,
  );
  write("begins", `beforeAll(() => { throw new Error("no room"); }); test("one", () => {});`);
  write(
    "fails",
    `test("one", () => expect(1).toBe(2)); test("two", () => {}); test.skip("three", () => {});`,
  );
  const report = join(folder, "report");
  const args = [
    join(ROOT, "node_modules/vitest/vitest.mjs"),
    ...["run", "--pool=forks", "--root", folder],
    `--reporter=${join(ROOT, "scripts/outcome-reporter.mjs")}`,
  ];
  const env = { ...process.env, STARMESH_TEST_OUTCOME: report };
  await promisify(execFile)(process.execPath, args, { env, cwd: folder }).catch(() => undefined);
  const lines = readFileSync(report, "utf8").trimEnd().split("\n");
  const { passes, failures, skipped } = outcomeOf(
    "unit",
    lines.map((line) => JSON.parse(line)),
    "",
  );
  expect(passes.map(({ file, title }) => [basename(file), title]).toSorted()).toEqual([
    ["fails.test.mjs", "two"],
    ["throws.test.mjs", "one"],
  ]);
  expect(skipped).toBe(2);
  const told = new Map(
    failures.map(({ file, title, message }) => [`${basename(file ?? "")} ${title}`, message]),
  );
  expect([...told.keys()].toSorted()).toEqual([
    "begins.test.mjs null",
    "dies.test.mjs null",
    "fails.test.mjs one",
    "throws.test.mjs null",
  ]);
  expect(told.get("begins.test.mjs null")).toContain("no room");
  expect(told.get("dies.test.mjs null")).toContain("exited unexpectedly");
  expect(told.get("fails.test.mjs one")).toContain("expected 1 to be 2");
  expect(told.get("throws.test.mjs null")).toContain("astray");
});
