/** A shell with a fake engine behind it, and what tests do with its window and tray. */
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import type { EngineAccess, HostedEngine } from "../../src-main/shell/engine.ts";
import type { ShellFiles } from "../../src-main/shell/shell.ts";
import { runShell } from "../../src-main/shell/shell.ts";
import type { UpdateFeed } from "../../src-main/shell/update-feed.ts";
import type { Bridge, Shell } from "../../src-shared/api/bridge.ts";
import type { Channel } from "../../src-shared/api/channel.ts";
import { channelPair } from "../../src-shared/api/channel.ts";
import { serve } from "../../src-shared/api/server.ts";
import { AppError } from "../../src-shared/errors.ts";
import type { FakeEngine } from "../fakes/engine.ts";
import { createFakeEngine } from "../fakes/engine.ts";
import type { FakeMenuItem } from "./fake-electron.ts";
import { app, BrowserWindow, contextBridge, dialog, ipcRenderer, Tray } from "./fake-electron.ts";

/** An engine that can be started, stopped and reached, without a process. */
export class FakeAccess implements EngineAccess {
  readonly fake: FakeEngine;
  readonly #channels = new Set<Channel>();
  #running: boolean;
  /** Whether this process may host the engine. */
  hostable = true;
  hostings = 0;
  stops = 0;
  #endHosted: (() => void) | null = null;

  constructor(running: boolean) {
    this.fake = createFakeEngine({ peers: 3, start: "running" });
    this.#running = running;
  }

  get running(): boolean {
    return this.#running;
  }

  async connect(): Promise<Channel> {
    if (!this.#running) throw new AppError("not-running");
    const [near, far] = channelPair();
    serve(this.fake.handlers, far);
    this.#channels.add(far);
    return near;
  }

  async host(): Promise<HostedEngine | null> {
    if (!this.hostable) return null;
    this.hostings++;
    this.start();
    const ended = new Promise<void>((resolve) => {
      this.#endHosted = resolve;
    });
    return {
      ended,
      stop: async () => {
        this.stops++;
        this.stop();
      },
    };
  }

  start(): void {
    this.#running = true;
  }

  /** The engine's process goes: every channel closes. */
  stop(): void {
    this.#running = false;
    for (const channel of this.#channels) channel.close();
    this.#channels.clear();
    this.#endHosted?.();
  }
}

/** What a desktop has: by default a place for icons, no feed of updates, and nothing kept from before. */
export interface Desktop {
  tray?: boolean;
  feed?: UpdateFeed | null;
}

// As Electron runs it before the page, of which there is none here.
Object.assign(globalThis, { addEventListener: () => undefined });
await import("../../src-main/shell/preload.ts");

/** Starts the shell. What it keeps for itself lies where `app.getPath("userData")` says. */
export function startDesk(access: FakeAccess, pages: string, desktop: Desktop = {}): void {
  const own = app.getPath("userData");
  const files: ShellFiles = {
    pages,
    preload: "/preload.cjs",
    windowIcon: join(import.meta.dirname, "../../resources/icons/starmesh.png"),
    trayIcons: "/tray",
    logs: join(own, "engine-logs"),
    own: null,
  };
  runShell(access, files, {
    hasTray: async () => desktop.tray ?? true,
    feed: () => {
      const { feed = null } = desktop;
      return feed === null ? "source" : async () => feed;
    },
  });
}

/** Starts the shell and waits until its window is there. */
export async function openDesk(access: FakeAccess, pages: string, desktop?: Desktop): Promise<void> {
  startDesk(access, pages, desktop);
  await until(() => BrowserWindow.all.length > 0);
}

/** Quits the app, agreeing to everything, and ends the fake engine. */
export async function closeDesk(access: FakeAccess): Promise<void> {
  const before = app.quits;
  dialog.response = 0;
  app.quit();
  await until(() => app.quits > before);
  access.fake.stop();
}

/** The window that opened last. */
export function theWindow(): BrowserWindow {
  const window = BrowserWindow.all.at(-1);
  if (window === undefined) throw new Error("no window is open");
  return window;
}

/** The bridge as the real preload script builds it, its IPC joined with the window's. */
export function pageBridge(): Bridge {
  const { webContents } = theWindow();
  ipcRenderer.send = (channel, value) => webContents.say(channel, value);
  ipcRenderer.invoke = (channel, ...args) => webContents.ask(channel, args);
  webContents.send = (channel, value) => void ipcRenderer.emit(channel, {}, value);
  return contextBridge.exposed["starmesh"] as Bridge;
}

/** The calls of the window itself. */
export function pageShell(): Shell {
  const { shell } = pageBridge();
  if (shell === undefined) throw new Error("the window offers no calls");
  return shell;
}

/** An item of the tray's menu. */
export function menuItem(label: string): FakeMenuItem | undefined {
  return Tray.all.at(-1)?.menu.find((item) => item.label === label);
}

/** Waits for something that other turns of the loop bring about. */
export async function until(holds: () => boolean): Promise<void> {
  const end = performance.now() + 30_000;
  while (!holds()) {
    if (performance.now() > end) throw new Error("it did not come about within 30 s");
    await turn();
  }
}
