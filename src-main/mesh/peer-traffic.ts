/** When and how much packets went to or came from one peer. */
import type { Millis } from "../../src-shared/ids.ts";
import type { Activity } from "./probing.ts";
import { activityOf, isFlowing } from "./probing.ts";

/** The last of it. */
export class PeerTraffic {
  #last: Millis;
  #isHeavy = false;
  /** When it was last so much that probes weigh nothing beside it. */
  #heavyAt: Millis = Number.NEGATIVE_INFINITY;

  /** A peer begins as if packets had come. */
  constructor(now: Millis) {
    this.#last = now;
  }

  get last(): Millis {
    return this.#last;
  }

  /** Whether it was so much that probes weigh nothing beside it. */
  get isHeavy(): boolean {
    return this.#isHeavy;
  }

  /** Whether it was so much just now, or a moment ago: it comes in bursts, and no path is changed between two of them. */
  wasHeavy(now: Millis): boolean {
    return now < this.heavyEnd;
  }

  /** When that is over unless more comes. */
  get heavyEnd(): Millis {
    return this.#heavyAt + heavyFor;
  }

  /** Packets came or went; answers whether it is much now and was not before, or the other way round. */
  hear(now: Millis, isHeavy = this.#isHeavy): boolean {
    const isNews = isHeavy !== this.#isHeavy;
    this.#last = now;
    this.#isHeavy = isHeavy;
    if (isHeavy) this.#heavyAt = now;
    return isNews;
  }

  isFlowing(now: Millis): boolean {
    return isFlowing(now - this.#last);
  }

  activity(now: Millis): Activity {
    return activityOf(now - this.#last);
  }
}

const heavyFor: Millis = 30_000;
