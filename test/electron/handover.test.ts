/** What comes from outside: invites and files are shown on the page that joins, and nothing is done with them. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { handedIn, inviteIn, readHanded, sortFile } from "../../src-main/shell/handed.ts";
import type { HandedFile } from "../../src-shared/api/bridge.ts";
import { closeDesk, FakeAccess, openDesk, pageShell, startDesk, theWindow, until } from "./desk.ts";
import { app, BrowserWindow, resetElectron } from "./fake-electron.ts";

let access: FakeAccess;
let folder: string;
let invite: string;
const { argv } = process;

beforeEach(() => {
  resetElectron();
  folder = mkdtempSync(join(tmpdir(), "starmesh-handed-"));
  access = new FakeAccess(true);
  invite = access.fake.foreignInvite("hikers");
});
afterEach(async () => {
  process.argv = argv;
  await closeDesk(access);
  rmSync(folder, { recursive: true });
});

test("[C05] an invite that is clicked opens the page that joins with it filled in, and joins nothing", async () => {
  const join = vi.spyOn(access.fake.handlers, "networks.join");
  await openDesk(access, "/pages");
  theWindow().minimized = true;
  app.emit("second-instance", {}, ["/opt/starmesh", "--allow-file-access-from-files", invite], "/home/ines");
  await until(() => theWindow().loaded.length === 2);
  expect(theWindow().loaded[1]).toBe(joinPage(invite));
  expect(theWindow().minimized).toBe(false);
  expect(join).not.toHaveBeenCalled();
});

test("[C05] one that starts the app is the first page, by arguments and by the event of macOS", async () => {
  process.argv = ["electron", invite];
  await openDesk(access, "/pages");
  expect(theWindow().loaded).toEqual([joinPage(invite)]);
  theWindow().close();
  const event = { preventDefault: vi.fn() };
  app.emit("open-url", event, `${invite}/`);
  await until(() => BrowserWindow.all.length === 2);
  expect(theWindow().loaded).toEqual([joinPage(invite)]);
  expect(event.preventDefault).toHaveBeenCalled();
});

test("an event of macOS that comes before the app is ready waits for it", async () => {
  startDesk(access, "/pages");
  app.emit("open-url", { preventDefault: () => undefined }, invite);
  await until(() => BrowserWindow.all.length > 0);
  expect(theWindow().loaded).toEqual([joinPage(invite)]);
});

test("[C05] a text file with an invite is like the invite", async () => {
  writeFileSync(join(folder, "invite.txt"), `\n${invite}\n`);
  await openDesk(access, "/pages");
  app.emit("second-instance", {}, ["starmesh", "invite.txt"], folder);
  await until(() => theWindow().loaded.length === 2);
  expect(theWindow().loaded[1]).toBe(joinPage(invite));
});

test("another file is given to the page, once, whether the page listens before or after", async () => {
  writeFileSync(join(folder, "office.conf"), "[Interface]");
  writeFileSync(join(folder, "code.png"), Buffer.from([1, 2, 3]));
  await openDesk(access, "/pages");
  const heard: HandedFile[] = [];
  app.emit("open-file", { preventDefault: () => undefined }, join(folder, "office.conf"));
  await until(() => theWindow().webContents.sent.some(({ channel }) => channel === "starmesh:news"));
  pageShell().onFile((file) => heard.push(file));
  await until(() => heard.length === 1);
  app.emit("second-instance", {}, ["starmesh", "code.png"], folder);
  await until(() => heard.length === 2);
  expect(heard.map(({ name, content }) => [name, Buffer.from(content).toString("hex")])).toEqual([
    ["office.conf", Buffer.from("[Interface]").toString("hex")],
    ["code.png", "010203"],
  ]);
});

test("[C05] an invite that is dropped on the window is like one that is clicked; other texts do nothing", async () => {
  await openDesk(access, "/pages");
  const drop = (name: string, text: string) =>
    theWindow().webContents.ask("starmesh:shell", ["drop", { name, content: Buffer.from(text) }]);
  await drop("notes.html", "hello");
  expect(theWindow().loaded).toHaveLength(1);
  await drop("text.txt", `${invite}\n`);
  expect(theWindow().loaded.slice(1)).toEqual([joinPage(invite)]);
});

test("what is no file of ours is not read: absent, empty, a folder, of another kind", async () => {
  for (const name of ["absent.conf", "."]) expect(await readHanded(join(folder, name))).toBeNull();
  expect(sortFile({ name: "empty.conf", content: new Uint8Array() })).toBeNull();
  expect(sortFile({ name: "x.exe", content: new Uint8Array(9) })).toBeNull();
  expect(sortFile({ name: "x.PNG", content: new Uint8Array(9) })).toMatchObject({ name: "x.PNG" });
});

test("arguments of any kind are understood or passed over", () => {
  expect(handedIn(["--state", "/tmp/x", "--flag=starmesh://join/1/x"], "/")).toBeNull();
  expect(handedIn(["--", invite], "/")).toEqual({ kind: "invite", link: invite });
  expect(handedIn(["a.conf", invite], "/home")).toEqual({ kind: "file", path: "/home/a.conf" });
  for (const link of [
    "starmesh://router/1/abc",
    "starmesh://join/1/a b",
    "starmesh://join/1/<x>",
    "x".repeat(9999),
  ])
    expect(inviteIn(link), link).toBeNull();
  const argument = fc.oneof(
    fc.string(),
    fc.string().map((rest) => `starmesh://join/${rest}`),
  );
  fc.assert(
    fc.property(fc.array(argument), (args) => {
      const handed = handedIn(args, "/");
      if (handed?.kind === "invite") expect(handed.link).toMatch(/^starmesh:\/\/join\/[\w:/-]*$/i);
    }),
    { seed: 7 },
  );
});

function joinPage(link: string): string {
  return `app://starmesh/index.html#/join/${encodeURIComponent(link)}`;
}
