/** Stands in for the electron module: the same calls, no window; tests drive it and look at what was asked of it. */
import { EventEmitter } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** What a fake frame tells about itself. */
export interface FakeFrame {
  readonly url: string;
  readonly parent: FakeFrame | null;
}

/** The content of one window: collects what main sends, and plays the page's part. */
export class FakeWebContents extends EventEmitter {
  readonly sent: { readonly channel: string; readonly value: unknown }[] = [];
  openHandler: (details: { url: string }) => { action: string } = () => ({ action: "allow" });
  mainFrame: FakeFrame = { url: "app://starmesh/index.html", parent: null };

  /** What main answers, by channel. */
  readonly answers = new Map<string, (event: object, ...args: readonly unknown[]) => unknown>();
  readonly ipc = {
    handle: (channel: string, answer: (event: object, ...args: readonly unknown[]) => unknown) =>
      void this.answers.set(channel, answer),
  };
  destroyed = false;
  crashes = 0;

  send(channel: string, value: unknown): void {
    this.sent.push({ channel, value });
  }

  isDestroyed(): boolean {
    return this.destroyed;
  }

  forcefullyCrashRenderer(): void {
    this.crashes++;
    this.emit("render-process-gone", {}, { reason: "killed", exitCode: 1 });
  }

  /** Asks as the preload script in `frame` would. */
  async ask(channel: string, args: readonly unknown[], frame: FakeFrame | null = this.mainFrame) {
    return await this.answers.get(channel)?.({ sender: this, senderFrame: frame }, ...args);
  }

  getURL(): string {
    return this.mainFrame.url;
  }

  setWindowOpenHandler(handler: (details: { url: string }) => { action: string }): void {
    this.openHandler = handler;
  }

  /** Sends as the preload script in `frame` would. */
  say(channel: string, value: unknown, frame: FakeFrame | null = this.mainFrame): void {
    ipcMain.emit(channel, { sender: this, senderFrame: frame }, value);
  }
}

export class BrowserWindow extends EventEmitter {
  static readonly all: BrowserWindow[] = [];
  readonly webContents = new FakeWebContents();
  readonly loaded: string[] = [];
  readonly options: FakeWindowOptions;
  shown = 0;
  minimized = false;
  maximized = false;
  focused = false;
  background = "";

  constructor(options: FakeWindowOptions) {
    super();
    this.options = options;
    BrowserWindow.all.push(this);
    app.emit("web-contents-created", {}, this.webContents);
  }

  async loadURL(url: string): Promise<void> {
    this.loaded.push(url);
  }

  show(): void {
    this.shown++;
  }

  focus(): void {
    this.focused = true;
  }

  isFocused(): boolean {
    return this.focused;
  }

  minimize(): void {
    this.minimized = true;
  }

  maximize(): void {
    this.maximized = true;
  }

  isMaximized(): boolean {
    return this.maximized;
  }

  getNormalBounds() {
    const { x = 10, y = 20, width = 800, height = 600 } = this.options;
    return { x, y, width, height };
  }

  setBackgroundColor(color: string): void {
    this.background = color;
  }

  isDestroyed(): boolean {
    return this.webContents.destroyed;
  }

  isMinimized(): boolean {
    return this.minimized;
  }

  restore(): void {
    this.minimized = false;
  }

  /** As Electron: asks first, and goes only if nobody prevents it. */
  close(): void {
    if (!isPrevented(this, "close")) this.destroy();
  }

  destroy(): void {
    if (this.webContents.destroyed) return;
    this.webContents.destroyed = true;
    this.focused = false;
    this.emit("closed");
    if (BrowserWindow.all.every((window) => window.isDestroyed())) app.emit("window-all-closed");
  }
}

export interface FakeWindowOptions {
  readonly x?: number;
  readonly y?: number;
  readonly width?: number;
  readonly height?: number;
  readonly backgroundColor?: string;
  readonly webPreferences: Readonly<Record<string, unknown>>;
}

