/** The peers of one network that something is known of: each told what concerns it, and asked what follows. */
import type { IdentityKey, Millis, SessionKey } from "../../src-shared/ids.ts";
import type { NodeRecord } from "../../src-shared/trust.ts";
import type { Around } from "./around.ts";
import { isLossy } from "./candidate.ts";
import type { Effect, Input, Measure } from "./effect.ts";
import type { Gateways } from "./gateways.ts";
import type { Membership } from "./membership.ts";
import { Peer } from "./peer.ts";
import type { Punches } from "./punches.ts";
import type { DirectLink, Relays, RelaysChanged } from "./relays.ts";
import type { Reach } from "./route-table.ts";
import type { Timers } from "./timers.ts";

export interface PeersOptions {
  readonly membership: Membership;
  readonly gateways: Gateways;
  readonly relays: Relays;
  readonly punches: Punches;
  readonly timers: Timers;
  readonly around: (key: SessionKey, now: Millis) => Around;
  readonly emit: (effect: Effect) => void;
}

/** Everybody who is not among them is idle and costs nothing. */
export class Peers {
  readonly #options: PeersOptions;
  readonly #peers = new Map<SessionKey, Peer>();
  /** The session with a relay may stand, or be gone, or its path be another. */
  isRelayNews = false;

  constructor(options: PeersOptions) {
    this.#options = options;
  }

  get all(): ReadonlyMap<SessionKey, Peer> {
    return this.#peers;
  }

  get(key: SessionKey): Peer | null {
    return this.#peers.get(key) ?? null;
  }

  /** The direct way to a peer that answers; null without one. */
  linkOf(key: SessionKey): DirectLink | null {
    return this.#peers.get(key)?.link ?? null;
  }

  /** Peers whose sessions stand, in the order they were met. */
  connected(): readonly SessionKey[] {
    return [...this.#peers].filter(([, peer]) => peer.active?.standing === "proved").map(([key]) => key);
  }

  /** Whether packets that flow get lost where they go through a relay. */
  losesRelayed(now: Millis): boolean {
    for (const peer of this.#peers.values()) {
      const { active } = peer;
      if (active?.kind === "relay" && peer.isFlowing(now) && isLossy(active, false, now)) return true;
    }
    return false;
  }

  /** How a peer is reached, for the choice among gateways. `isAway`: the router does not see it. */
  reach(key: SessionKey, isAway: boolean, now: Millis): Reach {
    const peer = this.#peers.get(key);
    if (peer === undefined) return { health: isAway ? "lost" : "untried", rttMillis: null, usedAt: null };
    return {
      health: peer.health(now, isAway),
      rttMillis: peer.active?.rttMillis ?? null,
      usedAt: peer.usedAt,
    };
  }

  /** Something is known of this peer from now on. */
  meet(key: SessionKey, now: Millis): void {
    if (!this.#peers.has(key)) this.#peers.set(key, new Peer(key, now));
  }

  /** Nothing is known of it any more. */
  part(key: SessionKey): void {
    const { punches, gateways, timers, emit } = this.#options;
    this.#peers.get(key)?.part({ emit });
    this.#peers.delete(key);
    punches.part(key);
    gateways.noteDead(key, false);
    timers.set(key, null);
  }

  /** Tells a peer, lets it draw its conclusions, and sets when it wants to be asked again. */
  tell(key: SessionKey, now: Millis, what: (peer: Peer, around: Around) => void): void {
    const { membership, gateways, relays, punches, timers, emit } = this.#options;
    const peer = this.#peers.get(key);
    if (peer === undefined) return;
    const around = this.#options.around(key, now);
    const decisions = peer.decisions.at(-1);
    const standing = peer.standing(now);
    const link = peer.link?.endpoint;
    what(peer, around);
    peer.settle(around);
    if (peer.link?.endpoint !== link && relays.member(key) !== null) this.isRelayNews = true;
    if (peer.decisions.at(-1) !== decisions || peer.standing(now) !== standing) emit({ kind: "changed" });
    const isAway = around.presence?.online === false;
    const isGone = isAway && peer.health(now, isAway) === "lost";
    gateways.noteDead(key, isGone || ["broken", "unanswered"].includes(peer.standing(now)));
    const identity = membership.memberOf(key)?.identity;
    if (identity !== undefined) gateways.noteReach(key, identity);
    if (peer.isForgettable(now)) this.part(key);
    else timers.set(key, Math.min(peer.deadline(now), punches.settle(peer, this.recordOf(key), now)));
  }

  /** Tells all of them the same. */
  tellAll(now: Millis, what: (peer: Peer, around: Around) => void): void {
    for (const key of [...this.#peers.keys()]) this.tell(key, now, what);
  }

  /** Asks a peer what follows. */
  settle(key: SessionKey, now: Millis): void {
    this.tell(key, now, () => undefined);
  }

  /** Asks all, or those touched. */
  settleAll(now: Millis, touched: ReadonlySet<IdentityKey> | null = null): void {
    const { membership } = this.#options;
    for (const key of [...this.#peers.keys()]) {
      const identity = touched === null ? undefined : membership.memberOf(key)?.identity;
      if (identity === undefined || touched?.has(identity)) this.settle(key, now);
    }
  }

  hearTraffic({ peers, heavy }: Extract<Input, { kind: "traffic" }>, now: Millis): void {
    const { membership, gateways } = this.#options;
    for (const key of peers) {
      const peer = this.#peers.get(key);
      if (peer !== undefined && !peer.isFlowing(now))
        gateways.noteTraffic(membership.memberOf(key)?.identity);
      // The usual case changes nothing: its timer may ring too early, and is set anew then.
      if (peer?.handleTraffic({ now }, heavy?.includes(key)) === true) this.settle(key, now);
    }
  }

  hearMeasured(paths: readonly Measure[], now: Millis): void {
    const byPeer = new Map<SessionKey, Measure[]>();
    for (const measure of paths) {
      const others = byPeer.get(measure.peer);
      if (others === undefined) byPeer.set(measure.peer, [measure]);
      else others.push(measure);
    }
    for (const [key, measures] of byPeer) {
      this.tell(key, now, (peer, around) => {
        for (const measure of measures) peer.handleMeasured(measure, around);
      });
    }
  }

  /** Their channels through these relays are void, or lead elsewhere; what follows is asked afterwards. */
  hearRelays({ gone, moved = [] }: RelaysChanged, now: Millis): void {
    const { around } = this.#options;
    for (const move of moved) {
      for (const peer of this.#peers.values()) peer.handleRelayMoved(move, around(peer.key, now));
    }
    for (const relay of gone) {
      for (const peer of this.#peers.values()) peer.handleRelayGone(relay, around(peer.key, now));
    }
  }

  /** What a peer says of itself. */
  recordOf(key: SessionKey): NodeRecord | null {
    return this.#options.membership.memberOf(key)?.node ?? null;
  }
}
