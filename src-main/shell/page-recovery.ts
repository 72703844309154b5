/** Brings a window back whose page crashed or hangs; the engine knows nothing of it. */
import type { BrowserWindow } from "electron";
import { dialog } from "electron";
import { startPage } from "./pages.ts";
import type { Words } from "./words.ts";

export interface RecoveryOptions {
  readonly words: Words;
  /** Milliseconds of a clock that only goes forward. */
  readonly now: () => number;
  readonly log: (event: string, fields: Readonly<Record<string, unknown>>) => void;
}

/** Loads the page again when its process is gone, but not for ever; asks when it does not answer. */
export function recoverPage(window: BrowserWindow, { words, now, log }: RecoveryOptions): void {
  const { webContents } = window;
  const gone: number[] = [];
  webContents.on("render-process-gone", (_event, { reason, exitCode }) => {
    log("page.gone", { reason, exitCode });
    if (reason === "clean-exit" || window.isDestroyed()) return;
    gone.push(now());
    if (gone.filter((at) => now() - at < spellMillis).length <= mostReloads) {
      void window.loadURL(startPage);
      return;
    }
    void dialog
      .showMessageBox({ message: words.pageGone, detail: words.pageGoneHint, buttons: [words.close] })
      .then(() => !window.isDestroyed() && window.destroy());
  });
  let asking = false;
  window.on("unresponsive", () => {
    log("page.hangs", {});
    if (asking) return;
    asking = true;
    void dialog
      .showMessageBox(window, { message: words.pageHangs, buttons: [words.wait, words.reload], cancelId: 0 })
      .then(({ response }) => {
        asking = false;
        // A page that hangs cannot be told to load: its process ends, and the above follows.
        if (response === 1 && !webContents.isDestroyed()) webContents.forcefullyCrashRenderer();
      });
  });
}

const mostReloads = 3;
const spellMillis = 5 * 60_000;
