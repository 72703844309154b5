/** Keeps track of newer versions: asks by itself where that is wished, and never otherwise. */
import type { UpdateState } from "../../src-shared/api/bridge.ts";
import type { NoFeed, UpdateFeed } from "./update-feed.ts";

export interface UpdatesOptions {
  readonly feed: (() => Promise<UpdateFeed>) | NoFeed;
  /** Ask once a day, and take in what is found. */
  readonly automatic: () => boolean;
  readonly onState: (state: UpdateState) => void;
  readonly log: (event: string, fields: Readonly<Record<string, unknown>>) => void;
}

export class Updates {
  readonly #options: UpdatesOptions;
  #state: UpdateState;
  #feed: Promise<UpdateFeed> | null = null;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: UpdatesOptions) {
    this.#options = options;
    const { feed } = options;
    this.#state =
      typeof feed === "string" ? { kind: "none", why: feed } : { kind: "current", checkedAt: null };
  }

  get state(): UpdateState {
    return this.#state;
  }

  /** Asks a while from now, and then once a day, as long as that is wished. */
  follow(): void {
    clearTimeout(this.#timer);
    if (this.#state.kind === "none" || !this.#options.automatic()) return;
    this.#plan(firstMillis);
  }

  /** Asks now; takes nothing in. */
  async check(): Promise<void> {
    if (this.#isBusy()) return;
    this.#enter({ kind: "checking" });
    await this.#attempt(async (feed) => {
      const newer = await feed.newer();
      this.#enter(
        newer === null
          ? { kind: "current", checkedAt: new Date().toISOString() }
          : { kind: "found", ...newer },
      );
    });
  }

  /** Takes in what was found. */
  async load(): Promise<void> {
    const { state } = this;
    if (state.kind !== "found") return;
    const { version, notes } = state;
    const loading = (percent: number) =>
      this.#enter({ kind: "loading", version, notes, percent: Math.round(percent) });
    loading(0);
    await this.#attempt(async (feed) => {
      await feed.load(loading);
      feed.installAtQuit();
      this.#enter({ kind: "ready", version, notes });
    });
  }

  /** Ends the app and starts the version that lies ready. */
  async restart(): Promise<void> {
    if (this.#state.kind === "ready") await this.#attempt(async (feed) => feed.restart());
  }

  #plan(milliseconds: number): void {
    this.#timer = setTimeout(() => void this.#ask(), milliseconds);
    this.#timer.unref();
  }

  async #ask(): Promise<void> {
    if (!this.#options.automatic()) return;
    await this.check();
    await this.load();
    this.#plan(dayMillis);
  }

  /** What lies ready, or is under way, needs no asking. */
  #isBusy(): boolean {
    return ["none", "checking", "loading", "ready"].includes(this.#state.kind);
  }

  async #attempt(doing: (feed: UpdateFeed) => Promise<void>): Promise<void> {
    const { feed } = this.#options;
    if (typeof feed === "string") return;
    try {
      this.#feed ??= feed();
      await doing(await this.#feed);
    } catch (error) {
      const detail = error instanceof Error ? (error.message.split("\n")[0] ?? "") : String(error);
      this.#enter({ kind: "failed", detail: detail.slice(0, longestDetail) });
    }
  }

  #enter(state: UpdateState): void {
    if (state.kind !== this.#state.kind) {
      const { notes: _, ...told } = { notes: null, ...state };
      this.#options.log("update", told);
    }
    this.#state = state;
    this.#options.onState(state);
  }
}

const firstMillis = 5 * 60_000;
const dayMillis = 86_400_000;
const longestDetail = 300;
