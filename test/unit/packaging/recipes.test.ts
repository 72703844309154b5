/** The recipes by which other machines test and make releases: they run what is there, and nothing that may change unseen. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { z } from "zod";
import { nameOf, TARGETS } from "../../../scripts/dist/targets.mjs";
import { ROOT } from "../../../scripts/root.mjs";

const step = z
  .object({
    uses: z.string().optional(),
    run: z.string().optional(),
    with: z.record(z.string(), z.unknown()).optional(),
  })
  .loose()
  .refine(({ uses, run }) => (uses === undefined) !== (run === undefined), "a step either uses or runs");
const job = z
  .object({
    "runs-on": z.string(),
    "timeout-minutes": z.number(),
    permissions: z.record(z.string(), z.string()).optional(),
    needs: z.string().optional(),
    strategy: z
      .object({ matrix: z.record(z.string(), z.array(z.unknown())) })
      .loose()
      .optional(),
    steps: z.array(step).min(1),
  })
  .loose();
const recipe = z
  .object({
    name: z.string(),
    on: z.record(z.string(), z.unknown()),
    permissions: z.record(z.string(), z.string()),
    jobs: z.record(z.string(), job),
  })
  .loose();

const folder = join(ROOT, ".github/workflows");
const recipes = readdirSync(folder).map((name) => {
  const text = readFileSync(join(folder, name), "utf8");
  return { file: name, text, ...recipe.parse(parse(text)) };
});

describe.each(recipes)("$file", ({ text, jobs, permissions }) => {
  const steps = Object.values(jobs).flatMap((each) => each.steps);

  it("uses actions of one exact commit, with their version beside it", () => {
    const used = [...text.matchAll(/uses: (.+)$/gm)].map(([, line = ""]) => line);
    expect(used.length).toBeGreaterThan(0);
    for (const line of used) expect(line).toMatch(/^[\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
  });

  it("may read only, unless a job says more, and keeps no token where code of ours runs", () => {
    expect(permissions).toEqual({ contents: "read" });
    for (const each of steps.filter(({ uses }) => uses?.startsWith("actions/checkout@"))) {
      expect(each.with?.["persist-credentials"]).toBe(false);
    }
  });

  it("runs only what the project has", () => {
    const { scripts } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
    for (const { run = "" } of steps) {
      for (const [, name = ""] of run.matchAll(/npm run ([\w:-]+)/g)) expect(scripts).toHaveProperty(name);
      for (const [, suite = ""] of run.matchAll(/npm test -- (\w+)/g)) {
        expect(existsSync(join(ROOT, "test", suite)), suite).toBe(true);
      }
      // What somebody else may write, such as the name of a branch, reaches a shell as a variable only.
      expect(run).not.toMatch(/\$\{\{/);
    }
  });

  it("needs only jobs that are there", () => {
    for (const { needs } of Object.values(jobs)) if (needs !== undefined) expect(jobs).toHaveProperty(needs);
  });
});

it("[W31] a release has packages for every system, made on that system", () => {
  const release = recipes.find(({ name }) => name === "release");
  const matrix = z.array(z.object({ target: z.string(), runner: z.string() }));
  const rows = matrix.parse(release?.jobs["packages"]?.strategy?.matrix["include"]);
  expect(rows.map(({ target }) => target).sort()).toEqual(TARGETS.map(nameOf).sort());
  const runners = { linux: "ubuntu", windows: "windows", macos: "macos" };
  for (const { target, runner } of rows) {
    const [name, image] = Object.entries(runners).find(([each]) => target.startsWith(each)) ?? [];
    expect(runner, name).toMatch(new RegExp(`^${image}-`));
  }
});