export class Tray extends EventEmitter {
  static readonly all: Tray[] = [];
  menu: readonly FakeMenuItem[] = [];
  /** How often the menu was replaced. */
  menus = 0;
  tip = "";
  picture: string;

  constructor({ path }: FakePicture) {
    super();
    this.picture = path;
    Tray.all.push(this);
  }

  setImage({ path }: FakePicture): void {
    this.picture = path;
  }

  setToolTip(tip: string): void {
    this.tip = tip;
  }

  setContextMenu(menu: readonly FakeMenuItem[]): void {
    this.menu = menu;
    this.menus++;
  }
}

interface FakePicture {
  readonly path: string;
  setTemplateImage(): void;
}

export const nativeImage = {
  createFromPath: (path: string): FakePicture => ({ path, setTemplateImage: () => undefined }),
};

export class Notification extends EventEmitter {
  static readonly all: Notification[] = [];
  readonly options: { readonly title: string; readonly body: string };

  constructor(options: { readonly title: string; readonly body: string }) {
    super();
    this.options = options;
  }

  static isSupported(): boolean {
    return true;
  }

  show(): void {
    Notification.all.push(this);
  }
}

export interface FakeMenuItem {
  readonly label?: string;
  readonly type?: string;
  readonly checked?: boolean;
  readonly enabled?: boolean;
  readonly click?: () => void;
  readonly role?: string;
  readonly accelerator?: string;
  readonly submenu?: readonly FakeMenuItem[];
}

export const Menu = {
  bar: [] as readonly FakeMenuItem[],
  popups: [] as (readonly FakeMenuItem[])[],
  buildFromTemplate: (items: readonly FakeMenuItem[]) =>
    Object.assign([...items], { popup: () => void Menu.popups.push(items) }),
  setApplicationMenu(items: readonly FakeMenuItem[]): void {
    this.bar = items;
  },
};

class FakeApp extends EventEmitter {
  isFirst = true;
  isPackaged = false;
  sandboxed = false;
  locale = "en-GB";
  quits = 0;
  readonly paths = new Map<string, string>();

  requestSingleInstanceLock(): boolean {
    return this.isFirst;
  }

  async whenReady(): Promise<void> {}

  enableSandbox(): void {
    this.sandboxed = true;
  }

  setAppUserModelId(): void {}

  setPath(name: string, path: string): void {
    this.paths.set(name, path);
  }

  getPath(name: string): string {
    const path = this.paths.get(name);
    if (path === undefined) throw new Error(`the test named no folder “${name}”`);
    return path;
  }

  getVersion(): string {
    return "0.1.0";
  }

  getLocale(): string {
    return this.locale;
  }

  /** As Electron: asks first, closes the windows, asks again, and goes only if nobody prevents it. */
  quit(): void {
    if (isPrevented(this, "before-quit")) return;
    for (const window of BrowserWindow.all) window.close();
    if (BrowserWindow.all.some((window) => !window.isDestroyed())) return;
    if (isPrevented(this, "will-quit")) return;
    this.quits++;
    this.emit("quit");
  }
}
export const app = new FakeApp();

export const ipcMain = new EventEmitter();

export const powerMonitor = new EventEmitter();

export const nativeTheme = { shouldUseDarkColors: false };

export const screen = {
  getAllDisplays: () => [{ workArea: { x: 0, y: 0, width: 1920, height: 1040 } }],
};

export const clipboard = {
  text: "",
  writeText(text: string): void {
    this.text = text;
  },
};

/** The user's desktop. */
export const shell = {
  opened: [] as string[],
  async openExternal(address: string): Promise<void> {
    this.opened.push(address);
  },
  async openPath(path: string): Promise<string> {
    this.opened.push(path);
    return "";
  },
};

export const crashReporter = {
  started: null as { readonly uploadToServer?: boolean } | null,
  start(options: { readonly uploadToServer?: boolean }): void {
    this.started = options;
  },
};

