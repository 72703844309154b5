/** A peer's latency over the last minutes, as this page has seen it. */
import type { PeerStatus } from "../../src-shared/status.ts";
import { summarise } from "../state/history.ts";
import { peerKey } from "../state/peer-list.ts";
import { usePanel } from "../state/use-panel.ts";
import type { Pinging } from "../state/use-peer.ts";
import { useWords } from "../words/use-words.ts";
import { Fact, Facts } from "./card.tsx";
import { LatencyChart } from "./latency-chart.tsx";
import { ErrorLine } from "./notices.tsx";

export function LiveLatency({ peer, pinging }: { readonly peer: PeerStatus; readonly pinging: Pinging }) {
  const { say, format } = useWords();
  const latency = usePanel((state) => state.latency);
  // The log grows in place: each look at the status, or ping, draws it again.
  usePanel((state) => state.heardAt);
  const points = latency.of(peerKey(peer)).points();
  const summary = summarise(points);
  const now = format.latency(pinging.on ? (pinging.last?.latencyMs ?? null) : (peer.path?.latencyMs ?? null));
  return (
    <>
      <ErrorLine error={pinging.error} />
      {pinging.on && (
        <p className="quiet" role="status">
          {pinging.last === null
            ? say("peer.ping.waiting")
            : pinging.last.latencyMs === null
              ? say("peer.ping.missed", { sequence: pinging.last.sequence })
              : say("peer.ping.answer", {
                  sequence: pinging.last.sequence,
                  latency: format.latency(pinging.last.latencyMs),
                })}
        </p>
      )}
      {summary === null ? (
        <p className="quiet">{say("peer.latency.none")}</p>
      ) : (
        <>
          <Facts>
            <Fact name={say("latency.now")}>{now}</Fact>
            <Fact name={say("latency.lowest")}>{format.latency(summary.lowest)}</Fact>
            <Fact name={say("latency.median")}>{format.latency(summary.median)}</Fact>
            <Fact name={say("latency.highest")}>{format.latency(summary.highest)}</Fact>
            <Fact name={say("peers.loss")}>{format.percent(peer.path?.lossPercent ?? null)}</Fact>
          </Facts>
          <LatencyChart
            points={points}
            label={say("peer.latency.label", {
              median: format.latency(summary.median),
              highest: format.latency(summary.highest),
            })}
          />
        </>
      )}
    </>
  );
}
