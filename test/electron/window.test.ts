/** The real window, driven from outside; runs wherever an Electron binary and a display are. */
import { spawn } from "node:child_process";
import { chownSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { ElectronApplication, Page } from "playwright-core";
import { _electron } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

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
  let folder: string;
  let desktop: ElectronApplication;
  let page: Page;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "starmesh-window-"));
    desktop = await _electron.launch({
      executablePath: startedBy(binary ?? "", folder),
      args: argumentsOf(folder),
      env: { ...(process.env as Record<string, string>), HOME: folder, XDG_CONFIG_HOME: folder },
      timeout: patience,
    });
    page = await desktop.firstWindow({ timeout: patience });
  }, patience);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test("runs the engine, and greets who starts it for the first time", { timeout: patience }, async () => {
    await page.getByText("Your machines, one network").waitFor({ timeout: patience });
    const status = await page.evaluate("window.starmesh.shell.read()");
    expect(status).toMatchObject({ engine: { running: true, hosted: true }, startAtLogin: null });
  });

  test("takes the invite of a second start, which ends at once", { timeout: patience }, async () => {
    const second = spawn(startedBy(binary ?? "", folder), [...argumentsOf(folder), "--", invite], {
      env: { ...process.env, HOME: folder, XDG_CONFIG_HOME: folder },
      stdio: "ignore",
    });
    const code = await new Promise((resolve) => second.once("exit", resolve));
    expect(code).toBe(0);
    await page.getByRole("textbox").first().waitFor({ timeout: patience });
    expect(page.url()).toContain(`#/join/${encodeURIComponent(invite)}`);
  });

  test("shows our page, without Node and without a way out", async () => {
    const { href, hash } = new URL(page.url());
    expect(href.replace(hash, "")).toBe("app://starmesh/index.html");
    expect(await page.evaluate("typeof process + typeof require")).toBe("undefinedundefined");
    expect(await page.evaluate("Object.keys(window.starmesh).sort().join()")).toBe("onFrame,send,shell");
    expect(await page.evaluate("window.open('https://example.org/') === null")).toBe(true);
    await page.evaluate("void (location.href = 'https://example.org/')");
    const refused = "fetch('https://example.org/').then(() => 'answered', () => 'refused')";
    expect(await page.evaluate(refused)).toBe("refused");
    expect(page.url()).toBe(href);
  });

  test("quits with its engine, and leaves no socket behind", { timeout: patience }, async () => {
    const socket = join(folder, "state/starmesh.sock");
    expect(existsSync(socket)).toBe(true);
    await desktop.close();
    expect(existsSync(socket)).toBe(false);
  });
});

/** A program by which Electron starts with its sandbox: root has none, so that another user runs it then. */
function startedBy(program: string, folder: string): string {
  if (process.getuid?.() !== 0) return program;
  const wrapper = join(folder, "electron");
  const user = "setpriv --reuid=65534 --regid=65534 --clear-groups";
  writeFileSync(wrapper, `#!/bin/sh\nexec ${user} '${program}' "$@"\n`, { mode: 0o755 });
  chownSync(folder, 65_534, 65_534);
  return wrapper;
}

function argumentsOf(folder: string): string[] {
  return [root, "--state", join(folder, "state")];
}

function electronBinary(): string | null {
  const dist = process.env["ELECTRON_OVERRIDE_DIST_PATH"] ?? join(root, "node_modules/electron/dist");
  const names = { win32: "electron.exe", darwin: "Electron.app/Contents/MacOS/Electron" } as Record<
    string,
    string
  >;
  const path = join(dist, names[process.platform] ?? "electron");
  return existsSync(path) ? path : null;
}

/** Of the form of an invite; what is in it is not read before somebody joins. */
const invite = "starmesh://join/1/abcdefgh";
const patience = 120_000;
