/** How closely the paths in use are watched: what all peers of a network share of it. */
import type { Millis } from "../../src-shared/ids.ts";
import type { Peer } from "./peer.ts";

/** Counts the peers that packets flow to, and is alarmed for a while when a path in use was lost. */
export class Attention {
  readonly #peers: () => Iterable<Peer>;
  #isAlarming = false;
  #alarmedUntil: Millis = Number.NEGATIVE_INFINITY;
  #counted = { at: Number.NEGATIVE_INFINITY, flowing: 0 };

  constructor(peers: () => Iterable<Peer>) {
    this.#peers = peers;
  }

  /** What was lost for one peer may be lost for all. */
  readonly alarm = (): void => {
    this.#isAlarming = true;
  };

  isAlarmed(now: Millis): boolean {
    return now < this.#alarmedUntil;
  }

  /** Whether an alarm began since this was asked last: all peers have to be looked at. */
  takeAlarm(now: Millis): boolean {
    if (!this.#isAlarming) return false;
    const isNew = !this.isAlarmed(now);
    this.#isAlarming = false;
    this.#alarmedUntil = now + alarmedFor;
    return isNew;
  }

  /** How many peers packets flow to or from; counted once a second, for it only has to be about right. */
  flowing(now: Millis): number {
    if (now - this.#counted.at >= 1000 || now < this.#counted.at) {
      let flowing = 0;
      for (const peer of this.#peers()) if (peer.isFlowing(now)) flowing++;
      this.#counted = { at: now, flowing };
    }
    return this.#counted.flowing;
  }
}

/** As long as it takes to see whether others are concerned. */
const alarmedFor: Millis = 3000;
