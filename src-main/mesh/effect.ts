/** What a network's machine hears and what it answers: the border between deciding and performing. */

import type { IdentityKey, Millis, SessionKey } from "../../src-shared/ids.ts";
import type { RouteAcceptance } from "../../src-shared/route-status.ts";
import type { Transport } from "../../src-shared/status.ts";
import type { AdvertisedRoute, Entry, NatFacts, NodeRecord } from "../../src-shared/trust.ts";
import type { Presence, PunchFacts } from "../../src-shared/wire.ts";
import type { LocalPrefix } from "./addresses.ts";
import type { Pin } from "./pin.ts";
import type { Filter } from "./policy.ts";
import type { Punch } from "./punching.ts";

/** `1.2.3.4:7743`, or `1.2.3.4:7743#305419896` through a relay's channel; over a link with its transport before it, `tcp/1.2.3.4:7743`. */
export type Endpoint = string;

/** Own way to be reached. */
export type OwnCandidate = NodeRecord["candidates"][number];

/** Something that happened. */
export type Input =
  /** Entries whose signatures are right, from anywhere; whether they count is decided here. */
  | { readonly kind: "entries"; readonly entries: readonly Entry[] }
  /** The control socket to the router stands or fell. */
  | { readonly kind: "rendezvous"; readonly online: boolean }
  | { readonly kind: "presence"; readonly complete: boolean; readonly members: readonly Presence[] }
  /** The session with the router: where it stands, or null. Its key is `SessionKey`. */
  | {
      readonly kind: "relay";
      readonly relay: SessionKey;
      readonly name: string;
      readonly endpoint: Endpoint | null;
    }
  /** Own candidates, complete: host addresses, reflexive, mapped, declared; and the NAT before them, where known. */
  | {
      readonly kind: "candidates";
      readonly candidates: readonly OwnCandidate[];
      readonly nat?: NatFacts | undefined;
      /** Whether the gateway may be asked to open a port (the default). */
      readonly opensPorts?: boolean;
      /** What is taken at the same places besides plain UDP; absent: nothing. */
      readonly takes?: readonly Transport[];
    }
  /** A link that this node opened stands from now on, or does not any more. */
  | { readonly kind: "link"; readonly endpoint: Endpoint; readonly up: boolean }
  /** The user wants this transport and no other (`only`; null: any); by what links stood from here last (`worked`). */
  | { readonly kind: "transport"; readonly only: Transport | null; readonly worked: Transport | null }
  | { readonly kind: "wanted"; readonly peer: SessionKey }
  | {
      readonly kind: "session";
      readonly peer: SessionKey;
      readonly endpoint: Endpoint;
      readonly initiator: boolean;
      readonly rekey: boolean;
    }
  | { readonly kind: "ended"; readonly peer: SessionKey; readonly reason: "no-answer" | "expired" }
  | { readonly kind: "heard"; readonly peer: SessionKey; readonly endpoint: Endpoint }
  /** A beacon on one of this machine's links: the member answers there. */
  | { readonly kind: "neighbour"; readonly peer: SessionKey; readonly endpoint: Endpoint }
  /** The peer says that it moved to another network: where it was, nobody answers any more. */
  | { readonly kind: "moved"; readonly peer: SessionKey }
  | {
      readonly kind: "proved";
      readonly peer: SessionKey;
      readonly endpoint: Endpoint;
      readonly rttMillis: number;
    }
  | { readonly kind: "lost"; readonly peer: SessionKey; readonly endpoint: Endpoint }
  | { readonly kind: "measured"; readonly paths: readonly Measure[] }
  /** Answer to `openRelay`: the endpoint with its channel, or why not. */
  | {
      readonly kind: "relayOpened";
      readonly peer: SessionKey;
      readonly relay: SessionKey;
      readonly opened:
        | { readonly endpoint: Endpoint; readonly onward?: readonly IdentityKey[] }
        | { readonly refused: string };
    }
  /** The other end opened a channel to us. Its certificate came as `entries` before. */
  | {
      readonly kind: "relayOffered";
      readonly peer: SessionKey;
      readonly relay: SessionKey;
      readonly endpoint: Endpoint;
      /** The relays behind that one, in order. */
      readonly onward?: readonly IdentityKey[];
    }
  /** This node relays for other members at this cost from now on, or does not (null), as far as its rights go. */
  | { readonly kind: "relaying"; readonly cost: number | null }
  /** Whether the ways to peers that were used lately are kept open though no packet flows. */
  | { readonly kind: "early"; readonly on: boolean }
  /** Whether others may reach this node as far as the policy allows; else only answers come in. */
  | { readonly kind: "inbound"; readonly accepts: boolean }
  /** The peer asks to punch now, or answers that it does: what both ends know of themselves. */
  | {
      readonly kind: "punchAsked" | "punchAnswered";
      readonly peer: SessionKey;
      readonly attempt: number;
      readonly own: PunchFacts;
      readonly other: PunchFacts;
    }
  /** A message 1 of the peer came over the rendezvous: its UDP to the router fails, so we call it as well. */
  | { readonly kind: "carried"; readonly peer: SessionKey }
  /** Peers that IP packets went to or came from since the last of these; about once a second, none when there are none. */
  | {
      readonly kind: "traffic";
      readonly peers: readonly SessionKey[];
      /** Those of them that much went to or came from: probes weigh nothing beside it. Absent: as before. */
      readonly heavy?: readonly SessionKey[];
    }
  /** Which routes are taken here, who is the way out (null: nobody), what this node routes itself and would route. */
  | {
      readonly kind: "routes";
      readonly acceptance: RouteAcceptance;
      readonly exit: IdentityKey | null;
      readonly own: readonly AdvertisedRoute[];
      readonly requests: readonly string[];
      /** What this machine is connected to besides with addresses of the network's own. Absent: nothing. */
      readonly clashes?: readonly LocalPrefix[];
    }
  /** What the user chose for the paths to peers, complete. */
  | { readonly kind: "pins"; readonly pins: ReadonlyMap<IdentityKey, Pin> }
  /** The machine slept (`slept`, the default) for so long, or moved: nothing measured before counts. */
  | { readonly kind: "woke"; readonly slept?: boolean; readonly awayMillis?: Millis }
  | { readonly kind: "tick" };

