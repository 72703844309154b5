import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { pagesFolder } from "./panel.ts";

describe.skipIf(!existsSync(pagesFolder))("the built pages", () => {
  it("come to less than 340 kB when compressed, and to less than 400 with the parts that load when they are needed", () => {
    const folder = join(pagesFolder, "assets");
    const code = readdirSync(folder).filter((name) => /\.(js|css)$/.test(name));
    const weigh = (names: readonly string[]) =>
      names.reduce((sum, name) => sum + gzipSync(readFileSync(join(folder, name))).length, 0);
    const page = readFileSync(join(pagesFolder, "index.html"), "utf8");
    const first = code.filter((name) => page.includes(name));
    expect(first.length).toBeGreaterThan(1);
    expect(weigh(first)).toBeLessThan(340_000);
    expect(weigh(code)).toBeLessThan(400_000);
  });

  it("ask for nothing from elsewhere and contain no inline script", () => {
    const page = readFileSync(join(pagesFolder, "index.html"), "utf8");
    expect(page).not.toMatch(/<script(?![^>]*\bsrc=)/);
    expect(page).not.toMatch(/(src|href)="(https?:)?\/\//);
    // Relative addresses work under app:// as well.
    expect(page).not.toMatch(/(src|href)="\//);
  });
});
