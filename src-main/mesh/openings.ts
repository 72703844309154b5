/** What each member has asked of a relay, so that none takes all of it. */
import type { Millis, SessionKey } from "../../src-shared/ids.ts";
import { Allowance } from "./allowance.ts";

/** What one member has asked for. */
interface Account {
  readonly peers: Set<SessionKey>;
  readonly rate: Allowance;
}

/** Openings of channels, counted by who asked. */
export class Openings {
  readonly #accounts = new Map<SessionKey, Account>();

  /** Whether one more, from a member to a peer, is within what it may have. */
  spend(from: SessionKey, to: SessionKey, now: Millis): boolean {
    const account = this.#accounts.get(from) ?? { peers: new Set(), rate: new Allowance(openRate, now) };
    this.#accounts.set(from, account);
    if (!account.rate.spend(1, now)) return false;
    if (!account.peers.has(to) && account.peers.size >= mostChannels) return false;
    account.peers.add(to);
    return true;
  }

  /** Its session ended: what it asked for counts no more. */
  forget(from: SessionKey): void {
    this.#accounts.delete(from);
  }
}

/** Peers that one member can be relayed to at a time. */
const mostChannels = 1024;
const openRate = { perSecond: 20, burst: 200 };
