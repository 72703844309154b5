/** The two readmes say the same: a section or a command on a line of its own that one gains, the other gains, too. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ROOT } from "../../scripts/root.mjs";

const [english, chinese] = ["README.md", "README.zh-CN.md"].map((name) =>
  readFileSync(join(ROOT, name), "utf8"),
);

test("the readme in 简体中文 has the sections and the commands of the English one", () => {
  for (const part of [sections, commands]) expect(part(chinese ?? "")).toEqual(part(english ?? ""));
});

test("both lead only to files that are there", () => {
  for (const path of [...links(english ?? ""), ...links(chinese ?? "")]) {
    expect(existsSync(join(ROOT, path)), path).toBe(true);
  }
});

/** How many there are of each rank. */
function sections(text: string): readonly string[] {
  return [...text.matchAll(/^#+ /gm)].map(([marks]) => marks);
}

/** Commands that stand alone, without their remarks. */
function commands(text: string): readonly string[] {
  return [...text.matchAll(/^ {4}(.+)$/gm)].map(([, line = ""]) => line.replace(/\s+#.*$/, ""));
}

function links(text: string): readonly string[] {
  const own = [...text.matchAll(/\]\(([^)#:]+)\)/g)].map(([, path = ""]) => path);
  return [...new Set(own.filter((path) => !path.startsWith("README")))].sort();
}
