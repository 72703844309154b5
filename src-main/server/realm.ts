/** What the router needs of the data plane: sessions with the members of hosted networks, and relay channels. */
import type { SessionKey } from "../../src-shared/ids.ts";
import type { TlsPair } from "../transport/certificate.ts";
import type { Streams } from "../transport/stream-link.ts";

/**
 * The data plane's realm of kind `router`, opened by the engine on the router's UDP port. Calls throw as the data
 * plane's do: an `Error` whose `code` is `ENOENT` (no such peer, or no session with it), `ESTOPPED`, …
 */
export interface RouterRealm extends Streams {
  /** UDP port that answers STUN besides the router's own; null when none was free. */
  readonly stunPort: number | null;
  /** Where datagrams come in; null while all that is made of them is switched off. */
  readonly udp: { readonly host: string; readonly port: number } | null;
  /**
   * Takes links of a transport from now on, at a place or, with null, where they usually are; again with another
   * certificate. Throws as the data plane does, with `code` `EADDRINUSE`, `EINVAL`, …
   */
  take(
    transport: "tcp" | "kcp" | "quic",
    place: { readonly host: string; readonly port: number } | null,
    tls: TlsPair | null,
  ): { readonly host: string; readonly port: number };
  /** Takes such links no longer; those that stand end. */
  refuse(transport: "tcp" | "kcp" | "quic"): Promise<void> | void;
  /** Takes datagrams at one more port; returns how to end that. Throws as the data plane does. */
  openPort(place: { readonly host: string; readonly port: number }): () => void;
  /** Lets a member's key open a session. Again is nothing. */
  setPeer(peer: SessionKey): void;
  /** Ends its sessions and channels. */
  removePeer(peer: SessionKey): void;
  /** Opens a pair of relay channels between two peers that have sessions; an existing pair is returned again. */
  openChannel(from: SessionKey, to: SessionKey): { readonly from: number; readonly to: number };
  /** Asks a peer inside its session; null without an answer. */
  request(peer: SessionKey, type: number, body: string): Promise<string | null>;
  /** Answers a `request` event. */
  respond(peer: SessionKey, id: number, body: string): void;
  /** Where its events go; called once, before anything else. */
  listen(listener: (event: RealmEvent) => void): void;
  close(): void;
}

/** What the router hears of its sessions. Those of other kinds may be left out. */
export type RealmEvent =
  | {
      readonly kind: "request";
      readonly peer: SessionKey;
      readonly id: number;
      readonly type: number;
      readonly body: string;
    }
  /** The session ended; its channels with it. */
  | { readonly kind: "ended"; readonly peer: SessionKey };

/** What the engine needs to open the realm. */
export interface RealmSettings {
  /** TCP port of the router. */
  readonly port: number;
  /** Where datagrams come in, `host` an address or a wildcard; null: nowhere, and not at `port` at all. */
  readonly udp: { readonly host: string; readonly port: number } | null;
  /** Whether they are answered there (WireGuard, relay frames, STUN); else nothing but links over UDP is. */
  readonly plain: boolean;
  /** X25519, base64. */
  readonly privateKey: string;
  /** Noise prologue: SHA-256("router" ‖ identity), base64. */
  readonly prologue: string;
  /** Mask key of the router, base64. */
  readonly mask: string;
}

/** Opens the realm. Rejects with `code` `EADDRINUSE` when the port is taken: the router then tries another. */
export type OpenRealm = (settings: RealmSettings) => Promise<RouterRealm>;
