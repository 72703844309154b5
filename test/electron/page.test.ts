/** What a page in the window can and cannot do: the bridge, the sender's check, the pages' scheme, denied wishes. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { frameChannel, shellChannel } from "../../src-main/shell/bridge.ts";
import { bridgeChannel } from "../../src-renderer/channel/bridge.ts";
import { createClient } from "../../src-shared/api/client.ts";
import { frameText, longestRequest } from "../../src-shared/api/frames.ts";
import { closeDesk, FakeAccess, openDesk, pageBridge, theWindow } from "./desk.ts";
import type { FakeFrame } from "./fake-electron.ts";
import { app, crashReporter, protocol, resetElectron, session, shell } from "./fake-electron.ts";

let access: FakeAccess;
let pages: string;

beforeEach(async () => {
  resetElectron();
  pages = mkdtempSync(join(tmpdir(), "starmesh-pages-"));
  mkdirSync(join(pages, "assets"));
  writeFileSync(join(pages, "index.html"), "<title>Starmesh</title>");
  writeFileSync(join(pages, "assets", "main.js"), "1");
  access = new FakeAccess(true);
  await openDesk(access, pages);
});
afterEach(async () => {
  await closeDesk(access);
  rmSync(pages, { recursive: true });
});

test("the window runs our page in a sandbox without Node", () => {
  const { options, loaded } = theWindow();
  expect(loaded).toEqual(["app://starmesh/index.html"]);
  expect(options.webPreferences).toEqual({
    preload: "/preload.cjs",
    sandbox: true,
    contextIsolation: true,
    nodeIntegration: false,
    nodeIntegrationInWorker: false,
    nodeIntegrationInSubFrames: false,
    webSecurity: true,
    allowRunningInsecureContent: false,
    experimentalFeatures: false,
    webviewTag: false,
    navigateOnDragDrop: false,
    spellcheck: false,
  });
  expect(app.sandboxed).toBe(true);
});

test("reports of crashes are sent to nobody", () => {
  expect(crashReporter.started).toEqual({ uploadToServer: false });
});

test("the preload script gives the page the bridge, and nothing of Electron", () => {
  const { shell: calls, ...bridge } = pageBridge();
  expect(Object.keys(bridge).sort()).toEqual(["onFrame", "send"]);
  expect(Object.keys(calls ?? {}).sort()).toEqual([
    "change",
    "checkForUpdate",
    "installUpdate",
    "onFile",
    "onStatus",
    "openFolder",
    "read",
    "saveFile",
    "startEngine",
  ]);
});

test("the pages' client gets its answers through preload script and IPC", async () => {
  const client = createClient(bridgeChannel(pageBridge()));
  await client.ready;
  const status = await client.call("status.read", {});
  expect(status.networks.length).toBeGreaterThan(0);
});

test("the page hears when the engine goes, and reaches it again once it is back", async () => {
  const bridge = pageBridge();
  const before = createClient(bridgeChannel(bridge));
  await before.ready;
  access.hostable = false;
  access.stop();
  await expect(before.call("status.read", {})).rejects.toMatchObject({ code: "not-running" });

  const during = createClient(bridgeChannel(bridge));
  await expect(during.ready).rejects.toMatchObject({ code: "not-running" });

  access.start();
  const after = createClient(bridgeChannel(bridge));
  await expect(after.call("status.read", {})).resolves.toBeDefined();
});

test("a page that is loaded again talks over a new connection", async () => {
  const bridge = pageBridge();
  await createClient(bridgeChannel(bridge)).ready;
  theWindow().webContents.emit("did-start-navigation", { isMainFrame: true, isSameDocument: false });
  await expect(createClient(bridgeChannel(bridge)).call("status.read", {})).resolves.toBeDefined();
});

test.each<[string, FakeFrame | null, unknown]>([
  [
    "a frame inside the page",
    { url: "app://starmesh/x.html", parent: { url: "app://starmesh/", parent: null } },
    "hello",
  ],
  ["a page from the network", { url: "https://example.org/", parent: null }, "hello"],
  ["another host of the scheme", { url: "app://elsewhere/index.html", parent: null }, "hello"],
  ["a frame that is gone", null, "hello"],
  ["something that is no text", { url: "app://starmesh/index.html", parent: null }, { type: "hello" }],
  [
    "a text beyond all measure",
    { url: "app://starmesh/index.html", parent: null },
    "x".repeat(longestRequest + 1),
  ],
])("%s is not heard", async (_what, frame, value) => {
  const connect = vi.spyOn(access, "connect");
  const text = value === "hello" ? frameText({ type: "hello", version: 1 }) : value;
  theWindow().webContents.say(frameChannel, text, frame);
  await Promise.resolve();
  expect(connect).not.toHaveBeenCalled();
});

test.each<[string, FakeFrame | null]>([
  [
    "a frame inside the page",
    { url: "app://starmesh/x.html", parent: { url: "app://starmesh/", parent: null } },
  ],
  ["a page from the network", { url: "https://example.org/", parent: null }],
  ["another host of the scheme", { url: "app://elsewhere/index.html", parent: null }],
  ["a frame that is gone", null],
])("%s is not answered", async (_what, frame) => {
  await expect(theWindow().webContents.ask(shellChannel, ["read"], frame)).rejects.toThrow(
    "not for this page",
  );
});

test("calls of another name or shape are refused", async () => {
  const { webContents } = theWindow();
  for (const [name, input] of [
    ["quit"],
    ["constructor"],
    [["read"]],
    ["change", { notifications: "yes" }],
    ["openFolder", "/etc"],
    ["saveFile", { name: "", content: "x" }],
    ["saveFile", { name: "x", content: 1 }],
    ["showBackground", "red"],
  ] as const) {
    await expect(webContents.ask(shellChannel, [name, input]), String(name)).rejects.toThrow();
  }
});

test("navigation away, new windows, web views and permissions are denied", () => {
  const { webContents } = theWindow();
  expect(webContents.openHandler({ url: "https://example.org/" })).toEqual({ action: "deny" });
  expect(isPrevented("will-frame-navigate", "https://example.org/")).toBe(true);
  expect(isPrevented("will-redirect", "file:///etc/passwd")).toBe(true);
  expect(isPrevented("will-frame-navigate", "app://starmesh/index.html")).toBe(false);
  expect(isPrevented("will-attach-webview", "app://starmesh/index.html")).toBe(true);
  expect(shell.opened).toEqual([]);
});

test("the one page outside that ours lead to opens in the user's browser, to the letter", () => {
  const { webContents } = theWindow();
  const app = "https://www.wireguard.com/install/";
  expect(webContents.openHandler({ url: app })).toEqual({ action: "deny" });
  expect(shell.opened).toEqual([app]);
  for (const url of [
    `${app}?x`,
    `${app}#x`,
    "https://www.wireguard.com/",
    "http://www.wireguard.com/install/",
    "https://www.wireguard.com:444/install/",
    "https://user@www.wireguard.com/install/",
    "file:///bin/sh",
    "ms-settings:",
    "javascript:1",
    "",
  ]) {
    expect(webContents.openHandler({ url })).toEqual({ action: "deny" });
    webContents.emit("will-frame-navigate", { url, isMainFrame: true, preventDefault: () => undefined });
  }
  expect(shell.opened).toEqual([app]);
});

test("pages may write to the clipboard and look through the camera, in their main frame, and nothing else", () => {
  const { defaultSession } = session;
  const { webContents } = theWindow();
  const asked = (permission: string, details = {}) => {
    const answer = vi.fn();
    defaultSession.ask?.(webContents, permission, answer, { isMainFrame: true, ...details });
    return answer.mock.calls[0]?.[0] as boolean;
  };
  const checked = (permission: string, details = {}) =>
    defaultSession.check?.(webContents, permission, "", { isMainFrame: true, ...details });
  for (const permission of ["geolocation", "notifications", "clipboard-read", "openExternal", "fileSystem"]) {
    expect(asked(permission), permission).toBe(false);
    expect(checked(permission), permission).toBe(false);
  }
  expect(asked("clipboard-sanitized-write")).toBe(true);
  expect(checked("clipboard-sanitized-write")).toBe(true);
  expect(asked("media", { mediaTypes: ["video"] })).toBe(true);
  expect(checked("media", { mediaType: "video" })).toBe(true);
  for (const mediaTypes of [undefined, [], ["audio"], ["video", "audio"]])
    expect(asked("media", mediaTypes === undefined ? {} : { mediaTypes })).toBe(false);
  expect(checked("media", { mediaType: "audio" })).toBe(false);
  expect(checked("media")).toBe(false);
  expect(asked("clipboard-sanitized-write", { isMainFrame: false })).toBe(false);
  expect(checked("clipboard-sanitized-write", { isMainFrame: false })).toBe(false);
  webContents.mainFrame = { url: "https://example.org/", parent: null };
  expect(asked("clipboard-sanitized-write")).toBe(false);
  expect(checked("media", { mediaType: "video" })).toBe(false);

  expect(defaultSession.device?.()).toBe(false);
  const streams = vi.fn();
  defaultSession.display?.({}, streams);
  expect(streams).toHaveBeenCalledWith({});
});

test("pages come from their folder only, under a strict policy", async () => {
  const index = await protocol.answer?.({ url: "app://starmesh/index.html" });
  expect(index?.status).toBe(200);
  expect(index?.headers.get("content-type")).toContain("text/html");
  expect(index?.headers.get("content-security-policy")?.split("; ")).toEqual([
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data: blob:",
    "font-src 'self' data:",
    "media-src 'self' blob:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ]);
  expect(index?.headers.get("permissions-policy")).toContain("camera=(self), microphone=()");
  expect(index?.headers.get("referrer-policy")).toBe("no-referrer");
  expect(index?.headers.get("x-content-type-options")).toBe("nosniff");
  expect(
    (await protocol.answer?.({ url: "app://starmesh/assets/main.js" }))?.headers.get("content-type"),
  ).toContain("javascript");
  for (const url of [
    "app://starmesh/absent.js",
    "app://starmesh/",
    "app://elsewhere/index.html",
    "app://starmesh/..%2f..%2fetc%2fpasswd",
    "app://starmesh/%2e%2e/%2e%2e/etc/passwd",
    "app://starmesh/%",
    "app://starmesh/index.html%00.js",
  ]) {
    expect((await protocol.answer?.({ url }))?.status, url).toBe(404);
  }
});

function isPrevented(happening: string, url: string): boolean {
  const preventDefault = vi.fn();
  theWindow().webContents.emit(happening, { url, preventDefault });
  return preventDefault.mock.calls.length > 0;
}
