/** The desktop app: one instance, one window, one tray icon, all on the contract of one engine. */
import type { BrowserWindow } from "electron";
import { app, dialog } from "electron";
import { toWireError } from "../../src-shared/errors.ts";
import type { EngineAccess } from "./engine.ts";
import { EngineLink } from "./engine-link.ts";
import { connectPage } from "./page-connection.ts";
import { announcePages, servePages } from "./pages.ts";
import { showTray } from "./tray.ts";
import { confinePages, openWindow } from "./window.ts";
import type { Words } from "./words.ts";
import { wordsFor } from "./words.ts";

/** Where the built files lie. */
export interface ShellFiles {
  /** Folder of the built pages. */
  readonly pages: string;
  readonly preload: string;
  readonly windowIcon: string;
  readonly trayIcon: string;
}

/**
 * Runs the desktop app. Has to be called while the main module loads: the scheme of the pages can only be announced
 * before Electron is ready. Where the app runs already, that one comes to the front and this one ends.
 */
export function runShell(engine: EngineAccess, files: ShellFiles): void {
  if (!app.requestSingleInstanceLock()) {
    app.quit();
    return;
  }
  announcePages();
  app.whenReady().then(
    () => new Shell(engine, files, wordsFor(app.getLocale())).start(),
    (error: unknown) => dialog.showErrorBox("Starmesh", String(error)),
  );
}

class Shell {
  readonly #engine: EngineAccess;
  readonly #files: ShellFiles;
  readonly #words: Words;
  readonly #link: EngineLink;
  #window: BrowserWindow | null = null;
  #showState: ReturnType<typeof showTray> = () => undefined;
  #ending: "no" | "engine" | "done" = "no";

  constructor(engine: EngineAccess, files: ShellFiles, words: Words) {
    this.#engine = engine;
    this.#files = files;
    this.#words = words;
    this.#link = new EngineLink(engine, {
      onState: (state) => this.#showState(state),
      onStopped: () => void this.#offerStart(),
    });
  }

  async start(): Promise<void> {
    servePages(this.#files.pages);
    confinePages();
    this.#showState = showTray(this.#files.trayIcon, this.#words, {
      open: () => this.#open(),
      start: () => void this.#link.start(),
      connectNetworks: (on) => this.#try(this.#link.connectNetworks(on)),
      actAsRouter: (on) => this.#try(this.#link.actAsRouter(on)),
      quit: () => void this.#quit(),
    });
    app.on("second-instance", () => this.#open());
    app.on("activate", () => this.#open());
    // The tray stays, and the networks with it.
    app.on("window-all-closed", () => undefined);
    app.on("will-quit", (event) => this.#endBeforeQuit(event));
    await this.#link.start();
    this.#open();
  }

  #open(): void {
    if (this.#window !== null) {
      if (this.#window.isMinimized()) this.#window.restore();
      this.#window.show();
      this.#window.focus();
      return;
    }
    const window = openWindow(this.#files.preload, this.#files.windowIcon);
    this.#window = window;
    connectPage(window, () => this.#engine.connect());
    window.once("closed", () => {
      this.#window = null;
    });
  }

  /** Shows why something from the tray did not work: there is no page to say it. */
  #try(doing: Promise<void>): void {
    doing.catch((error: unknown) => dialog.showErrorBox("Starmesh", toWireError(error).message));
  }

  async #offerStart(): Promise<void> {
    if (this.#window === null) return;
    const { response } = await dialog.showMessageBox(this.#window, {
      message: this.#words.wasStopped,
      buttons: [this.#words.startAgain, this.#words.notNow],
      cancelId: 1,
    });
    if (response === 0 && this.#link.state.kind === "stopped") await this.#link.start();
  }

  async #quit(): Promise<void> {
    if (this.#link.hosts) {
      const { response } = await dialog.showMessageBox({
        message: this.#words.ends,
        buttons: [this.#words.quitEnds, this.#words.cancel],
        cancelId: 1,
      });
      if (response !== 0) return;
    }
    app.quit();
  }

  /** An engine that runs here takes back what it changed in the system before the process goes. */
  #endBeforeQuit(event: { preventDefault(): void }): void {
    if (this.#ending === "done") return;
    event.preventDefault();
    if (this.#ending === "engine") return;
    this.#ending = "engine";
    void this.#link.close().finally(() => {
      this.#ending = "done";
      app.quit();
    });
  }
}
