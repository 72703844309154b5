/** When the ends of a relayed pair punch for a direct way: soon after traffic began, ever more rarely while it fails. */
import type { Millis, SessionKey } from "../../src-shared/ids.ts";
import type { NatFacts } from "../../src-shared/trust.ts";
import { isHopeless } from "./punching.ts";

/** What is known of one peer each time it is looked at. */
export interface PunchNeed {
  /** Packets flow, a session stands and reaches the peer, but by no direct path. */
  readonly wanted: boolean;
  /** A direct path is proved. */
  readonly direct: boolean;
  readonly own: NatFacts["mapping"];
  readonly other: NatFacts["mapping"];
  /** What both ends say of their addresses: once it changes, all counts anew. */
  readonly addresses: () => string;
  /** Whether this end asks first; the other asks when nothing came. */
  readonly first: boolean;
  readonly now: Millis;
  /** 0 ≤ x < 1. */
  readonly random: () => number;
}

interface Tries {
  addresses: string;
  /** Since when it is wanted; null: it is not. */
  since: Millis | null;
  attempts: number;
  /** When the last attempt began, and when the next may. */
  last: Millis;
  notBefore: Millis;
}

/** The attempts for all peers of a network. */
export class PunchTries {
  readonly #byPeer = new Map<SessionKey, Tries>();
  /** When punches that run end; they are few at a time, for the network's sake. */
  #running: readonly { readonly peer: SessionKey; readonly until: Millis }[] = [];

  /** Number of the attempt to begin now; `found`: a direct way is there, so what runs may end; null: nothing to do. */
  due(peer: SessionKey, need: PunchNeed): number | "found" | null {
    const { now, direct } = need;
    if (direct) {
      const tries = this.#byPeer.get(peer);
      this.#byPeer.delete(peer);
      this.#running = this.#running.filter((one) => one.peer !== peer);
      return tries !== undefined && now - tries.last < longestRun ? "found" : null;
    }
    if (!need.wanted) {
      const known = this.#byPeer.get(peer);
      if (known !== undefined) known.since = null;
      return null;
    }
    const tries = this.#of(peer, need.addresses());
    tries.since ??= now;
    const isLate = isHopeless(need.own, need.other) && tries.attempts > 0;
    if (isLate) tries.notBefore = Math.max(tries.notBefore, tries.last + hopelessPause);
    tries.notBefore = Math.max(tries.notBefore, tries.since + (need.first ? patience : 2 * patience));
    if (now < tries.notBefore) return null;
    this.#running = this.#running.filter(({ until }) => until > now);
    const [next] = this.#running.map(({ until }) => until).sort((one, other) => one - other);
    if (this.#running.length >= mostAtOnce && next !== undefined) {
      tries.notBefore = next;
      return null;
    }
    this.#begin(peer, tries, need);
    return tries.attempts;
  }

  /** The peer began an attempt. False: too soon after the last, so that nobody makes this node spray. */
  asked(peer: SessionKey, attempt: number, need: PunchNeed): boolean {
    const tries = this.#of(peer, need.addresses());
    if (need.direct || need.now - tries.last < askPause) return false;
    this.#running = this.#running.filter(({ until }) => until > need.now);
    if (this.#running.length >= mostAtOnce) return false;
    tries.attempts = Math.max(tries.attempts, attempt - 1);
    this.#begin(peer, tries, need);
    return true;
  }

  /** When `due` may have an attempt; infinity: not before something is heard. */
  next(peer: SessionKey): Millis {
    const tries = this.#byPeer.get(peer);
    return tries === undefined || tries.since === null ? Number.POSITIVE_INFINITY : tries.notBefore;
  }

  /** The peer is forgotten. */
  part(peer: SessionKey): void {
    this.#byPeer.delete(peer);
  }

  #of(peer: SessionKey, addresses: string): Tries {
    let tries = this.#byPeer.get(peer);
    if (tries?.addresses !== addresses) {
      const before = tries;
      tries = {
        addresses,
        since: before?.since ?? null,
        attempts: 0,
        last: before?.last ?? Number.NEGATIVE_INFINITY,
        notBefore: before === undefined ? 0 : before.last + askPause,
      };
      this.#byPeer.set(peer, tries);
    }
    return tries;
  }

  #begin(peer: SessionKey, tries: Tries, { now, random }: PunchNeed): void {
    tries.attempts++;
    tries.last = now;
    const pause = pauses[Math.min(tries.attempts, pauses.length) - 1] ?? 0;
    tries.notBefore = now + pause * (0.9 + 0.2 * random());
    this.#running = [...this.#running, { peer, until: now + runs }];
  }
}

/** Ordinary probes find every way that needs no punching within this time. */
const patience: Millis = 1000;
/** After the first, second … attempt. A spray takes up to 8 s. */
const pauses: readonly Millis[] = [4000, 8000, 20_000, 60_000, 300_000, 900_000];
/** Where only chance can help. */
const hopelessPause: Millis = 3_600_000;
/** Between two attempts that a peer asks for. */
const askPause: Millis = 2000;
const runs: Millis = 4000;
const longestRun: Millis = 10_000;
const mostAtOnce = 4;
