/** Inputs about one peer, each to its place in that peer. */
import type { Around } from "./around.ts";
import type { Input } from "./effect.ts";
import type { Peer } from "./peer.ts";

/** An input that names a peer. */
export type PeerInput = Exclude<
  Input,
  {
    readonly kind:
      | "entries"
      | "rendezvous"
      | "presence"
      | "relay"
      | "candidates"
      | "measured"
      | "traffic"
      | "relaying"
      | "early"
      | "inbound"
      | "routes"
      | "neighbour"
      | "woke"
      | "pins"
      | "link"
      | "transport"
      | "punchAsked"
      | "punchAnswered"
      | "tick";
  }
>;

/** Tells the peer what happened; it draws its conclusions when it settles. */
export function hearPeer(peer: Peer, input: PeerInput, around: Around): void {
  switch (input.kind) {
    case "wanted":
      peer.handleWanted(around);
      break;
    case "carried":
      peer.handleCarried(around);
      break;
    case "session":
      peer.handleSession(input.endpoint, input.rekey, around);
      break;
    case "ended":
      peer.handleEnded(input.reason, around);
      break;
    case "heard":
      peer.handleHeard(input.endpoint, around);
      break;
    case "moved":
      peer.handleMoved(around);
      break;
    case "proved":
      peer.handleProved(input.endpoint, input.rttMillis, around);
      break;
    case "lost":
      peer.handleLost(input.endpoint, around);
      break;
    case "relayOpened":
      peer.handleRelayOpened(input.relay, input.opened, around);
      break;
    case "relayOffered":
      peer.handleRelayOffered(input, around);
      break;
  }
}
