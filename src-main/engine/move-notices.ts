/** Tells peers that this node moved, over whatever way is proved first: they need not find out by silence. */
import type { SessionKey } from "../../src-shared/ids.ts";
import { controlKind } from "../../src-shared/wire.ts";
import type { SessionRequests } from "./requests.ts";

/** After a move each peer is told once, as soon as something of ours reaches it. */
export class MoveNotices {
  readonly #requests: Pick<SessionRequests, "send">;
  /** Peers told since the last move; null before the first. */
  #told: Set<SessionKey> | null = null;

  constructor(requests: Pick<SessionRequests, "send">) {
    this.#requests = requests;
  }

  /** This node moved. */
  begin(): void {
    this.#told = new Set();
  }

  /** A path to the peer works. */
  reached(peer: SessionKey): void {
    if (this.#told === null || this.#told.has(peer)) return;
    this.#told.add(peer);
    // Without an answer the peer finds out by itself, a moment later.
    this.#requests.send(peer, controlKind.moved, {}).catch(() => undefined);
  }
}
