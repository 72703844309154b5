/** When a relay is asked for a channel to a peer, and again. */
import type { IdentityKey, Millis, SessionKey } from "../../src-shared/ids.ts";

/** Relays behind one through which a channel did not work. */
type Avoided = readonly IdentityKey[];

interface Try {
  readonly attempts: number;
  /** Asked, no answer yet. */
  readonly asked: Millis | null;
  readonly notBefore: Millis;
}

/** The asking of one peer's relays. */
export class RelayTries {
  readonly #tries = new Map<SessionKey, Try>();
  readonly #avoided = new Map<SessionKey, Avoided>();

  /** Whether to ask now; if so, it counts as asked. */
  begin(relay: SessionKey, now: Millis): boolean {
    const { attempts, asked, notBefore } = this.#tries.get(relay) ?? fresh;
    if ((asked !== null && now - asked < unanswered) || now < notBefore) return false;
    this.#tries.set(relay, { attempts, asked: now, notBefore });
    return true;
  }

  /** Relays behind that one to go around. */
  avoided(relay: SessionKey): Avoided {
    return this.#avoided.get(relay) ?? [];
  }

  opened(relay: SessionKey, now: Millis): void {
    this.#tries.set(relay, { ...fresh, notBefore: now + openedPause });
  }

  /** The channel stopped working though the relay is there: ask for another. */
  lost(relay: SessionKey, onward: Avoided, { now }: { readonly now: Millis }): void {
    this.#tries.set(relay, { ...fresh, notBefore: now });
    const [next] = onward;
    if (next !== undefined)
      this.#avoided.set(relay, [...new Set([...this.avoided(relay), next])].slice(-mostAvoided));
  }

  refused(
    relay: SessionKey,
    why: string,
    { now, random }: { readonly now: Millis; readonly random: () => number },
  ): void {
    this.#avoided.delete(relay);
    const attempts = (this.#tries.get(relay)?.attempts ?? 0) + 1;
    const first = firstWait[why] ?? otherWait;
    const wait = Math.min(first * 2 ** (attempts - 1), longestWait) * (0.9 + 0.2 * random());
    this.#tries.set(relay, { attempts, asked: null, notBefore: now + wait });
  }

  /** A new call: what is waited for only because others were in the way is asked at once. */
  hurry(): void {
    for (const [relay, { asked }] of this.#tries) this.#tries.set(relay, { ...fresh, asked });
  }

  /** The relay went, and its channels with it: ask when it is back, not before the time given. */
  gone(relay: SessionKey, notBefore: Millis): void {
    this.#tries.set(relay, { ...fresh, notBefore });
  }

  clear(): void {
    this.#tries.clear();
    this.#avoided.clear();
  }

  /** When the next relay may be asked again. */
  next(): Millis {
    let next = Number.POSITIVE_INFINITY;
    for (const { asked, notBefore } of this.#tries.values()) {
      next = Math.min(next, asked === null ? notBefore : asked + unanswered);
    }
    return next;
  }
}

const fresh: Try = { attempts: 0, asked: null, notBefore: 0 };
/** What was opened just now is not asked for again at once, whatever became of it: both ends may be at it. */
const openedPause: Millis = 500;
/** A relay that says nothing for this long is asked again. */
const unanswered: Millis = 8000;
/** The other end's session with the relay may be about to stand. */
const firstWait: Readonly<Record<string, Millis>> = {
  offline: 500,
  "not-allowed": 15_000,
  quota: 30_000,
  here: 60_000,
};
const otherWait: Millis = 2000;
const longestWait: Millis = 30_000;
const mostAvoided = 8;