export const protocol = {
  privileged: [] as unknown[],
  answer: null as ((request: { url: string }) => Promise<Response>) | null,
  registerSchemesAsPrivileged(schemes: unknown[]): void {
    this.privileged.push(...schemes);
  },
  handle(_scheme: string, answer: (request: { url: string }) => Promise<Response>): void {
    this.answer = answer;
  },
};

type Asked = (
  contents: FakeWebContents,
  permission: string,
  answer: (allowed: boolean) => void,
  details: { readonly isMainFrame: boolean; readonly mediaTypes?: readonly string[] },
) => void;
type Checked = (
  contents: FakeWebContents | null,
  permission: string,
  origin: string,
  details: { readonly isMainFrame: boolean; readonly mediaType?: string },
) => boolean;

export const session = {
  defaultSession: {
    ask: null as Asked | null,
    check: null as Checked | null,
    setPermissionRequestHandler(handler: Asked): void {
      this.ask = handler;
    },
    setPermissionCheckHandler(handler: Checked): void {
      this.check = handler;
    },
    device: null as (() => boolean) | null,
    setDevicePermissionHandler(handler: () => boolean): void {
      this.device = handler;
    },
    display: null as ((request: object, answer: (streams: object) => void) => void) | null,
    setDisplayMediaRequestHandler(handler: (request: object, answer: (streams: object) => void) => void) {
      this.display = handler;
    },
    setBluetoothPairingHandler(): void {},
  },
};

export const dialog = {
  errors: [] as string[],
  questions: [] as string[],
  details: [] as string[],
  /** The button that the next questions get. */
  response: 0,
  showErrorBox(_title: string, text: string): void {
    this.errors.push(text);
  },
  async showMessageBox(...args: readonly unknown[]): Promise<{ response: number }> {
    const { message, detail } = args.at(-1) as { message: string; detail?: string };
    this.questions.push(message);
    this.details.push(detail ?? "");
    return { response: this.response };
  },
  saveTo: null as string | null,
  async showSaveDialog(): Promise<{ canceled: boolean; filePath: string }> {
    return { canceled: this.saveTo === null, filePath: this.saveTo ?? "" };
  },
};

/** The preload script's side. */
export const ipcRenderer = Object.assign(new EventEmitter(), {
  sent: [] as { readonly channel: string; readonly value: unknown }[],
  send(channel: string, value: unknown): void {
    this.sent.push({ channel, value });
  },
  async invoke(_channel: string, ..._args: readonly unknown[]): Promise<unknown> {
    return undefined;
  },
});

export const contextBridge = {
  exposed: {} as Record<string, unknown>,
  exposeInMainWorld(name: string, value: unknown): void {
    this.exposed[name] = value;
  },
};

/** Forgets what earlier tests did; the app keeps its own things in a new folder. */
export function resetElectron(): void {
  rmSync(app.paths.get("userData") ?? "", { recursive: true, force: true });
  for (const list of [BrowserWindow.all, Tray.all, Notification.all, Menu.popups]) list.length = 0;
  for (const list of [dialog.errors, dialog.questions, dialog.details, shell.opened]) list.length = 0;
  for (const emitter of [app, ipcMain, powerMonitor]) emitter.removeAllListeners();
  app.isFirst = true;
  app.isPackaged = false;
  app.sandboxed = false;
  app.locale = "en-GB";
  app.quits = 0;
  app.paths.clear();
  app.paths.set("userData", mkdtempSync(join(tmpdir(), "starmesh-window-")));
  protocol.answer = null;
  nativeTheme.shouldUseDarkColors = false;
  clipboard.text = "";
  crashReporter.started = null;
  dialog.response = 0;
  dialog.saveTo = null;
}

/** Emits an event that can be prevented; whether somebody did. */
function isPrevented(emitter: EventEmitter, name: string): boolean {
  let prevented = false;
  const preventDefault = () => {
    prevented = true;
  };
  emitter.emit(name, { preventDefault });
  return prevented;
}
