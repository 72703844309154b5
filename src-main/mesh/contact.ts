/** How it stands between this node and one peer: the session, the call for one, and since when nobody answers. */
import type { Millis } from "../../src-shared/ids.ts";
import { Call, patience } from "./call.ts";
import type { Activity } from "./probing.ts";

/** How it stands between the two ends. */
export type Standing = "idle" | "calling" | "unanswered" | "connected" | "quiet" | "broken";

/** What became of a handshake. */
export interface Established {
  /** The session before was another, of which the peer knows no more. */
  readonly isAgain: boolean;
  /** There was none, or another. */
  readonly isNew: boolean;
  /** It answers a call that was made because the session was in doubt. */
  readonly isRecovered: boolean;
}

/** One peer's session and calls. */
export class Contact {
  #since: Millis | null = null;
  #call: Call | null = null;
  /** When the last call ended without an answer. */
  #unanswered: Millis | null = null;
  /** Since when no path is proved while a session stands. */
  #broken: Millis | null = null;
  /** When something last announced a session: a relay's offer comes before it. */
  #expected: Millis;

  constructor(now: Millis) {
    this.#expected = now;
  }

  /** Since when the session stands; null without one. */
  get since(): Millis | null {
    return this.#since;
  }

  get call(): Call | null {
    return this.#call;
  }

  /** Whether a session stands, or is called for. */
  get isWanted(): boolean {
    return this.#since !== null || this.#call !== null;
  }

  /** Whether a session stands, and the peer answers in it. */
  get answers(): boolean {
    return this.#since !== null && this.#broken === null;
  }

  /** Whether the peer is called, or does not answer. */
  get isMissed(): boolean {
    return this.#unanswered !== null || this.#call !== null || this.#broken !== null;
  }

  /** Whether there is nothing to remember. */
  isForgettable(now: Millis): boolean {
    const isQuiet = !this.isWanted && this.#unanswered === null;
    return isQuiet && now - this.#expected >= patience;
  }

  standing(activity: Activity, now: Millis): Standing {
    if (this.#since !== null) {
      if (this.#broken !== null && now - this.#broken >= patience) return "broken";
      if (this.#broken !== null) return "calling";
      return activity === "quiet" ? "quiet" : "connected";
    }
    if (this.#unanswered !== null) return "unanswered";
    if (this.#call === null) return "idle";
    return this.#call.isOverdue(now) ? "unanswered" : "calling";
  }

  /** Whether the peer answers, sooner judged than `standing`. `isAway`: the router does not see it either. */
  health(now: Millis, isAway: boolean): "stands" | "untried" | "lost" {
    if (this.#since !== null) {
      const isLost = this.#broken !== null && (isAway || now - this.#broken >= lostAfter);
      return isLost ? "lost" : "stands";
    }
    if (isAway || this.#unanswered !== null) return "lost";
    return this.#call !== null && now - this.#call.since >= missedAfter ? "lost" : "untried";
  }

  /** A session may come soon, from the other end. */
  expect(now: Millis): void {
    this.#expected = now;
  }

  /** The peer is called from now on. `force`: though a session stands. */
  begin(now: Millis, force: boolean): void {
    this.#call = new Call(now, force);
  }

  /** A handshake was finished. */
  establish(now: Millis, rekey: boolean): Established {
    const isAgain = this.#since !== null && !rekey && now - this.#since > sameHandshake;
    const isNew = this.#since === null || isAgain;
    const isRecovered = this.#call?.force === true;
    this.#call = null;
    this.#unanswered = null;
    if (isNew) this.#since = now;
    return { isAgain, isNew, isRecovered };
  }

  /** The call is over; a session stays. */
  endCall(): void {
    this.#call = null;
  }

  /** All is over. */
  hangUp(): void {
    this.#since = null;
    this.#call = null;
    this.#unanswered = null;
    this.#broken = null;
  }

  /** A call ended without an answer. */
  miss(now: Millis): void {
    this.#unanswered = now;
  }

  /** What was missed long ago is not shown any more. */
  forgetMissed(now: Millis): void {
    if (this.#unanswered !== null && now - this.#unanswered >= shownFor) this.#unanswered = null;
  }

  /** Whether a session that is to be kept has to be called for; what was missed is forgotten then. */
  takeUp(now: Millis): boolean {
    const isGivenUp = this.#unanswered !== null && now - this.#unanswered < keptAgain;
    if (this.isWanted || isGivenUp) return false;
    this.#unanswered = null;
    return true;
  }

  /** All paths are to be proved anew: nothing says that the peer does not answer. */
  trust(): void {
    this.#broken = null;
  }

  /** A path of the session is proved: whoever called need not. */
  stand(): void {
    this.#broken = null;
    this.#call = null;
  }

  /** No path of the session is proved; answers whether that is new. */
  fall(now: Millis): boolean {
    if (this.#broken !== null) return false;
    this.#broken = now;
    return true;
  }

  /** Whether nobody answered for so long that the session itself is in doubt, and nobody is called yet. */
  isInDoubt(now: Millis): boolean {
    return this.#call === null && this.#broken !== null && now - this.#broken >= callAfter;
  }

  /** Tells when something of the above may turn true. `isKept`: the session is one that is to be kept. */
  tellTimes(at: (time: Millis) => void, isKept: boolean): void {
    for (const time of this.#call?.times() ?? []) at(time);
    if (this.#call !== null) at(this.#call.since + missedAfter);
    if (this.#unanswered !== null) at(this.#unanswered + (isKept ? keptAgain : shownFor));
    if (this.#since === null) at(this.#expected + patience);
    if (this.#broken === null) return;
    for (const wait of [lostAfter, callAfter, patience]) at(this.#broken + wait);
  }
}

/** Two handshakes that began at both ends at once make one session. */
const sameHandshake: Millis = 5000;
/** A kept peer that did not answer is called again after this time. */
const keptAgain: Millis = 20_000;
/** Nothing answers for this long: the other end may have lost the session. */
const callAfter: Millis = 1000;
/** No way answers for this long: who has another gateway takes that one. */
const lostAfter: Millis = 300;
/** The same while it is called for the first time. */
const missedAfter: Millis = 1500;
/** How long a call without an answer is shown. */
const shownFor: Millis = 300_000;
