/** The way to a peer as a line of stops: this machine, the relays, the peer. */
import type { PeerStatus } from "../../src-shared/status.ts";
import { useStatus } from "../state/use-panel.ts";
import { useWords } from "../words/use-words.ts";

export function PathLine({ peer }: { readonly peer: PeerStatus }) {
  const { say } = useWords();
  const { node } = useStatus();
  const kind = peer.path === null ? "none" : peer.path.kind;
  const stops = [node.name, ...(peer.path?.via ?? []), peer.name];
  return (
    <ol className={`path-line path-line-${kind}`} aria-label={say("peer.stops")}>
      {stops.map((stop, at) => (
        <li key={stop} className={at === 0 || at === stops.length - 1 ? "stop" : "stop stop-relay"}>
          <span className="stop-dot" aria-hidden="true" />
          <span className="stop-name">{stop}</span>
        </li>
      ))}
    </ol>
  );
}
