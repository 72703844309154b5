/** Peers that packets went to or came from lately: where that is wished, the way to them is open before the next one. */
import type { Millis, SessionKey } from "../../src-shared/ids.ts";
import type { Keeping } from "./relays.ts";

/** Remembers them while the engine runs. */
export class Recent {
  #isWished = false;
  /** The latest last. */
  readonly #used = new Map<SessionKey, Millis>();

  /** Whether ways are to be kept open. */
  wish(isWished: boolean): void {
    this.#isWished = isWished;
  }

  /** Packets went to or came from these. */
  used(peers: readonly SessionKey[], now: Millis): void {
    for (const peer of peers) {
      this.#used.delete(peer);
      this.#used.set(peer, now);
      const [oldest] = this.#used.keys();
      if (this.#used.size > mostKept && oldest !== undefined) this.#used.delete(oldest);
    }
  }

  /** How the session with a peer is kept; null when packets alone decide. */
  keeping(peer: SessionKey, now: Millis): Keeping | null {
    const used = this.#used.get(peer);
    const isRecent = used !== undefined && now - used < rememberedFor;
    return this.#isWished && isRecent ? { calls: true, probeMillis: keepMillis } : null;
  }

  /** The peer is no member any more. */
  forget(peer: SessionKey): void {
    this.#used.delete(peer);
  }
}

const mostKept = 16;
const rememberedFor: Millis = 86_400_000;
/** Below the 30 s after which the hastiest NATs forget. */
const keepMillis: Millis = 25_000;
