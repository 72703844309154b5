/** What a page in the window can and cannot do: the bridge, the sender's check, the pages' scheme, denied wishes. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { frameChannel } from "../../src-main/shell/bridge.ts";
import { bridgeChannel } from "../../src-renderer/channel/bridge.ts";
import type { Bridge } from "../../src-shared/api/bridge.ts";
import { createClient } from "../../src-shared/api/client.ts";
import { frameText } from "../../src-shared/api/frames.ts";
import { closeDesk, FakeAccess, openDesk, theWindow } from "./desk.ts";
import type { FakeFrame } from "./fake-electron.ts";
import { contextBridge, ipcRenderer, protocol, resetElectron, session } from "./fake-electron.ts";

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
  expect(options.webPreferences).toMatchObject({
    sandbox: true,
    contextIsolation: true,
    nodeIntegration: false,
  });
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
  ["a text beyond all measure", { url: "app://starmesh/index.html", parent: null }, "x".repeat(300_000)],
])("%s is not heard", async (_what, frame, value) => {
  const connect = vi.spyOn(access, "connect");
  const text = value === "hello" ? frameText({ type: "hello", version: 1 }) : value;
  theWindow().webContents.say(frameChannel, text, frame);
  await Promise.resolve();
  expect(connect).not.toHaveBeenCalled();
});

test("navigation away, new windows, web views and permissions are denied", () => {
  const { webContents } = theWindow();
  expect(webContents.openHandler({ url: "https://example.org/" })).toEqual({ action: "deny" });
  expect(isPrevented("will-frame-navigate", "https://example.org/")).toBe(true);
  expect(isPrevented("will-redirect", "file:///etc/passwd")).toBe(true);
  expect(isPrevented("will-frame-navigate", "app://starmesh/index.html")).toBe(false);
  expect(isPrevented("will-attach-webview", "app://starmesh/index.html")).toBe(true);
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
  expect(index?.headers.get("content-security-policy")).toMatch(/default-src 'none'.*script-src 'self';/);
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

/** The bridge as the real preload script builds it, its IPC joined with the window's. */
function pageBridge(): Bridge {
  const { webContents } = theWindow();
  ipcRenderer.send = (channel, value) => webContents.say(channel, value);
  webContents.send = (channel, value) => void ipcRenderer.emit(channel, {}, value);
  return contextBridge.exposed["starmesh"] as Bridge;
}

await import("../../src-main/shell/preload.ts");

function isPrevented(happening: string, url: string): boolean {
  const preventDefault = vi.fn();
  theWindow().webContents.emit(happening, { url, preventDefault });
  return preventDefault.mock.calls.length > 0;
}
