/** The desktop app's entry with a real engine behind it: hosts one, is reached by the command line, ends it. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { socketOf } from "../../src-main/engine/folder.ts";
import { attach } from "../../src-main/server/attach.ts";
import { menuItem, until } from "./desk.ts";
import { app, BrowserWindow, dialog, resetElectron } from "./fake-electron.ts";

let state: string;
const { argv, env } = process;

beforeEach(() => {
  resetElectron();
  state = mkdtempSync(join(tmpdir(), "starmesh-host-"));
  // A desktop that takes icons in.
  writeFileSync(join(state, "gdbus"), "#!/bin/sh\necho '(true,)'\n", { mode: 0o755 });
  process.env = { ...env, PATH: `${state}:${env["PATH"]}` };
});
afterEach(() => {
  process.argv = argv;
  process.env = env;
  rmSync(state, { recursive: true });
});

test("the window's program is the node where none runs; others reach it, stop it, and it can be started again", async () => {
  process.argv = ["electron", ".", "--state", state];
  await import("../../src-main/app.ts");
  await until(() => BrowserWindow.all.length > 0 && menuItem("Quit and disconnect") !== undefined);
  expect(menuItem("No network yet")).toBeDefined();

  const other = await attach(socketOf(state));
  expect((await other?.client.call("status.read", {}))?.node.pid).toBe(process.pid);

  dialog.response = notNow;
  await other?.client.call("engine.stop", {});
  await until(() => menuItem("Starmesh is not running") !== undefined);
  expect(BrowserWindow.all).toHaveLength(1);
  await other?.closed;

  menuItem("Start")?.click?.();
  await until(() => menuItem("Quit and disconnect") !== undefined);

  const before = app.quits;
  app.quit();
  await until(() => app.quits > before);
  expect(await attach(socketOf(state))).toBeNull();
});

const notNow = 1;
