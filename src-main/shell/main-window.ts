/** The app's one window: opened when it is wanted, closed without ending anything, and what its page is told. */
import type { BrowserWindow } from "electron";
import type { HandedFile, ShellStatus } from "../../src-shared/api/bridge.ts";
import { offerEditing } from "./app-menu.ts";
import type { EngineAccess } from "./engine.ts";
import type { KeptFile } from "./kept.ts";
import type { PageCalls } from "./page-calls.ts";
import { answerPage, tellPage } from "./page-calls.ts";
import { connectPage } from "./page-connection.ts";
import { recoverPage } from "./page-recovery.ts";
import { startPage } from "./pages.ts";
import type { ShellLog } from "./shell-log.ts";
import { backgrounds, openWindow } from "./window.ts";
import type { Words } from "./words.ts";

export interface MainWindowOptions {
  readonly engine: EngineAccess;
  readonly preload: string;
  readonly icon: string;
  readonly kept: KeptFile;
  readonly words: Words;
  readonly log: ShellLog;
  readonly calls: Omit<PageCalls, "takeFiles" | "showBackground">;
  /** The user closes it: whether it may go now. */
  readonly mayClose: () => boolean;
  /** It is gone. */
  readonly onClosed: () => void;
  /** The user wanted to close it, and it may not go unasked. */
  readonly onHeld: () => void;
  /** The user's session ends, and nobody waits. */
  readonly onSessionEnd: () => void;
}

export class MainWindow {
  readonly #options: MainWindowOptions;
  #window: BrowserWindow | null = null;
  readonly #files: HandedFile[] = [];
  #told = "";

  constructor(options: MainWindowOptions) {
    this.#options = options;
  }

  get isOpen(): boolean {
    return this.#window !== null;
  }

  /** The user looks at it. */
  get isWatched(): boolean {
    return this.#window?.isFocused() ?? false;
  }

  /** For dialogs that belong to it. */
  get window(): BrowserWindow | null {
    return this.#window;
  }

  /**
   * Brings it to the front.
   * @param hash goes to this page, by what follows its name; empty: stays where it is
   */
  open(hash = ""): void {
    if (this.#window === null) {
      this.#make(hash, false);
      return;
    }
    if (hash !== "") void this.#window.loadURL(startPage + hash);
    if (this.#window.isMinimized()) this.#window.restore();
    this.#window.show();
    this.#window.focus();
  }

  /** Opens it as an icon in the task bar. */
  openMinimized(): void {
    if (this.#window === null) this.#make("", true);
  }

  minimize(): void {
    this.#window?.minimize();
  }

  /** Closes it without asking. */
  destroy(): void {
    this.#window?.destroy();
  }

  /** Gives a file to the page, now or when it listens. */
  hand(file: HandedFile): void {
    this.#files.push(file);
    if (this.#window !== null) tellPage(this.#window, { kind: "files" });
  }

  /** Tells the page, if anything is new. */
  tell(status: ShellStatus): void {
    const text = JSON.stringify(status);
    if (text === this.#told || this.#window === null) return;
    this.#told = text;
    tellPage(this.#window, { kind: "status", status });
  }

  #make(hash: string, minimized: boolean): void {
    const { engine, preload, icon, kept, words, log, calls, mayClose, onClosed, onHeld, onSessionEnd } =
      this.#options;
    const window = openWindow({ preload, icon, kept, minimized, hash });
    this.#window = window;
    this.#told = "";
    connectPage(window, () => engine.connect());
    answerPage(window, {
      ...calls,
      takeFiles: () => this.#files.splice(0),
      showBackground: (background) => {
        if (background !== kept.values.background) kept.keep({ background });
        window.setBackgroundColor(backgrounds[background]);
      },
    });
    offerEditing(window, words);
    recoverPage(window, { words, log, now: () => performance.now() });
    window.on("close", (event) => {
      if (mayClose()) return;
      event.preventDefault();
      onHeld();
    });
    window.on("session-end", onSessionEnd);
    window.once("closed", () => {
      this.#window = null;
      onClosed();
    });
  }
}
