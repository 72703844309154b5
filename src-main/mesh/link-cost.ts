/** What a link between two relays costs: its round trip, smoothed, saturated, and held still against jitter. */

/** The cost of one link in whole milliseconds (RFC 9616 §3 with the round trip itself as the metric). */
export class LinkCost {
  #smoothed: number;
  #millis: number;

  constructor(rttMillis: number) {
    this.#smoothed = saturated(rttMillis);
    this.#millis = Math.max(1, Math.round(this.#smoothed));
  }

  /** At least 1: every hop counts. */
  get millis(): number {
    return this.#millis;
  }

  /** Takes a measurement in; whether the cost is another one now. */
  hear(rttMillis: number): boolean {
    this.#smoothed += (saturated(rttMillis) - this.#smoothed) * weight;
    if (Math.abs(this.#smoothed - this.#millis) <= Math.max(2, this.#millis * stillness)) return false;
    this.#millis = Math.max(1, Math.round(this.#smoothed));
    return true;
  }
}

function saturated(rttMillis: number): number {
  return Math.min(Math.max(rttMillis, 1), mostMillis);
}

/** Of a new measurement (RFC 9616 §3.2 proposes 1 − 0.836). */
const weight = 0.164;
const stillness = 0.15;
/** Beyond this a link is just bad: worse numbers would only make routes swing. */
const mostMillis = 1000;
