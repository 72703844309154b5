/** Windows' driver comes from one archive whose hash is known; anything else is refused. */
import { createHash } from "node:crypto";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { find, run } from "../../../scripts/command.mjs";
import { isArchive, unpackWintun, WINTUN } from "../../../scripts/dist/wintun.mjs";

test("[E07] an archive of another content than the official one is refused", () => {
  const bytes = Buffer.from("an archive");
  expect(isArchive(bytes, createHash("sha256").update(bytes).digest("hex"))).toBe(true);
  expect(isArchive(bytes, WINTUN.sha256)).toBe(false);
  expect(WINTUN.sha256).toMatch(/^[0-9a-f]{64}$/);
  expect(new URL(WINTUN.url).protocol).toBe("https:");
});

test.skipIf(!find("zip") || !find("unzip"))(
  "[E07] the library of a processor and its licence are taken out",
  async () => {
    const work = mkdtempSync(join(tmpdir(), "starmesh-wintun-"));
    try {
      for (const folder of ["amd64", "arm64"]) {
        mkdirSync(join(work, "wintun/bin", folder), { recursive: true });
        writeFileSync(join(work, "wintun/bin", folder, "wintun.dll"), folder);
      }
      writeFileSync(join(work, "wintun/LICENSE.txt"), "licence");
      await run("zip", ["-q", "-r", "wintun.zip", "wintun"], { cwd: work });
      const folder = join(work, "laid");
      mkdirSync(folder);
      expect(await unpackWintun(join(work, "wintun.zip"), "arm64", folder)).toBeNull();
      expect(readdirSync(folder).sort()).toEqual(["wintun-license.txt", "wintun.dll"]);
      expect(readFileSync(join(folder, "wintun.dll"), "utf8")).toBe("arm64");

      writeFileSync(join(work, "broken.zip"), "no archive");
      expect(await unpackWintun(join(work, "broken.zip"), "x64", folder)).toMatch(/cannot be read/);
    } finally {
      rmSync(work, { recursive: true, force: true });
    }
  },
);
