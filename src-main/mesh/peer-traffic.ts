/** When and how much packets went to or came from one peer. */
import type { Millis } from "../../src-shared/ids.ts";
import type { Activity } from "./probing.ts";
import { activityOf, isFlowing } from "./probing.ts";

/** The last of it. */
export class PeerTraffic {
  #last: Millis;
  #isHeavy = false;

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

  /** Packets came or went; answers whether it is much now and was not before, or the other way round. */
  hear(now: Millis, isHeavy = this.#isHeavy): boolean {
    const isNews = isHeavy !== this.#isHeavy;
    this.#last = now;
    this.#isHeavy = isHeavy;
    return isNews;
  }

  isFlowing(now: Millis): boolean {
    return isFlowing(now - this.#last);
  }

  activity(now: Millis): Activity {
    return activityOf(now - this.#last);
  }
}
