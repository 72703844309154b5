/** How a peer is reached, in two or three words, and how it stands where it is not. */
import { Tooltip } from "@mantine/core";
import type { PeerStatus } from "../../src-shared/status.ts";
import { useWords } from "../words/use-words.ts";
import type { PlainKey, Words } from "../words/words.ts";

export function PathBadge({ peer }: { readonly peer: PeerStatus }) {
  const words = useWords();
  const { path } = peer;
  const kind = path === null ? peer.state : path.kind === "relay" ? "relay" : "direct";
  const reason = reasonOf(peer, words);
  const badge = <span className={`badge badge-${kind}`}>{pathWords(peer, words)}</span>;
  return reason === null ? badge : <Tooltip label={reason}>{badge}</Tooltip>;
}

/** A coloured dot for a peer's state; the state is also said in words beside it. */
export function StateDot({ state }: { readonly state: PeerStatus["state"] }) {
  return <span className={`dot dot-${state}`} aria-hidden="true" />;
}

/** `direct · LAN`, `via nas`, or the state where there is no path. */
export function pathWords(peer: PeerStatus, { say, format }: Words): string {
  if (peer.path === null) return say(stateKeys[peer.state]);
  if (peer.path.kind === "relay") return say("path.via", { names: format.list(peer.path.via) });
  return say(peer.reasonCode === "same-lan" ? "path.direct.lan" : "path.direct");
}

/** Why this path, or why none; null where there is nothing to say. */
export function reasonOf(peer: PeerStatus, { line }: Words): string | null {
  const reason = peer.path?.reason ?? peer.reason;
  return reason === null ? null : line(reason);
}

export const stateKeys = {
  connected: "peer.connected",
  idle: "peer.idle",
  connecting: "peer.connecting",
  unreachable: "peer.unreachable",
  offline: "peer.offline",
} as const satisfies Record<PeerStatus["state"], PlainKey>;
