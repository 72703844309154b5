/** Takes what the system hands to the app, from the first moment on: starts, links, files. */
import { app } from "electron";
import type { Handed } from "./handed.ts";
import { handedIn, inviteIn } from "./handed.ts";

/** Keeps what comes until somebody listens. */
export class Handover {
  readonly #early: (Handed | null)[] = [];
  #listener: ((handed: Handed | null) => void) | null = null;

  /** Has to be made before Electron is ready: macOS tells of the link that started the app right then. */
  constructor() {
    app.on("second-instance", (_event, args, folder) => this.#come(handedIn(args.slice(1), folder)));
    app.on("open-url", (event, address) => {
      event.preventDefault();
      const link = inviteIn(address);
      this.#come(link === null ? null : { kind: "invite", link });
    });
    app.on("open-file", (event, path) => {
      event.preventDefault();
      this.#come({ kind: "file", path });
    });
    const first = handedIn(process.argv.slice(1), process.cwd());
    if (first !== null) this.#come(first);
  }

  /** Names the one listener; null says that the app was started once more with nothing to do. */
  onCome(listener: (handed: Handed | null) => void): void {
    this.#listener = listener;
    for (const handed of this.#early.splice(0)) listener(handed);
  }

  #come(handed: Handed | null): void {
    if (this.#listener === null) this.#early.push(handed);
    else this.#listener(handed);
  }
}
