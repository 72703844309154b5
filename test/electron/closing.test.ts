/** Closing and quitting: what goes on, what ends, and what the next window remembers. */
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { KeptFile } from "../../src-main/shell/kept.ts";
import { boundsFrom } from "../../src-main/shell/window.ts";
import { closeDesk, FakeAccess, menuItem, openDesk, pageShell, startDesk, theWindow, until } from "./desk.ts";
import {
  app,
  BrowserWindow,
  dialog,
  Notification,
  nativeTheme,
  powerMonitor,
  resetElectron,
} from "./fake-electron.ts";

let access: FakeAccess;
const { argv } = process;

beforeEach(() => {
  resetElectron();
  access = new FakeAccess(true);
});
afterEach(async () => {
  process.argv = argv;
  await closeDesk(access);
});

test("that the app goes on without its window is said once", async () => {
  await openDesk(access, "/pages");
  for (let each = 0; each < 2; each++) {
    theWindow().close();
    expect(theWindow().isDestroyed()).toBe(true);
    app.emit("activate");
  }
  const titles = Notification.all.map(({ options }) => options.title);
  expect(titles.filter((title) => title === "Starmesh goes on")).toHaveLength(1);
  expect(app.quits).toBe(0);
});

test("where the desktop shows no icons, closing the window asks: it becomes small", async () => {
  access.stop();
  await openDesk(access, "/pages", { tray: false });
  await until(() => access.hostings === 1);
  expect((await pageShell().read()).tray).toBe(false);
  await until(() => theWindow().webContents.sent.length > 0);
  dialog.response = minimise;
  theWindow().close();
  await until(() => theWindow().minimized);
  expect(dialog.questions).toEqual(["This desktop shows no icons of programs that run in the background."]);
  expect(dialog.details[0]).toContain("What stops: home-lab, studio.");
  expect(app.quits).toBe(0);
});

test("where the desktop shows no icons, closing the window may end it all", async () => {
  access.stop();
  await openDesk(access, "/pages", { tray: false });
  await until(() => theWindow().webContents.sent.length > 0);
  dialog.response = quitAndDisconnect;
  theWindow().close();
  await until(() => app.quits === 1);
  expect(access.stops).toBe(1);
});

test("where nothing stops with it, the app ends with its window if no icon would stay", async () => {
  await openDesk(access, "/pages", { tray: false });
  theWindow().close();
  await until(() => app.quits === 1);
  expect(dialog.questions).toEqual([]);
  expect(access.running).toBe(true);
});

test("an icon that finds its place later keeps the app", async () => {
  const desktop = { tray: false };
  await openDesk(access, "/pages", desktop);
  desktop.tray = true;
  theWindow().close();
  await until(() => theWindow().isDestroyed());
  expect(app.quits).toBe(0);
  await until(() => menuItem("Open Starmesh") !== undefined);
});

test("quitting names what stops, the router of this computer too", async () => {
  access.stop();
  await openDesk(access, "/pages");
  await until(() => menuItem("Quit and disconnect") !== undefined);
  dialog.response = 1;
  app.quit();
  await until(() => dialog.questions.length === 1);
  expect(dialog.details).toEqual([
    "What stops: home-lab, studio.\nThe router on this computer stops, too. Devices that meet there may lose each other.",
  ]);
});

test("a session that ends is not asked anything, and the engine puts the system in order", async () => {
  access.stop();
  await openDesk(access, "/pages");
  await until(() => menuItem("Quit and disconnect") !== undefined);
  powerMonitor.emit("shutdown");
  await until(() => app.quits === 1);
  expect(dialog.questions).toEqual([]);
  expect(access.stops).toBe(1);
});

test("the engine hears when the machine wakes", async () => {
  const awake = vi.spyOn(access.fake.handlers, "engine.awake");
  await openDesk(access, "/pages");
  powerMonitor.emit("resume");
  await until(() => awake.mock.calls.length === 1);
});

test("[Z33] started with the session it opens no window; where no icon would be seen, a small one", async () => {
  process.argv = ["starmesh", "--background"];
  startDesk(access, "/pages");
  await until(() => menuItem("Disconnect") !== undefined);
  expect(BrowserWindow.all).toHaveLength(0);
  await closeDesk(access);

  resetElectron();
  access = new FakeAccess(true);
  await openDesk(access, "/pages", { tray: false });
  theWindow().emit("ready-to-show");
  expect(theWindow()).toMatchObject({ minimized: true, shown: 0 });
});

test("the window comes back where it stood, in the colour that its page had", async () => {
  nativeTheme.shouldUseDarkColors = false;
  await openDesk(access, "/pages");
  expect(theWindow().options).toMatchObject({ width: 1120, height: 760, backgroundColor: "#f5f6fa" });
  await theWindow().webContents.ask("starmesh:shell", ["showBackground", "dark"]);
  expect(theWindow().background).toBe("#12151d");
  theWindow().maximized = true;
  theWindow().close();
  app.emit("activate");
  expect(theWindow().options).toMatchObject({
    x: 10,
    y: 20,
    width: 1120,
    height: 760,
    backgroundColor: "#12151d",
  });
  expect(theWindow().maximized).toBe(true);
});

test("a window is never put where nobody sees it", () => {
  const areas = [
    { x: 0, y: 0, width: 1920, height: 1040 },
    { x: -1280, y: 0, width: 1280, height: 1024 },
  ];
  const side = fc.integer({ min: 1, max: 9000 });
  const offset = fc.integer({ min: -9000, max: 9000 });
  fc.assert(
    fc.property(offset, offset, side, side, (x, y, width, height) => {
      const { x: left, y: top, ...size } = boundsFrom({ x, y, width, height, maximized: false }, areas);
      if (left === undefined || top === undefined) {
        expect(size).toEqual({ width: 1120, height: 760 });
        return;
      }
      const [right, bottom] = [left + (size.width ?? 0), top + (size.height ?? 0)];
      const isSeen = areas.some(
        (area) =>
          right > area.x && left < area.x + area.width && bottom > area.y && top < area.y + area.height,
      );
      expect(isSeen).toBe(true);
    }),
    { seed: 7 },
  );
});

test("what the window kept is read back; a damaged file counts as none", () => {
  const path = join(app.getPath("userData"), "kept", "window.json");
  new KeptFile(path).keep({ notifications: false, shownCrashes: ["a.dmp"] });
  expect(new KeptFile(path).values).toMatchObject({
    notifications: false,
    shownCrashes: ["a.dmp"],
    place: null,
  });
  expect(existsSync(`${path}.new`)).toBe(false);
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
      writeFileSync(path, text);
      expect(new KeptFile(path).values.notifications).toBe(true);
    }),
    { seed: 7, numRuns: 50 },
  );
});

const minimise = 0;
const quitAndDisconnect = 1;
