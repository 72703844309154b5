/** Plants a violation of every layer rule into a small tree and expects each to be reported. */
import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { ICruiseOptions, ICruiseResult, IForbiddenRuleType } from "dependency-cruiser";
import { cruise } from "dependency-cruiser";
import { afterAll, describe, expect, test } from "vitest";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

const rules: { readonly forbidden: IForbiddenRuleType[]; readonly options: ICruiseOptions } = createRequire(
  import.meta.url,
)(join(ROOT, ".dependency-cruiser.cjs"));

/** Rule → a file that breaks it and how. Every target exists in the planted tree. */
const PLANTED: Readonly<Record<string, readonly [file: string, source: string]>> = {
  "shared-imports-nothing-of-ours": ["src-shared/a.ts", 'import "../src-main/mesh/clean.ts";'],
  "shared-uses-zod-only": ["src-shared/b.ts", 'import "ws";'],
  "mesh-imports-shared-only": ["src-main/mesh/a.ts", 'import "../engine/clean.ts";'],
  "mesh-uses-no-library": ["src-main/mesh/b.ts", 'import "node:fs";'],
  "drivers-import-shared-only": ["drivers/a.ts", 'import "../src-main/mesh/clean.ts";'],
  "edges-import-shared-only": ["src-main/system/a.ts", 'import "../engine/clean.ts";'],
  "edges-do-not-import-each-other": ["src-main/transport/a.ts", 'import "../system/clean.ts";'],
  "edges-take-only-types-of-drivers": [
    "src-main/apps/a.ts",
    'import { driver } from "../../drivers/index.ts"; driver;',
  ],
  "engine-performs": ["src-main/engine/a.ts", 'import "../server/clean.ts";'],
  "server-serves": ["src-main/server/a.ts", 'import "../engine/clean.ts";'],
  "handlers-answer-below-shell": ["src-main/handlers/a.ts", 'import "../daemon.ts";'],
  "compose-wires-below-shell": ["src-main/compose.ts", 'import "./shell/clean.ts";'],
  "entries-start-or-attach": ["src-main/cli.ts", 'import "./engine/clean.ts";'],
  "window-only-from-its-entry": ["src-main/daemon.ts", 'import "./shell/clean.ts";'],
  "shell-is-a-client": ["src-main/shell/a.ts", 'import "../engine/clean.ts";'],
  "electron-only-in-shell": [
    "src-main/server/b.ts",
    'import type { App } from "electron"; export type B = App;',
  ],
  "renderer-imports-shared-only": ["src-renderer/a.ts", 'import "../src-main/mesh/clean.ts";'],
  "renderer-uses-no-node": ["src-renderer/b.ts", 'import "node:fs";'],
  "renderer-uses-page-libraries-only": ["src-renderer/c.ts", 'import "ws";'],
  "product-does-not-import-test": ["src-main/engine/b.ts", 'import "../../test/clean.ts";'],
  "product-does-not-import-scripts": ["src-main/engine/c.ts", 'import "../../scripts/clean.ts";'],
  "no-cycles": ["src-main/engine/d.ts", 'import "./e.ts";'],
  "everything-resolves": ["src-main/engine/f.ts", 'import "./nowhere.ts";'],
};

/** What a clean tree imports: nothing of this may be reported. */
const CLEAN: Readonly<Record<string, string>> = {
  "src-shared/clean.ts": 'import "zod";',
  "src-main/mesh/clean.ts": 'import "../../src-shared/clean.ts";',
  "drivers/index.ts":
    'import "../src-shared/clean.ts"; import "node:fs"; export const driver = 1; export type Driver = 1;',
  "src-main/system/clean.ts": 'import type { Driver } from "../../drivers/index.ts"; export type S = Driver;',
  "src-main/engine/clean.ts":
    'import "../mesh/clean.ts"; import "../system/clean.ts"; import "../../drivers/index.ts";',
  "src-main/engine/e.ts": 'import "./d.ts";',
  "src-main/server/clean.ts": 'import "../mesh/clean.ts"; import "ws";',
  "src-main/shell/clean.ts": 'import "electron"; import "../../src-shared/clean.ts";',
  "src-main/app.ts": 'import "./shell/clean.ts";',
  "src-renderer/clean.ts": 'import "../src-shared/clean.ts"; import "react";',
  "scripts/clean.ts": "",
  "test/clean.ts": 'import "../src-main/engine/clean.ts"; import "../src-main/shell/clean.ts";',
};

