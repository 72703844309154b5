/** One peer in the table; the whole row leads to its page. */
import { memo } from "react";
import type { PeerStatus } from "../../src-shared/status.ts";
import { peerKey } from "../state/peer-list.ts";
import { formatRoute } from "../state/route.ts";
import { usePanel, useStatus } from "../state/use-panel.ts";
import { nothing } from "../words/format.ts";
import { useWords } from "../words/use-words.ts";
import { CopyText } from "./copy-text.tsx";
import { PathBadge, StateDot, stateKeys } from "./path-badge.tsx";
import { SparkLine } from "./spark-line.tsx";

interface PeerRowProps {
  readonly peer: PeerStatus;
  /** Peers of several networks are listed together. */
  readonly several: boolean;
  /** Its place in the whole table, counted from the head. */
  readonly index: number;
}

/** Drawn anew when the peer is, not with every step that the list scrolls. */
export const PeerRow = memo(function PeerRow({ peer, several, index }: PeerRowProps) {
  const { say, format } = useWords();
  const networkId = useNetworkId(peer.network);
  const { path } = peer;
  return (
    <tr aria-rowindex={index} className={`peer-line peer-${peer.state}`}>
      <td className="cell-name">
        <StateDot state={peer.state} />
        <a href={formatRoute({ page: "peer", network: networkId, peer: peer.name })} className="row-link">
          {peer.name}
        </a>
        <span className="visually-hidden">{say(stateKeys[peer.state])}</span>
        {peer.admin && <span className="tag">{say("member.admin")}</span>}
        {peer.kind === "stock" && <span className="tag">WireGuard</span>}
        {several && <span className="quiet peer-network">{peer.network}</span>}
      </td>
      <td className="cell-address">
        <CopyText text={peer.address} what={say("address.of", { name: peer.name })} />
      </td>
      <td className="cell-path">
        <PathBadge peer={peer} />
        {path !== null && <span className="quiet cell-transport">{path.transport.toUpperCase()}</span>}
      </td>
      <td className="cell-latency">
        {path === null ? <span className="spark" /> : <LatencyLine peer={peer} />}
        <span className="number">{format.latency(path?.latencyMs ?? null)}</span>
      </td>
      <td className="cell-loss number">{format.percent(path?.lossPercent ?? null)}</td>
      <td className="cell-traffic number">
        <Rates peer={peer} />
      </td>
    </tr>
  );
});

function LatencyLine({ peer }: { readonly peer: PeerStatus }) {
  const latency = usePanel((state) => state.latency);
  return <SparkLine points={latency.of(peerKey(peer)).latest(61)} />;
}

function Rates({ peer }: { readonly peer: PeerStatus }) {
  const { say, format } = useWords();
  const traffic = usePanel((state) => state.traffic.get(peerKey(peer)));
  const { rxRate = 0, txRate = 0 } = traffic ?? {};
  if (rxRate === 0 && txRate === 0) return <span className="quiet">{nothing}</span>;
  return (
    <>
      <span>
        <span className="visually-hidden">{say("traffic.received")}</span>
        <span aria-hidden="true">↓ </span>
        {format.rate(rxRate)}
      </span>
      <span>
        <span className="visually-hidden">{say("traffic.sent")}</span>
        <span aria-hidden="true">↑ </span>
        {format.rate(txRate)}
      </span>
    </>
  );
}

/** Peers name their network; addresses of pages have its id. */
function useNetworkId(name: string): string {
  const { networks } = useStatus();
  return networks.find((network) => network.name === name)?.id ?? name;
}
