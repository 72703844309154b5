/** How much one sender may send: so much at once, and what grows back with time. */
import type { Millis } from "../../src-shared/ids.ts";

export interface Rate {
  readonly perSecond: number;
  /** What may come at once after a rest. */
  readonly burst: number;
}

export class Allowance {
  readonly #rate: Rate;
  #left: number;
  #at: Millis;

  constructor(rate: Rate, now: Millis) {
    this.#rate = rate;
    this.#left = rate.burst;
    this.#at = now;
  }

  /** Takes an amount, on credit if need be. Milliseconds until the credit is paid; 0 while something is left. */
  take(amount: number, now: Millis): Millis {
    this.#refill(now);
    this.#left -= amount;
    return this.#left >= 0 ? 0 : Math.ceil((-this.#left / this.#rate.perSecond) * 1000);
  }

  /** Takes an amount only if there is enough. */
  spend(amount: number, now: Millis): boolean {
    this.#refill(now);
    if (this.#left < amount) return false;
    this.#left -= amount;
    return true;
  }

  /** Whether it has rested long enough to be forgotten. */
  isFull(now: Millis): boolean {
    this.#refill(now);
    return this.#left >= this.#rate.burst;
  }

  #refill(now: Millis): void {
    const grown = (Math.max(0, now - this.#at) / 1000) * this.#rate.perSecond;
    this.#left = Math.min(this.#rate.burst, this.#left + grown);
    this.#at = now;
  }
}

/** Allowances of many senders, by key; those at rest are forgotten. */
export class Allowances {
  readonly #rate: Rate;
  readonly #byKey = new Map<string, Allowance>();

  constructor(rate: Rate) {
    this.#rate = rate;
  }

  spend(key: string, now: Millis): boolean {
    const known = this.#byKey.get(key);
    if (known !== undefined) return known.spend(1, now);
    if (this.#byKey.size >= mostSenders) this.#sweep(now);
    const fresh = new Allowance(this.#rate, now);
    this.#byKey.set(key, fresh);
    return fresh.spend(1, now);
  }

  #sweep(now: Millis): void {
    for (const [key, allowance] of this.#byKey) if (allowance.isFull(now)) this.#byKey.delete(key);
    // Nobody at rest: forgetting all is better than growing without end.
    if (this.#byKey.size >= mostSenders) this.#byKey.clear();
  }
}

const mostSenders = 10_000;
