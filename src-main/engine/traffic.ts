/** Who had traffic since the last look, and how much in all. */
import type { Counters, PeerCounters } from "../../drivers/dataplane.ts";
import type { SessionKey } from "../../src-shared/ids.ts";

/** Differences of the data plane's counters. */
export class Traffic {
  #last = new Map<string, PeerCounters>();
  #refused: Readonly<Record<string, number>> = {};
  #relayedBytes = 0;

  /** Takes the counters of now; answers, by realm, the peers that packets went to or came from since before. */
  take(counters: Counters): ReadonlyMap<string, readonly SessionKey[]> {
    const moved = new Map<string, SessionKey[]>();
    const next = new Map<string, PeerCounters>();
    for (const peer of counters.peers) {
      const name = keyOf(peer.realm, peer.peer);
      next.set(name, peer);
      const before = this.#last.get(name);
      if (peer.rxPackets === (before?.rxPackets ?? 0) && peer.txPackets === (before?.txPackets ?? 0))
        continue;
      moved.set(peer.realm, [...(moved.get(peer.realm) ?? []), peer.peer as SessionKey]);
    }
    this.#last = next;
    this.#refused = counters.refused;
    this.#relayedBytes = counters.relayed.bytes;
    return moved;
  }

  /** A peer's counters as of the last look; null when it has none. */
  of(realm: string, peer: string): PeerCounters | null {
    return this.#last.get(keyOf(realm, peer)) ?? null;
  }

  get refused(): Readonly<Record<string, number>> {
    return this.#refused;
  }

  get relayedBytes(): number {
    return this.#relayedBytes;
  }
}

function keyOf(realm: string, peer: string): string {
  return `${realm} ${peer}`;
}
