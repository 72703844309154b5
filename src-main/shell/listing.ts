/** Whether this copy of the app stands among the desktop's programs: asked once, changed in the settings. */
import type { BrowserWindow } from "electron";
import { dialog } from "electron";
import type { EntryFile } from "./desktop-entry.ts";
import { ownEntry } from "./desktop-entry.ts";
import type { KeptFile } from "./kept.ts";
import type { Words } from "./words.ts";

export class Listing {
  readonly #entry: EntryFile | null;
  readonly #kept: KeptFile;
  readonly #words: Words;

  constructor(icon: string, kept: KeptFile, words: Words) {
    this.#entry = ownEntry(icon);
    this.#kept = kept;
    this.#words = words;
  }

  /** Null: not this copy's to say. */
  get isOn(): boolean | null {
    return this.#entry?.isOn ?? null;
  }

  change(on: boolean): void {
    this.#entry?.change(on);
  }

  /** This copy may have another place or name than at its last start. */
  renew(): void {
    if (this.isOn === true) this.change(true);
  }

  /** Asks at the first start; true when the answer changed something. */
  async offer(window: BrowserWindow): Promise<boolean> {
    if (this.isOn !== false || this.#kept.values.askedToBeListed) return false;
    this.#kept.keep({ askedToBeListed: true });
    const { listAsk, listAskHint, listYes, notNow } = this.#words;
    const { response } = await dialog.showMessageBox(window, {
      message: listAsk,
      detail: listAskHint,
      buttons: [listYes, notNow],
      cancelId: 1,
    });
    if (response !== 0) return false;
    this.change(true);
    return true;
  }
}
