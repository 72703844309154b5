/** What lies in every package besides our own code: which npm packages, for which system, checked against the lock. */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, test } from "vitest";
import { EXTERNAL, hasIntegrity, runtimePackages } from "../../../scripts/dist/packages.mjs";
import { nameOf, TARGETS } from "../../../scripts/dist/targets.mjs";
import { ROOT } from "../../../scripts/root.mjs";

describe("the packages that run beside the bundles", () => {
  it.each(TARGETS.map((target) => [nameOf(target), target] as const))(
    "[W31] for %s are those that run there, with its natives and no other's",
    (_name, target) => {
      const names = runtimePackages(target).map(({ name }) => name);
      expect(names).toEqual(expect.arrayContaining([...EXTERNAL]));
      const natives = names.filter((name) => /^@(koromix|libsql)\//.test(name));
      const system = `${target.platform}-${target.arch}`;
      expect(natives).toHaveLength(2);
      for (const name of natives) expect(name).toContain(system);
    },
  );

  it("are no tools of development", () => {
    const { devDependencies } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
    const tools = new Set(Object.keys(devDependencies));
    for (const target of TARGETS) {
      expect(runtimePackages(target).filter(({ name }) => tools.has(name))).toEqual([]);
    }
  });

  it("are all that the bundles ask for at run time", () => {
    const build = readFileSync(join(ROOT, "scripts/build.mjs"), "utf8");
    const [, list = ""] = /external: \[(.+?)\]/.exec(build) ?? [];
    const left = [...list.matchAll(/"([^"]+)"/g)].map(([, name]) => name);
    expect(left.filter((name) => name !== "electron" && name !== "*.node").sort()).toEqual(
      [...EXTERNAL].sort(),
    );
  });

  it("leave out what an optional entry says is for another system", () => {
    const entry = (more: object) => ({ version: "1.0.0", integrity: "", ...more });
    const lock = {
      "node_modules/koffi": entry({
        optionalDependencies: { there: "1", here: "1" },
        dependencies: { plain: "1" },
      }),
      "node_modules/there": entry({ optional: true, os: ["win32"], cpu: ["x64"] }),
      "node_modules/here": entry({ optional: true, os: ["linux"], cpu: ["x64"] }),
      "node_modules/plain": entry({ dependencies: { koffi: "1" } }),
    };
    const names = runtimePackages({ platform: "linux", arch: "x64" }, lock).map(({ name }) => name);
    expect(names).toEqual(["here", "koffi", "plain"]);
  });
});

test("a package whose bytes are not those of the lock is told apart", () => {
  const bytes = Buffer.from("a package");
  const integrity = `sha512-${createHash("sha512").update(bytes).digest("base64")}`;
  expect(hasIntegrity(bytes, integrity)).toBe(true);
  expect(hasIntegrity(Buffer.from("another package"), integrity)).toBe(false);
  expect(hasIntegrity(bytes, "sha1-abc")).toBe(false);
});
