/** Whether the other end is still there: asks after a silence, gives up after a longer one. */
import type { Millis } from "../../src-shared/ids.ts";

/** What is due: nothing, a question, or the end. */
export type Beat = "none" | "ping" | "dead";

/** Hears signs of life, and says what to do when looked at once a second. A dead end is found within 10 s. */
export class Heartbeat {
  #heard: Millis;
  #asked: Millis;
  /** Set by `doubt`: no sign of life until then means dead. */
  #deadline: Millis | null = null;

  constructor(now: Millis) {
    this.#heard = now;
    this.#asked = now;
  }

  heard(now: Millis): void {
    this.#heard = now;
    this.#deadline = null;
  }

  /** The network changed: a sign of life must come within two seconds. Call `beat` at once. */
  doubt(now: Millis): void {
    this.#deadline ??= now + doubtMillis;
    this.#asked = now - askMillis;
  }

  beat(now: Millis): Beat {
    if (this.#deadline !== null && now >= this.#deadline) return "dead";
    if (now - this.#heard >= deadMillis) return "dead";
    const quiet = this.#deadline !== null || now - this.#heard >= askMillis;
    if (!quiet || now - this.#asked < askMillis) return "none";
    this.#asked = now;
    return "ping";
  }
}

/** How often to look. */
export const beatMillis = 1000;

const askMillis = 3000;
const deadMillis = 9000;
const doubtMillis = 2000;
