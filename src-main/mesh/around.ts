/** What surrounds one peer in its network. */
import type { Prefix } from "../../src-shared/address.ts";
import type { IdentityKey, Millis, SessionKey } from "../../src-shared/ids.ts";
import type { Transport } from "../../src-shared/status.ts";
import type { Presence } from "../../src-shared/wire.ts";
import type { Effect, Endpoint, OwnCandidate } from "./effect.ts";
import type { LinkOffer } from "./peer-links.ts";
import type { Pin } from "./pin.ts";
import type { Keeping } from "./relays.ts";

/** What a peer's decisions depend on besides its own events. */
export interface Around {
  readonly now: Millis;
  readonly name: string;
  /** Relays that can be used now: their session key, name and endpoint. */
  readonly relays: ReadonlyMap<SessionKey, { readonly name: string; readonly endpoint: Endpoint }>;
  /** Those of them to ask for a channel to the peer. */
  readonly asked: () => readonly SessionKey[];
  /** Whether a router is among them. */
  readonly isRouted: boolean;
  /** How the session is kept though no packet flows; null: it is not. */
  readonly keeping: Keeping | null;
  readonly nameOf: (relay: IdentityKey) => string;
  /** Whether the control socket to the router stands. */
  readonly online: boolean;
  /** What the router says of the peer; null when it says nothing. */
  readonly presence: Presence | null;
  /** What the peer says of itself, as far as it can be tried. */
  readonly addresses: readonly OwnCandidate[];
  /** Links by which it can be reached, by its own word. */
  readonly offer: LinkOffer;
  /** What is reached through the network itself: no way to a peer may lead there. */
  readonly inside: readonly Prefix[];
  /** The transport that alone may be used for what this end sends; null: any. */
  readonly only: Transport | null;
  /** By what links stood from here last. */
  readonly worked: Transport | null;
  /** What the user chose for the path to it. */
  readonly pin: Pin | null;
  /** What a relay wants added to its round trip, by its own word. */
  readonly relayCost: (relay: SessionKey) => Millis;
  /** How many peers packets flow to or from just now. */
  readonly flowing: number;
  /** A path in use of some peer was lost just now: others may be dead of the same cause. */
  readonly isAlarmed: boolean;
  /** Says so. */
  readonly alarm: () => void;
  readonly random: () => number;
  readonly emit: (effect: Effect) => void;
}
