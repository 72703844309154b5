/** What `npm run dist` reads and says. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { containerSteps } from "../../../scripts/dist/inspect.mjs";
import { tableOf } from "../../../scripts/dist/report.mjs";
import { bundleFiles } from "../../../scripts/dist/tree.mjs";

test("the table has a line a package, its size where it was made, and why not where it was not", () => {
  const folder = mkdtempSync(join(tmpdir(), "starmesh-report-"));
  try {
    const file = join(folder, "starmesh.deb");
    writeFileSync(file, Buffer.alloc(1_250_000));
    const table = tableOf([
      { name: "linux-x64 deb", outcome: "built and run", file, detail: "version" },
      { name: "dmg", outcome: "checked only", detail: "only macOS makes it" },
    ]);
    expect(table.split("\n")).toEqual([
      "linux-x64 deb  built and run  1.3 MB  starmesh.deb: version",
      "dmg            checked only           only macOS makes it",
    ]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test("the steps of the container's recipe are its commands, but for those that fetch packages", () => {
  const recipe =
    "FROM a\nRUN apt-get update \\\n  && apt-get install -y b \\\n  && useradd c\nCOPY d e\nRUN mv f g && h\n";
  expect(containerSteps(recipe)).toBe("useradd c\nmv f g\nh");
});

test("a package holds the bundles of the last build, and no chunk that an earlier one left", () => {
  const folder = mkdtempSync(join(tmpdir(), "starmesh-bundles-"));
  try {
    const files = {
      "cli.js": 'import "./chunk-AAAAAAAA.js"; import("./chunk-BBBBBBBB.js");',
      "daemon.js": "",
      "app.js": "",
      "preload.cjs": "",
      "chunk-AAAAAAAA.js": 'import "./chunk-CCCCCCCC.js";',
      "chunk-BBBBBBBB.js": 'import "./chunk-AAAAAAAA.js";',
      "chunk-CCCCCCCC.js": "",
      "chunk-OLDOLDOL.js": "",
    };
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
    const names = bundleFiles(folder).map((path) => path.replace("out/", ""));
    expect(names).toEqual(
      Object.keys(files)
        .filter((name) => name !== "chunk-OLDOLDOL.js")
        .sort(),
    );
    rmSync(join(folder, "chunk-CCCCCCCC.js"));
    expect(() => bundleFiles(folder)).toThrow(/chunk-CCCCCCCC\.js is missing: npm run build makes it/);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