/** One path's measurement, as the data plane sums it up once a second. */
export interface Measure {
  readonly peer: SessionKey;
  readonly endpoint: Endpoint;
  readonly rttMillis: number | null;
  readonly minRttMillis: number | null;
  readonly loss: number;
  readonly jitterMillis: number | null;
  /** Share of datagrams lost on the way there and on the way here, 0–1; null until known. */
  readonly lossOut: number | null;
  readonly lossIn: number | null;
  /** Bytes a second of ours that arrived there since the last summary; null unless more went than came. */
  readonly deliveredPerSecond: number | null;
  /** Largest inner IP packet that passes whole; null while it is searched. */
  readonly mtu: number | null;
  readonly lastEchoMillis: number | null;
}

/** Something the engine has to do. */
export type Effect =
  | {
      readonly kind: "setPeer";
      readonly peer: SessionKey;
      readonly peerKind: "node" | "stock";
      readonly allowed: readonly string[];
      /** Prefixes that packets from it may come from besides, though another peer carries them. */
      readonly sources?: readonly string[];
      /** Packets from it for other peers, and theirs for it, are passed on here. */
      readonly forward?: boolean;
    }
  | { readonly kind: "removePeer"; readonly peer: SessionKey }
  /** What comes from peers is let in by these rules; null: all is. */
  | { readonly kind: "setFilter"; readonly filter: Filter | null }
  /** Nothing leaves for the peer but by this transport (null: any), and nothing is taken from it by another. */
  | { readonly kind: "confine"; readonly peer: SessionKey; readonly only: Transport | null }
  | {
      readonly kind: "setPaths";
      readonly peer: SessionKey;
      readonly paths: readonly { readonly endpoint: Endpoint; readonly probeMillis: number }[];
      /** Share the peer's flows; usually one. */
      readonly active: readonly Endpoint[];
      /** Taken in this order by the data plane itself when all active ones are lost. */
      readonly standby: readonly Endpoint[];
    }
  /** Message 1 to these at once; more may be added later by the same effect. */
  | {
      readonly kind: "handshake";
      readonly peer: SessionKey;
      readonly endpoints: readonly Endpoint[];
      readonly force: boolean;
    }
  /** Ask this relay for a channel; carries a message 1. Answered by `relayOpened`. */
  | {
      readonly kind: "openRelay";
      readonly peer: SessionKey;
      readonly relay: SessionKey;
      /** Relays behind that one through which it did not work. */
      readonly avoid: readonly IdentityKey[];
    }
  /** Ask peers where this one is, and to tell it that it is called. */
  | { readonly kind: "seek"; readonly peer: SessionKey }
  /** Message 1 sealed over the control socket, where UDP to the router fails. */
  | { readonly kind: "carry"; readonly peer: SessionKey }
  /** Ask the peer, inside the session, to punch at the same time. Answered by `punchAnswered`. */
  | {
      readonly kind: "askPunch";
      readonly peer: SessionKey;
      readonly attempt: number;
      /** UDP is closed at one end: TCP is tried. */
      readonly tcp: boolean;
    }
  /** Keep links to these open, or open them, for the peer's sake, and to no others; what becomes of them is told by `link`. */
  | { readonly kind: "links"; readonly peer: SessionKey; readonly wanted: readonly Endpoint[] }
  /** Paths in use were lost just now: the way to the router may be dead of the same cause. */
  | { readonly kind: "doubt" }
  /** Open a TCP link while the peer does the same; one that stands is told by `heard`. */
  | {
      readonly kind: "connect";
      readonly peer: SessionKey;
      readonly endpoint: Endpoint;
      readonly seconds: number;
    }
  /** Small probes through the NATs; what comes through is told by `heard`. Ends one that runs for the peer. */
  | ({ readonly kind: "punch"; readonly peer: SessionKey } & Punch)
  | { readonly kind: "dropSessions"; readonly peer: SessionKey | null }
  /** Sign and publish what this node says of itself. */
  | {
      readonly kind: "publishNode";
      readonly candidates: readonly OwnCandidate[];
      readonly relays: readonly string[];
      readonly nat?: NatFacts | undefined;
      /** What relaying for other members costs here; absent: it does not. */
      readonly relay?: { readonly cost: number } | undefined;
      /** What is taken at the candidates' places besides plain UDP; absent: nothing. */
      readonly takes?: readonly Transport[];
      /** What this node routes, and would route if it were granted; absent: nothing. */
      readonly routes?: readonly AdvertisedRoute[];
      readonly requests?: readonly string[];
    }
  /** These prefixes are routed into the network by the system, and no others. */
  | { readonly kind: "setRoutes"; readonly prefixes: readonly string[] }
  /** Packets for these peers are answered as undeliverable at once, for all others not. */
  | { readonly kind: "setUnreachable"; readonly peers: readonly SessionKey[] }
  /** Own address was lost to another certificate: take a new one. */
  | { readonly kind: "addressLost"; readonly address: string; readonly to: IdentityKey }
  /** Own certificate was revoked or replaced. */
  | { readonly kind: "selfRevoked" }
  /** The entries to keep on disk changed. */
  | { readonly kind: "store" }
  /** What users see changed. */
  | { readonly kind: "changed" };

/** A decision about a peer's path, for the user. */
export interface Decision {
  readonly at: Millis;
  readonly text: string;
}
