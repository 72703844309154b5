/** Relays that the path to a peer could be pinned to. */
import type { PeerStatus, Status } from "../../src-shared/status.ts";

/** Names of relays that some path of the peer's network goes through, or could: the router, and what was chosen. */
export function relaysOf(
  peer: PeerStatus,
  { peers, networks }: Pick<Status, "peers" | "networks">,
): readonly string[] {
  const inNetwork = peers.filter(({ network }) => network === peer.network);
  const router = networks.find(({ name }) => name === peer.network)?.rendezvous[0];
  const seen = inNetwork.flatMap(({ path }) => [...(path?.via ?? []), ...(path?.standby?.via ?? [])]);
  const all = new Set([...seen, ...(router === undefined ? [] : [router]), peer.pin?.via ?? ""]);
  return [...all].filter((name) => name !== "" && name !== peer.name).sort();
}
