/** Errors that nobody caught, in an install without a window: they are written down, and the network goes on. */
import type { Millis } from "../src-shared/ids.ts";
import type { Log } from "./engine/surroundings.ts";

export interface UnexpectedOptions {
  readonly log: Log;
  /** A clock that only goes forward. */
  readonly now: () => Millis;
  /** Tells whoever looks on. */
  readonly say: (error: unknown) => void;
  /** Errors come without end: this process is to make way for a fresh one. */
  readonly giveUp: () => void;
}

/**
 * Watches until `close`. What failed was one timer or one answer; to end the process for it would cut every connection
 * of this machine. Only where one error follows the other is a fresh start the lesser evil.
 */
export class UnexpectedErrors {
  readonly #options: UnexpectedOptions;
  /** When the last few came. */
  readonly #recent: Millis[] = [];
  readonly #caught = (error: unknown) => this.hear(error);

  constructor(options: UnexpectedOptions) {
    this.#options = options;
    process.on("uncaughtException", this.#caught);
  }

  /** An error that nobody caught. */
  hear(error: unknown): void {
    const { log, now, say, giveUp } = this.#options;
    const at = now();
    log("unexpected error", { error });
    say(error);
    this.#recent.push(at);
    if (this.#recent.length < tooMany) return;
    const first = this.#recent.shift() ?? at;
    if (at - first < withinMillis) giveUp();
  }

  close(): void {
    process.off("uncaughtException", this.#caught);
  }
}

/** So many errors within this time are too many. */
const tooMany = 10;
const withinMillis: Millis = 60_000;
