import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { pagesFolder } from "./panel.ts";

describe.skipIf(!existsSync(pagesFolder))("the built pages", () => {
  it("come to less than 450 kB when compressed, parts that load later included", () => {
    const folder = join(pagesFolder, "assets");
    const code = readdirSync(folder).filter((name) => /\.(js|css)$/.test(name));
    const bytes = code.map((name) => gzipSync(readFileSync(join(folder, name))).length);
    expect(code.length).toBeGreaterThan(3);
    expect(bytes.reduce((sum, each) => sum + each, 0)).toBeLessThan(450_000);
  });

  it("ask for nothing from elsewhere and contain no inline script", () => {
    const page = readFileSync(join(pagesFolder, "index.html"), "utf8");
    expect(page).not.toMatch(/<script(?![^>]*\bsrc=)/);
    expect(page).not.toMatch(/(src|href)="(https?:)?\/\//);
    // Relative addresses work under app:// as well.
    expect(page).not.toMatch(/(src|href)="\//);
  });
});
