/** What a page can have the window do, what the app keeps of crashes, and how a page that is gone comes back. */
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Crashes } from "../../src-main/shell/crashes.ts";
import { ownEntry } from "../../src-main/shell/desktop-entry.ts";
import { closeDesk, FakeAccess, menuItem, openDesk, pageShell, theWindow, until } from "./desk.ts";
import type { FakeMenuItem } from "./fake-electron.ts";
import { app, BrowserWindow, shell as desktop, dialog, Menu, resetElectron } from "./fake-electron.ts";

let access: FakeAccess;
let own: string;

beforeEach(() => {
  resetElectron();
  own = app.getPath("userData");
  app.setPath("downloads", own);
  access = new FakeAccess(true);
});
afterEach(() => closeDesk(access));

test("the page reads how the window stands, and hears when that changes", async () => {
  access.stop();
  access.hostable = false;
  await openDesk(access, "/pages");
  const shell = pageShell();
  const changed = new Promise((resolve) => shell.onStatus(resolve));
  expect(await shell.read()).toMatchObject({
    versions: { app: "0.1.0" },
    startAtLogin: null,
    listed: null,
    notifications: true,
    tray: true,
    engine: { running: false, hosted: false, why: null },
    crashes: 0,
  });
  access.hostable = true;
  expect(await shell.startEngine()).toBe(true);
  await until(() => menuItem("Quit and disconnect") !== undefined);
  expect((await shell.read()).engine).toEqual({ running: true, hosted: true, why: null });
  await changed;
});

test.skipIf(process.platform !== "linux")(
  "a copy that nothing installed asks once to be among the desktop's programs, and follows the setting",
  async () => {
    const { env } = process;
    process.env = { ...env, XDG_DATA_HOME: join(own, "data"), XDG_DATA_DIRS: join(own, "shared") };
    const path = join(own, "data/applications/starmesh-desktop.desktop");
    try {
      app.isPackaged = true;
      app.setPath("home", own);
      dialog.response = 1;
      await openDesk(access, "/pages");
      expect(dialog.questions).toEqual(["Add Starmesh to the programs of this desktop?"]);
      expect((await pageShell().read()).listed).toBe(false);
      expect((await pageShell().change({ listed: true })).listed).toBe(true);
      process.env["APPIMAGE"] = "/home/me/Starmesh 2.AppImage";
      await closeDesk(access);

      const kept = app.getPath("userData");
      expect(kept).toBe(own);
      access = new FakeAccess(true);
      for (const each of BrowserWindow.all.splice(0)) each.destroy();
      app.removeAllListeners();
      await openDesk(access, "/pages");
      expect(readFileSync(path, "utf8")).toContain("TryExec=/home/me/Starmesh 2.AppImage\n");
      expect(dialog.questions).toHaveLength(1);
      expect((await pageShell().change({ listed: false })).listed).toBe(false);
      expect(existsSync(path)).toBe(false);

      mkdirSync(join(own, "shared/applications"), { recursive: true });
      writeFileSync(join(own, "shared/applications/starmesh-desktop.desktop"), "");
      expect(ownEntry("/icon.png")).toBe(null);
    } finally {
      process.env = env;
    }
  },
);

test("why an engine does not start is said", async () => {
  access.stop();
  vi.spyOn(access, "host").mockRejectedValue(new Error("no room"));
  await openDesk(access, "/pages");
  const shell = pageShell();
  expect(await shell.startEngine()).toBe(false);
  expect((await shell.read()).engine).toMatchObject({
    running: false,
    why: expect.stringContaining("no room"),
  });
});

test("a file is saved where the user says, for the user alone; else it is not", async () => {
  await openDesk(access, "/pages");
  const shell = pageShell();
  const file = { name: "../../report.json", content: "{}" };
  expect(await shell.saveFile(file)).toBe("cancelled");
  dialog.saveTo = join(own, "chosen.json");
  expect(await shell.saveFile(file)).toBe("saved");
  expect(readFileSync(dialog.saveTo, "utf8")).toBe("{}");
  expect(statSync(dialog.saveTo).mode & 0o777).toBe(0o600);
  expect(await shell.saveFile({ name: "x.bin", content: new Uint8Array([1, 2]) })).toBe("saved");
  expect([...readFileSync(dialog.saveTo)]).toEqual([1, 2]);
  dialog.saveTo = join(own, "absent", "x");
  expect(await shell.saveFile(file)).toBe("failed");
});

