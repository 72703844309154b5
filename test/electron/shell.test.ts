/** The desktop app against a fake of the electron module: attach or host, tray, quit, one instance. */
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { AppError } from "../../src-shared/errors.ts";
import { closeDesk, FakeAccess, menuItem, openDesk, startDesk, theWindow, until } from "./desk.ts";
import { app, BrowserWindow, dialog, resetElectron } from "./fake-electron.ts";

let access: FakeAccess;

beforeEach(() => {
  resetElectron();
  access = new FakeAccess(true);
});
afterEach(() => closeDesk(access));

test("attaches to the engine that runs and starts none", async () => {
  await openDesk(access, "/pages");
  await until(() => menuItem("Connected: home, work") !== undefined || menuItem("Disconnect") !== undefined);
  expect(access.hostings).toBe(0);
  expect(menuItem("Quit")).toBeDefined();
});

test("hosts the engine where none runs, says that quitting ends it, and ends it then", async () => {
  access.stop();
  await openDesk(access, "/pages");
  await until(() => menuItem("Quit and disconnect") !== undefined);
  expect(access.hostings).toBe(1);

  menuItem("Quit and disconnect")?.click?.();
  await until(() => app.quits === 1);
  expect(dialog.questions).toEqual([
    "Starmesh runs inside this window's program: quitting disconnects this computer.",
  ]);
  expect(access.stops).toBe(1);
});

test("quitting can be thought better of while the engine is hosted", async () => {
  access.stop();
  await openDesk(access, "/pages");
  await until(() => menuItem("Quit and disconnect") !== undefined);
  dialog.response = 1;
  menuItem("Quit and disconnect")?.click?.();
  await until(() => dialog.questions.length === 1);
  expect(app.quits).toBe(0);
  expect(access.running).toBe(true);
});

test("quitting leaves an engine alone that another process runs", async () => {
  await openDesk(access, "/pages");
  await until(() => menuItem("Quit") !== undefined);
  menuItem("Quit")?.click?.();
  await until(() => app.quits === 1);
  expect(dialog.questions).toEqual([]);
  expect(access.running).toBe(true);
});

test("the tray disconnects and connects all networks", async () => {
  await openDesk(access, "/pages");
  await until(() => menuItem("Disconnect")?.enabled === true);
  menuItem("Disconnect")?.click?.();
  await until(() => menuItem("Disconnected") !== undefined);
  expect(menuItem("Disconnect")?.enabled).toBe(false);
  menuItem("Connect")?.click?.();
  await until(() => menuItem("Disconnect")?.enabled === true);
});

test("the tray's check box switches the router role and shows it", async () => {
  await openDesk(access, "/pages");
  await until(() => menuItem("Act as router") !== undefined);
  const before = menuItem("Act as router")?.checked;
  menuItem("Act as router")?.click?.();
  await until(() => menuItem("Act as router")?.checked === !before);
});

test("when the engine is stopped the window stays, offers to start it, and starts it", async () => {
  await openDesk(access, "/pages");
  await until(() => menuItem("Disconnect") !== undefined);
  access.stop();
  await until(() => dialog.questions.includes("Starmesh was stopped on this computer."));
  await until(() => menuItem("Quit and disconnect") !== undefined);
  expect(access.hostings).toBe(1);
  expect(BrowserWindow.all).toHaveLength(1);
});

test("an engine that is started from the command line later is found", async () => {
  access.stop();
  access.hostable = false;
  await openDesk(access, "/pages");
  await until(() => menuItem("Starmesh is not running") !== undefined);
  access.start();
  await until(() => menuItem("Disconnect") !== undefined);
});

test("a second start brings the first window to the front and ends", async () => {
  await openDesk(access, "/pages");
  theWindow().minimized = true;
  app.emit("second-instance", {}, ["starmesh"], "/");
  expect(theWindow().minimized).toBe(false);
  expect(theWindow().shown).toBeGreaterThan(0);
  expect(BrowserWindow.all).toHaveLength(1);
});

test("where the app runs already, another one ends at once", () => {
  app.isFirst = false;
  startDesk(access, "/pages");
  expect(app.quits).toBe(1);
  expect(BrowserWindow.all).toHaveLength(0);
});

test("a closed window leaves the tray, which opens another one", async () => {
  await openDesk(access, "/pages");
  theWindow().close();
  app.emit("window-all-closed");
  expect(app.quits).toBe(0);
  await until(() => menuItem("Open Starmesh") !== undefined);
  menuItem("Open Starmesh")?.click?.();
  expect(BrowserWindow.all).toHaveLength(2);
});

test("what fails from the tray is said in a dialog", async () => {
  vi.spyOn(access.fake.handlers, "networks.down").mockRejectedValue(
    new AppError("timeout", { what: "Disconnecting" }),
  );
  await openDesk(access, "/pages");
  await until(() => menuItem("Disconnect")?.enabled === true);
  menuItem("Disconnect")?.click?.();
  await until(() => dialog.errors.length > 0);
  expect(dialog.errors).toEqual(["Disconnecting took too long. Try again."]);
});
