/** How the app ends: says first what stops with it, and lets an engine that runs here put the system in order. */
import { app, dialog } from "electron";
import type { EngineLink } from "./engine-link.ts";
import type { Words } from "./words.ts";
import { fill } from "./words.ts";

export class Ending {
  readonly #link: EngineLink;
  readonly #words: Words;
  /** The user agreed to what stops, or is not asked. */
  #agreed = false;
  #asking = false;
  #step: "no" | "engine" | "done" = "no";

  constructor(link: EngineLink, words: Words) {
    this.#link = link;
    this.#words = words;
  }

  /** Asks, and waits for the engine, whoever has the app quit. */
  watch(): void {
    app.on("before-quit", (event) => this.#askBefore(event));
    app.on("will-quit", (event) => this.#endBefore(event));
  }

  /** Quitting is under way, and windows may close. */
  get isAgreed(): boolean {
    return this.#agreed;
  }

  /** From now on quitting is not asked about. */
  agree(): void {
    this.#agreed = true;
  }

  /** Quits without asking: the user agreed, or the session ends. */
  quit(): void {
    this.agree();
    app.quit();
  }

  /** The window is closed where no icon would stay: whether it goes, and the app with it. */
  async mayLeave(): Promise<"leave" | "minimise" | "stay"> {
    const stops = this.#whatStops();
    if (stops === null) return "leave";
    const { minimise, quitEnds, cancel, noTray, noTrayHint } = this.#words;
    const { response } = await dialog.showMessageBox({
      message: noTray,
      detail: `${noTrayHint}\n${stops}`,
      buttons: [minimise, quitEnds, cancel],
      cancelId: 2,
    });
    return (["minimise", "leave", "stay"] as const)[response] ?? "stay";
  }

  /** What ends with this app, in words; null: nothing does. */
  #whatStops(): string | null {
    const { state, hosts } = this.#link;
    if (!hosts || state.kind !== "running") return null;
    const up = state.status.networks.filter((network) => network.state !== "off").map(({ name }) => name);
    const lines = [
      ...(up.length === 0 ? [] : [fill(this.#words.endsNetworks, { names: up.join(", ") })]),
      ...(state.status.router.on ? [this.#words.endsRouter] : []),
    ];
    return lines.length === 0 ? null : lines.join("\n");
  }

  #askBefore(event: { preventDefault(): void }): void {
    const stops = this.#agreed ? null : this.#whatStops();
    if (stops === null) {
      this.agree();
      return;
    }
    event.preventDefault();
    if (!this.#asking) void this.#ask(stops);
  }

  async #ask(stops: string): Promise<void> {
    this.#asking = true;
    const { ends, quitEnds, cancel } = this.#words;
    const { response } = await dialog.showMessageBox({
      message: ends,
      detail: stops,
      buttons: [quitEnds, cancel],
      cancelId: 1,
    });
    this.#asking = false;
    if (response === 0) this.quit();
  }

  /** An engine that runs here takes back what it changed in the system before the process goes. */
  #endBefore(event: { preventDefault(): void }): void {
    if (this.#step === "done") return;
    event.preventDefault();
    if (this.#step === "engine") return;
    this.#step = "engine";
    void this.#link.close().finally(() => {
      this.#step = "done";
      app.quit();
    });
  }
}