test("[C30] the folders of logs and of crash reports are shown, and no other", async () => {
  await openDesk(access, "/pages");
  const shell = pageShell();
  expect(await shell.openFolder("logs")).toBe(true);
  expect(await shell.openFolder("crashes")).toBe(true);
  expect(desktop.opened).toEqual([join(own, "engine-logs"), join(own, "crashes")]);
});

test("a report of a crash is shown once, with its folder, and the oldest are removed", async () => {
  const folder = join(own, "crashes", "completed");
  mkdirSync(folder, { recursive: true });
  for (let each = 0; each < 25; each++) writeFileSync(join(folder, `${each}.dmp`), "");
  await openDesk(access, "/pages");
  await until(() => desktop.opened.length === 1);
  expect(dialog.questions).toEqual(["Starmesh ended unexpectedly last time."]);
  expect(desktop.opened).toEqual([join(own, "crashes")]);
  expect(readdirSync(folder)).toHaveLength(20);
  expect((await pageShell().read()).crashes).toBe(20);
  await closeDesk(access);

  access = new FakeAccess(true);
  dialog.questions.length = 0;
  await openDesk(access, "/pages");
  await until(() => menuItem("Disconnect") !== undefined);
  expect(dialog.questions).toEqual([]);
});

test("an error that nobody caught leaves a report", () => {
  const crashes = new Crashes(join(own, "reports"));
  crashes.write(new TypeError("no such thing"));
  const [name = ""] = crashes.reports();
  const text = readFileSync(join(own, "reports", name), "utf8");
  expect(text).toMatch(/^Starmesh 0\.1\.0, Electron/);
  expect(text).toContain("TypeError: no such thing");
});

test("a page that crashed is loaded again, but not for ever; the engine goes on", async () => {
  await openDesk(access, "/pages");
  const window = theWindow();
  const crash = (reason: string) =>
    window.webContents.emit("render-process-gone", {}, { reason, exitCode: 5 });
  crash("clean-exit");
  expect(window.loaded).toHaveLength(1);
  for (let each = 0; each < 3; each++) crash("crashed");
  expect(window.loaded).toHaveLength(4);
  crash("oom");
  await until(() => window.isDestroyed());
  expect(window.loaded).toHaveLength(4);
  expect(dialog.questions).toEqual(["The window stopped working, and could not be opened again."]);
  expect(access.running).toBe(true);
});

test("a page that hangs is loaded again if the user does not want to wait", async () => {
  await openDesk(access, "/pages");
  const window = theWindow();
  window.emit("unresponsive");
  await until(() => dialog.questions.length === 1);
  expect(window.webContents.crashes).toBe(0);
  dialog.response = 1;
  window.emit("unresponsive");
  await until(() => window.webContents.crashes === 1);
  expect(window.loaded).toHaveLength(2);
});

test("copy, paste and zoom have their keys; a right click offers what is of use", async () => {
  app.locale = "zh-CN";
  await openDesk(access, "/pages");
  const roles = Menu.bar.flatMap((menu) => menu.submenu ?? []).map((item) => item.role);
  for (const role of ["cut", "copy", "paste", "selectAll", "undo", "zoomIn", "zoomOut", "resetZoom", "close"])
    expect(roles).toContain(role);
  item(Menu.bar, "设置…").click?.();
  await until(() => theWindow().loaded.at(-1) === "app://starmesh/index.html#/settings");
  const click = (isEditable: boolean, selectionText: string) =>
    theWindow().webContents.emit("context-menu", {}, { isEditable, selectionText, editFlags: {} });
  click(false, "");
  expect(Menu.popups).toHaveLength(0);
  click(false, "10.31.0.1");
  click(true, "");
  expect(Menu.popups.map((items) => items.map(({ role }) => role))).toEqual([
    ["copy"],
    ["cut", "copy", "paste"],
  ]);
});

function item(menus: readonly FakeMenuItem[], label: string): FakeMenuItem {
  const found = menus.flatMap((menu) => menu.submenu ?? []).find((each) => each.label === label);
  if (found === undefined) throw new Error(`no item “${label}”`);
  return found;
}
