/** Asks once whether a helper with rights may be started, before the system asks for a password: people learn why. */
import type { BrowserWindow } from "electron";
import { dialog } from "electron";
import type { EngineState } from "./engine-link.ts";
import type { Words } from "./words.ts";

/** True where the engine may change nothing, and the user can be asked to let it. */
export function lacksRights(state: EngineState): boolean {
  return (
    state.kind === "running" && state.status.node.rights.kind === "none" && state.status.node.rights.canAsk
  );
}

export class RightsQuestion {
  readonly #words: Words;
  readonly #ask: () => void;
  #wasAsked = false;

  /** @param ask has the system ask */
  constructor(words: Words, ask: () => void) {
    this.#words = words;
    this.#ask = ask;
  }

  /** To be called with every state; asks in the first in which rights are missing while somebody sees the window. */
  async hear(state: EngineState, window: BrowserWindow | null): Promise<void> {
    if (this.#wasAsked || window === null || !lacksRights(state)) return;
    this.#wasAsked = true;
    const { rightsNeeded, rightsWhy, rightsAsk, notNow } = this.#words;
    const { response } = await dialog.showMessageBox(window, {
      message: rightsNeeded,
      detail: rightsWhy,
      buttons: [rightsAsk, notNow],
      cancelId: 1,
    });
    if (response === 0) this.#ask();
  }
}
