/** Whether the other end is still there, and the other end's proof that this one is: asks again and again. */
import type { Millis } from "../../src-shared/ids.ts";

/** What is due: nothing, a question, or the end. */
export type Beat = "none" | "ping" | "dead";

/** How long a silence may be before the other end is asked, and before it counts as dead. */
interface Patience {
  readonly askMillis: Millis;
  readonly deadMillis: Millis;
}

/** Hears signs of life, and says what to do when looked at once a second. A dead end is found within 10 s. */
export class Heartbeat {
  readonly #patience: Patience;
  #heard: Millis;
  #asked: Millis;
  /** Set by `doubt`: no sign of life until then means dead. */
  #deadline: Millis | null = null;

  constructor(now: Millis, patience: Patience = usualPatience) {
    this.#patience = patience;
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
    this.#asked = now - this.#patience.askMillis;
  }

  beat(now: Millis): Beat {
    const { askMillis, deadMillis } = this.#patience;
    if (this.#deadline !== null && now >= this.#deadline) return "dead";
    if (now - this.#heard >= deadMillis) return "dead";
    // Also while the other end talks: it may hear nothing from here but these questions.
    if (now - this.#asked < askMillis) return "none";
    this.#asked = now;
    return "ping";
  }
}

/** Of a link: looked at every half second, a dead end is found within 3 s. */
export const linkPatience = { beatMillis: 500, askMillis: 750, deadMillis: 2250 } as const;

const usualPatience: Patience = { askMillis: 3000, deadMillis: 9000 };
const doubtMillis = 2000;
