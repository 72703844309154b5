/** The real window, driven from outside; runs wherever an Electron binary and a display are. */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { _electron } from "playwright-core";
import { describe, expect, test } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const binary = electronBinary();
const hasDisplay =
  process.platform !== "linux" || Boolean(process.env["DISPLAY"] || process.env["WAYLAND_DISPLAY"]);
const lacks = [...(binary === null ? ["the Electron binary"] : []), ...(hasDisplay ? [] : ["a display"])];

if (lacks.length > 0) {
  process.stderr.write(
    `\n*** The real window is NOT TESTED here: ${lacks.join(" and ")} is missing. ***\n\n`,
  );
}

describe.skipIf(lacks.length > 0)("the real window", () => {
  test("shows our page, without Node and without a way out", async () => {
    const state = mkdtempSync(join(tmpdir(), "starmesh-window-"));
    const sandbox = process.getuid?.() === 0 ? ["--no-sandbox"] : [];
    const desktop = await _electron.launch({
      executablePath: binary ?? "",
      args: [...sandbox, root, "--state", state],
    });
    try {
      const page = await desktop.firstWindow();
      expect(page.url()).toBe("app://starmesh/index.html");
      expect(await page.evaluate("typeof process + typeof require")).toBe("undefinedundefined");
      expect(await page.evaluate("Object.keys(window.starmesh).sort().join()")).toBe("onFrame,send,shell");
      const status = await page.evaluate("window.starmesh.shell.read()");
      expect(status).toMatchObject({ engine: { running: true, hosted: true }, startAtLogin: null });
      expect(await page.evaluate("window.open('https://example.org/') === null")).toBe(true);
      await page.evaluate("void (location.href = 'https://example.org/')");
      await page.waitForTimeout(300);
      expect(page.url()).toBe("app://starmesh/index.html");
    } finally {
      await desktop.close();
      rmSync(state, { recursive: true, force: true });
    }
  });
});

function electronBinary(): string | null {
  const dist = process.env["ELECTRON_OVERRIDE_DIST_PATH"] ?? join(root, "node_modules/electron/dist");
  const names = { win32: "electron.exe", darwin: "Electron.app/Contents/MacOS/Electron" } as Record<
    string,
    string
  >;
  const path = join(dist, names[process.platform] ?? "electron");
  return existsSync(path) ? path : null;
}
