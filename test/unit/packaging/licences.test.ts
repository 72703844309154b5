/** What others wrote and we ship: everything of it is named, and may be shipped. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { npmParts } from "../../../scripts/dist/licences.mjs";
import { runtimePackages } from "../../../scripts/dist/packages.mjs";
import { thisMachine } from "../../../scripts/dist/targets.mjs";
import { ROOT } from "../../../scripts/root.mjs";

const parts = npmParts();
const names = parts.map(({ name }) => name.replace(/ \S+$/, ""));

test("every package of ours is named, with those that the pages import and all they need", () => {
  const { dependencies } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
  const laid = runtimePackages(thisMachine()).map(({ name }) => name);
  const natives = /^@(koromix|libsql)\//;
  expect(names).toEqual(expect.arrayContaining(Object.keys(dependencies)));
  expect(names).toEqual(expect.arrayContaining(laid.filter((name) => !natives.test(name))));
  expect(names).toEqual(
    expect.arrayContaining(["react", "react-dom", "scheduler", "@mantine/core", "zustand"]),
  );
  expect(names).not.toContain("vitest");
});

test("each has a licence that asks for no more than to be named", () => {
  for (const { name, licence } of parts) {
    expect(`${name}: ${licence}`).toMatch(
      /MIT|ISC|BSD|Apache-2\.0|MPL-2\.0|BlueOak|Python-2\.0|Unlicense|CC0/,
    );
    expect(`${name}: ${licence}`).not.toMatch(/GPL(?!.* OR )/);
  }
});
