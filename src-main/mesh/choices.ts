/** What the user chose for the paths of one network: pins for some peers, and a transport that alone may be used. */
import type { IdentityKey, SessionKey } from "../../src-shared/ids.ts";
import type { Transport } from "../../src-shared/status.ts";
import type { Effect } from "./effect.ts";
import type { Pin } from "./pin.ts";

export interface ChoicesOptions {
  /** Whose key it is; undefined: no member's. */
  readonly identityOf: (key: SessionKey) => IdentityKey | undefined;
  readonly emit: (effect: Effect) => void;
}

/** The choices, and what the data plane was told of them. */
export class Choices {
  readonly #options: ChoicesOptions;
  #pins: ReadonlyMap<IdentityKey, Pin> = new Map();
  #only: Transport | null = null;
  /** Peers that the data plane keeps to one transport. */
  readonly #confined = new Map<SessionKey, Transport>();

  constructor(options: ChoicesOptions) {
    this.#options = options;
  }

  /** Of the paths to these, from now on. */
  setPins(pins: ReadonlyMap<IdentityKey, Pin>): void {
    this.#pins = pins;
  }

  /** The transport that alone may be used towards whoever has no pin of its own; null: any. */
  setOnly(only: Transport | null): void {
    this.#only = only;
  }

  /** Null where nothing was chosen for that peer. */
  pinOf(identity: IdentityKey | undefined): Pin | null {
    return identity === undefined ? null : (this.#pins.get(identity) ?? null);
  }

  /** The transport that alone may be used towards a peer; null: any. */
  onlyFor(key: SessionKey): Transport | null {
    return this.pinOf(this.#options.identityOf(key))?.transport ?? this.#only;
  }

  /** Has the data plane keep a peer to the transport that alone may be used. */
  confine(peer: SessionKey): void {
    const only = this.onlyFor(peer);
    if (only === (this.#confined.get(peer) ?? null)) return;
    if (only === null) this.#confined.delete(peer);
    else this.#confined.set(peer, only);
    this.#options.emit({ kind: "confine", peer, only });
  }

  /** The data plane knows this peer no longer. */
  forget(peer: SessionKey): void {
    this.#confined.delete(peer);
  }
}
