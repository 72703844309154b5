/** Stands in for the electron module: the same calls, no window; tests drive it and look at what was asked of it. */
import { EventEmitter } from "node:events";

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

  send(channel: string, value: unknown): void {
    this.sent.push({ channel, value });
  }

  isDestroyed(): boolean {
    return false;
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
  readonly options: { readonly webPreferences: Readonly<Record<string, unknown>> };
  shown = 0;
  minimized = false;

  constructor(options: { webPreferences: Record<string, unknown> }) {
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

  focus(): void {}

  isMinimized(): boolean {
    return this.minimized;
  }

  restore(): void {
    this.minimized = false;
  }

  close(): void {
    this.emit("closed");
  }
}

export class Tray extends EventEmitter {
  static readonly all: Tray[] = [];
  menu: readonly FakeMenuItem[] = [];

  constructor(readonlyIcon: string) {
    super();
    void readonlyIcon;
    Tray.all.push(this);
  }

  setToolTip(): void {}

  setContextMenu(menu: readonly FakeMenuItem[]): void {
    this.menu = menu;
  }
}

export interface FakeMenuItem {
  readonly label?: string;
  readonly type?: string;
  readonly checked?: boolean;
  readonly enabled?: boolean;
  readonly click?: () => void;
}

export const Menu = { buildFromTemplate: (items: readonly FakeMenuItem[]) => items };

class FakeApp extends EventEmitter {
  isFirst = true;
  quits = 0;

  requestSingleInstanceLock(): boolean {
    return this.isFirst;
  }

  async whenReady(): Promise<void> {}

  getLocale(): string {
    return "en-GB";
  }

  /** As Electron: asks first, and goes only if nobody prevents it. */
  quit(): void {
    let prevented = false;
    this.emit("will-quit", {
      preventDefault: () => {
        prevented = true;
      },
    });
    if (!prevented) this.quits++;
  }
}
export const app = new FakeApp();

export const ipcMain = new EventEmitter();

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

type Asked = (contents: FakeWebContents, permission: string, answer: (allowed: boolean) => void) => void;
type Checked = (contents: FakeWebContents | null, permission: string) => boolean;

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
  },
};

export const dialog = {
  errors: [] as string[],
  questions: [] as string[],
  /** The button that the next questions get. */
  response: 0,
  showErrorBox(_title: string, text: string): void {
    this.errors.push(text);
  },
  async showMessageBox(...args: readonly unknown[]): Promise<{ response: number }> {
    const { message } = args.at(-1) as { message: string };
    this.questions.push(message);
    return { response: this.response };
  },
};

/** The preload script's side. */
export const ipcRenderer = Object.assign(new EventEmitter(), {
  sent: [] as { readonly channel: string; readonly value: unknown }[],
  send(channel: string, value: unknown): void {
    this.sent.push({ channel, value });
  },
});

export const contextBridge = {
  exposed: {} as Record<string, unknown>,
  exposeInMainWorld(name: string, value: unknown): void {
    this.exposed[name] = value;
  },
};

/** Forgets what earlier tests did. */
export function resetElectron(): void {
  BrowserWindow.all.length = 0;
  Tray.all.length = 0;
  for (const emitter of [app, ipcMain]) emitter.removeAllListeners();
  app.isFirst = true;
  app.quits = 0;
  protocol.answer = null;
  dialog.errors.length = 0;
  dialog.questions.length = 0;
  dialog.response = 0;
}
