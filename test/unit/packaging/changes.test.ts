/** What users are told of a version is there before the version is. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { changesOf, versionHere } from "../../../scripts/dist/changes.mjs";
import { ROOT } from "../../../scripts/root.mjs";

test("this version's entry is the newest of the change log, a short line for each change", () => {
  const changes = readFileSync(join(ROOT, "CHANGELOG.md"), "utf8");
  const versions = [...changes.matchAll(/^## (.+)$/gm)].map(([, version]) => version);
  expect(versions[0]).toBe(versionHere());
  expect(new Set(versions).size).toBe(versions.length);
  for (const line of changesOf(versionHere()).split("\n")) expect(line).toMatch(/^- [A-Z].{5,128}\.$/);
});

test("an entry is found by its version alone, and a version without one is refused", () => {
  const changes = "# Changes\n\n## 1.2.0\n\n- Faster.\n- Smaller.\n\n## 1.2.0-beta\n\n- New.\n\n## 1.1.0\n";
  expect(changesOf("1.2.0", changes)).toBe("- Faster.\n- Smaller.");
  expect(changesOf("1.2.0-beta", changes)).toBe("- New.");
  for (const version of ["1.1.0", "1.2", "9.9.9"]) expect(() => changesOf(version, changes)).toThrow(version);
});
