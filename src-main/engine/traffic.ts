/** Who had traffic since the last look, and how much in all. */
import type { Counters, DataPlane, PeerCounters } from "../../drivers/dataplane.ts";
import type { SessionKey } from "../../src-shared/ids.ts";

/** Peers of one realm that packets went to or came from. */
export interface Moved {
  readonly peers: readonly SessionKey[];
  /** Those of them with so many bytes that probes weigh nothing beside them. */
  readonly heavy: readonly SessionKey[];
}

/** Differences of the data plane's counters. */
export class Traffic {
  #last = new Map<string, PeerCounters>();
  #refused: Readonly<Record<string, number>> = {};
  #relayedBytes = 0;
  #packets = -1;
  /** Looks that saw no packet since all counters were read. */
  #quiet = 0;

  /**
   * Looks at the data plane; answers as `take` does. Reading all counters costs much more than seeing that no packet moved:
   * then they are read now and then only, and after `renew`.
   */
  look(dataPlane: Pick<DataPlane, "packets" | "counters">): ReturnType<Traffic["take"]> {
    const packets = dataPlane.packets();
    if (packets === this.#packets && ++this.#quiet < mostQuiet) return new Map();
    this.#packets = packets;
    this.#quiet = 0;
    return this.take(dataPlane.counters());
  }

  /** Something else than packets changed the counters: a session began. */
  renew(): void {
    this.#quiet = mostQuiet;
  }

  /** Takes the counters of now; answers, by realm, the peers that packets went to or came from since before. */
  take(counters: Counters): ReadonlyMap<string, Moved> {
    const moved = new Map<string, { readonly peers: SessionKey[]; readonly heavy: SessionKey[] }>();
    const next = new Map<string, PeerCounters>();
    for (const peer of counters.peers) {
      const name = keyOf(peer.realm, peer.peer);
      next.set(name, peer);
      const before = this.#last.get(name);
      if (peer.rxPackets === (before?.rxPackets ?? 0) && peer.txPackets === (before?.txPackets ?? 0))
        continue;
      const realm = moved.get(peer.realm) ?? { peers: [], heavy: [] };
      moved.set(peer.realm, realm);
      realm.peers.push(peer.peer as SessionKey);
      const bytes = peer.rxBytes + peer.txBytes - (before?.rxBytes ?? 0) - (before?.txBytes ?? 0);
      if (bytes >= heavyBytes) realm.heavy.push(peer.peer as SessionKey);
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

const mostQuiet = 10;

/** Between two looks, which are a second apart. */
const heavyBytes = 65_536;
