/** Reports of crashes: written to a folder of this machine, shown once, sent to nobody. */
import { mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { app, crashReporter, dialog } from "electron";
import type { KeptFile } from "./kept.ts";
import { showFolder } from "./page-files.ts";
import type { Words } from "./words.ts";

/** The folder of reports. */
export class Crashes {
  readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
  }

  /**
   * Has processes that crash leave a report, and errors that nobody caught one, too. Has to run before Electron is ready.
   */
  watch(onError: (error: unknown) => void): void {
    app.setPath("crashDumps", this.folder);
    crashReporter.start({ uploadToServer: false });
    const caught = (error: unknown) => {
      this.write(error);
      onError(error);
    };
    process.on("uncaughtException", caught);
    app.once("quit", () => process.off("uncaughtException", caught));
  }

  /** Writes down an error that nobody caught. */
  write(error: unknown): void {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    const versions = `Starmesh ${app.getVersion()}, Electron ${process.versions["electron"]}, ${process.platform} ${process.arch}`;
    try {
      mkdirSync(this.folder, { recursive: true, mode: 0o700 });
      const name = `error-${new Date().toISOString().replaceAll(":", "-")}.txt`;
      writeFileSync(join(this.folder, name), `${versions}\n\n${text}\n`, { mode: 0o600 });
    } catch {
      // Where nothing can be written, the error itself is what counts.
    }
  }

  /** Says once that there are reports which were not there before. */
  async showNew(kept: KeptFile, { crashed, crashedHint, openFolder, close }: Words): Promise<void> {
    const reports = this.reports();
    const shown = new Set(kept.values.shownCrashes);
    const isNew = reports.some((name) => !shown.has(name));
    if (isNew || reports.length < shown.size) kept.keep({ shownCrashes: [...reports] });
    if (!isNew) return;
    const { response } = await dialog.showMessageBox({
      message: crashed,
      detail: crashedHint,
      buttons: [openFolder, close],
      cancelId: 1,
    });
    if (response === 0) await showFolder(this.folder);
  }

  /** Names of the reports, the newest first; what is beyond the newest few is removed. */
  reports(): readonly string[] {
    const found = filesIn(this.folder);
    for (const { path } of found.slice(mostKept)) rmSync(path, { force: true });
    return found.slice(0, mostKept).map(({ name }) => name);
  }
}

/** The reports lie in folders of the reporter's own. */
function filesIn(folder: string): { readonly name: string; readonly path: string; readonly at: number }[] {
  try {
    return readdirSync(folder, { recursive: true, encoding: "utf8" })
      .filter((name) => /\.(dmp|txt)$/.test(name))
      .map((name) => ({ name, path: join(folder, name), at: statSync(join(folder, name)).mtimeMs }))
      .sort((one, other) => other.at - one.at);
  } catch {
    return [];
  }
}

const mostKept = 20;
