/** The effort to get a session: it begins with a packet, ends with a session or without an answer. */
import type { Millis } from "../../src-shared/ids.ts";
import type { Endpoint } from "./effect.ts";

/** One call of a peer. */
export class Call {
  readonly since: Millis;
  /** Whether a session stands that is in doubt. */
  readonly force: boolean;
  readonly #told = new Set<Endpoint>();
  #carried = 0;
  #sought = 0;

  constructor(since: Millis, force: boolean) {
    this.since = since;
    this.force = force;
  }

  /** Whether message 1 was sent anywhere yet. */
  get hasBegun(): boolean {
    return this.#told.size > 0;
  }

  /** Those of the endpoints that message 1 was not sent to yet; now it is. */
  tell(endpoints: readonly Endpoint[]): readonly Endpoint[] {
    const untold = endpoints.filter((endpoint) => !this.#told.has(endpoint));
    for (const endpoint of untold) this.#told.add(endpoint);
    return untold;
  }

  /** Whether it is time for the rendezvous to carry message 1; if so, it counts as done. */
  takeCarry(now: Millis): boolean {
    const wait = carryTimes[this.#carried];
    if (wait === undefined || now < this.since + wait) return false;
    this.#carried++;
    return true;
  }

  /** Whether it is time to ask other peers where it is; if so, it counts as done. */
  takeSeek(now: Millis): boolean {
    const wait = seekTimes[this.#sought];
    if (wait === undefined || now < this.since + wait) return false;
    this.#sought++;
    return true;
  }

  /** Whether it should have been answered by now. */
  isOverdue(now: Millis): boolean {
    return now - this.since >= patience;
  }

  /** Whether nothing will come of it any more. */
  isOver(now: Millis): boolean {
    return now - this.since >= longest;
  }

  /** When something of the above may turn true. */
  times(): readonly Millis[] {
    return [patience, longest, ...carryTimes, ...seekTimes].map((wait) => this.since + wait);
  }
}

/** A call without an answer for this long shows as unreachable; the data plane goes on calling. */
export const patience: Millis = 10_000;
/** The data plane gives up after 90 s and says so; a call that had nowhere to go ends here. */
const longest: Millis = 100_000;
/** The rendezvous carries message 1 at these times of a call. */
const carryTimes: readonly Millis[] = [0, 2000, 6000, 20_000, 50_000];
/** Peers are asked at these, where no router says that it is there. */
const seekTimes: readonly Millis[] = [300, 3000, 15_000, 45_000];