const tree = mkdtempSync(join(tmpdir(), "starmesh-layers-"));
afterAll(() => rmSync(tree, { recursive: true }));

describe("layer rules", async () => {
  plant();
  const output = await cruisePlanted();
  const found = output.summary.violations.map(({ rule, from }) => `${rule.name} ${from}`);

  test("each rule has a planted violation and says why it exists", () => {
    expect(Object.keys(PLANTED).sort()).toEqual(rules.forbidden.map((rule) => rule.name).sort());
    expect(rules.forbidden.filter((rule) => !rule.comment)).toEqual([]);
  });

  test.each(Object.entries(PLANTED))("%s is reported", (rule, [file]) => {
    expect(found).toContain(`${rule} ${file}`);
  });

  test("a clean tree is left alone", () => {
    const inCycle = "src-main/engine/e.ts";
    const clean = Object.keys(CLEAN).filter((file) => file !== inCycle);
    expect(found.filter((line) => clean.some((file) => line.endsWith(` ${file}`)))).toEqual([]);
    // With a compiler that it cannot drive, the tool reads no module and reports success.
    expect(output.summary.totalCruised).toBeGreaterThan(Object.keys(PLANTED).length + clean.length);
  });
});

test("mesh/ may not read a clock, draw chance or wait", () => {
  write(
    "src-main/mesh/impure.ts",
    "export const impure = async () => [Date.now(), Math.random(), await later()];\n",
  );
  write(
    "src-main/engine/impure.ts",
    "export const fine = async () => [Date.now(), Math.random(), await later()];\n",
  );
  for (const name of ["biome.json", ".gitignore", "scripts/lint"])
    cpSync(join(ROOT, name), join(tree, name), { recursive: true });
  const biome = join(ROOT, "node_modules/@biomejs/biome/bin/biome");
  const { stdout, stderr } = spawnSync(
    process.execPath,
    [
      biome,
      "lint",
      "--colors=off",
      "--reporter=concise",
      "src-main/mesh/impure.ts",
      "src-main/engine/impure.ts",
    ],
    { cwd: tree, encoding: "utf8" },
  );
  const said = stdout + stderr;
  expect(said).toContain("global variable Date");
  expect(said).toContain("draws no chance of its own");
  expect(said).toContain("never waits");
  expect(said).not.toContain("engine/impure.ts");
});

function plant() {
  for (const [file, source] of Object.entries(CLEAN)) write(file, source);
  for (const [file, source] of Object.values(PLANTED)) write(file, source);
  const packages = ["zod", "ws", "electron", "react"];
  write(
    "package.json",
    JSON.stringify({ dependencies: Object.fromEntries(packages.map((name) => [name, "1.0.0"])) }),
  );
  for (const name of packages) {
    write(`node_modules/${name}/package.json`, JSON.stringify({ name, version: "1.0.0", main: "index.js" }));
    write(`node_modules/${name}/index.js`, "");
  }
}

async function cruisePlanted(): Promise<ICruiseResult> {
  const options: ICruiseOptions = {
    ...rules.options,
    ruleSet: { forbidden: rules.forbidden },
    validate: true,
    baseDir: tree,
  };
  const { output } = await cruise(
    ["src-shared", "src-main", "src-renderer", "drivers", "scripts", "test"],
    options,
  );
  if (typeof output === "string") throw new Error("expected a result, not a text");
  return output;
}

function write(file: string, source: string) {
  mkdirSync(dirname(join(tree, file)), { recursive: true });
  writeFileSync(join(tree, file), source);
}
