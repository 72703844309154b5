/** One peer: how it is reached, why so, and what else was tried. */
import { IconUserQuestion } from "@tabler/icons-react";
import type { CandidateStatus, PeerStatus } from "../../src-shared/status.ts";
import { Card, Fact, Facts } from "../parts/card.tsx";
import { HistoryCard } from "../parts/history-card.tsx";
import { Empty, ErrorLine } from "../parts/notices.tsx";
import { PageHead } from "../parts/page-head.tsx";
import { StateDot, stateKeys } from "../parts/path-badge.tsx";
import { VerdictCard } from "../parts/verdict-card.tsx";
import { peerKey } from "../state/peer-list.ts";
import { formatRoute } from "../state/route.ts";
import { usePanel, useStatus } from "../state/use-panel.ts";
import type { PeerDetail } from "../state/use-peer.ts";
import { usePeerDetail } from "../state/use-peer.ts";
import { useWords } from "../words/use-words.ts";
import type { PlainKey } from "../words/words.ts";

interface PeerPageProps {
  readonly network: string;
  readonly name: string;
}

export function PeerPage({ network, name }: PeerPageProps) {
  const { say } = useWords();
  const { networks, peers } = useStatus();
  const networkName = networks.find((each) => each.id === network)?.name ?? network;
  const { detail, error } = usePeerDetail(network, name);
  const peer = peers.find((each) => each.network === networkName && each.name === name) ?? detail?.peer;
  const back = { to: { page: "home" }, label: say("peers.title") } as const;
  if (peer === undefined) {
    return (
      <div className="page">
        <PageHead title={name} back={back} />
        {error === null ? null : (
          <div className="card">
            <Empty icon={<IconUserQuestion size={28} />} title={say("peer.gone")}>
              <ErrorLine error={error} />
            </Empty>
          </div>
        )}
      </div>
    );
  }
  return (
    <div className="page">
      <PageHead
        title={
          <span className="network-title">
            <StateDot state={peer.state} /> {peer.name}
            {peer.admin && <span className="tag tag-admin">{say("member.admin")}</span>}
            {peer.kind === "stock" && <span className="tag">WireGuard</span>}
            <a className="peer-network" href={formatRoute({ page: "network", network })}>
              {networkName}
            </a>
          </span>
        }
        back={back}
      />
      <VerdictCard peer={peer} networkId={network} since={detail?.since ?? null} />
      <HistoryCard peer={peer} networkId={network} />
      <TrafficCard peer={peer} />
      <ErrorLine error={error} />
      {detail !== null && <CandidatesCard candidates={detail.candidates} />}
      {detail !== null && <DecisionsCard decisions={detail.decisions} />}
    </div>
  );
}

function TrafficCard({ peer }: { readonly peer: PeerStatus }) {
  const { say, format } = useWords();
  const traffic = usePanel((state) => state.traffic.get(peerKey(peer)));
  const now = usePanel((state) => state.heardAt);
  return (
    <Card title={say("peers.traffic")}>
      <Facts>
        <Fact name={say("traffic.received")}>
          {format.bytes(peer.rxBytes)} <Rate of={traffic?.rxRate ?? 0} />
        </Fact>
        <Fact name={say("traffic.sent")}>
          {format.bytes(peer.txBytes)} <Rate of={traffic?.txRate ?? 0} />
        </Fact>
        <Fact name={say("peer.state")}>{say(stateKeys[peer.state])}</Fact>
        <Fact name={say("peer.handshake")}>
          <span title={format.dateTime(peer.lastHandshake)}>{format.relative(peer.lastHandshake, now)}</span>
        </Fact>
      </Facts>
    </Card>
  );
}

/** Nothing at standstill. */
function Rate({ of }: { readonly of: number }) {
  const { format } = useWords();
  return of < 1 ? null : <span className="quiet">{format.rate(of)}</span>;
}

function CandidatesCard({ candidates }: { readonly candidates: readonly CandidateStatus[] }) {
  const { say, format } = useWords();
  return (
    <Card title={say("candidates.title")} hint={say("candidates.hint")} flush>
      {candidates.length === 0 ? (
        <p className="quiet pad">{say("candidates.none")}</p>
      ) : (
        <div className="scroll-x">
          <table className="table">
            <thead>
              <tr>
                <th scope="col">{say("candidates.endpoint")}</th>
                <th scope="col">{say("candidates.kind")}</th>
                <th scope="col">{say("candidates.state")}</th>
                <th scope="col" className="number">
                  {say("peers.latency")}
                </th>
              </tr>
            </thead>
            <tbody>
              {candidates.map((candidate) => (
                <tr
                  key={`${candidate.kind} ${candidate.endpoint}`}
                  className={candidate.active ? "row-active" : ""}
                >
                  <td className="mono">{candidate.endpoint}</td>
                  <td>{say(kindKeys[candidate.kind])}</td>
                  <td>{say(candidate.active ? "candidate.active" : candidateStateKeys[candidate.state])}</td>
                  <td className="number">{format.latency(candidate.latencyMs)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </Card>
  );
}

function DecisionsCard({ decisions }: { readonly decisions: PeerDetail["decisions"] }) {
  const { say, format, line } = useWords();
  if (decisions.length === 0) return null;
  return (
    <Card title={say("decisions.title")}>
      <ol className="decisions">
        {decisions.map((decision) => (
          <li key={`${decision.at} ${decision.text}`}>
            <time dateTime={decision.at} title={format.dateTime(decision.at)} className="quiet">
              {format.clock(decision.at)}
            </time>
            <span>{line(decision.text)}</span>
          </li>
        ))}
      </ol>
    </Card>
  );
}

const kindKeys = {
  lan: "candidate.lan",
  reflexive: "candidate.reflexive",
  mapped: "candidate.mapped",
  declared: "candidate.declared",
  heard: "candidate.heard",
  relay: "candidate.relay",
} as const satisfies Record<CandidateStatus["kind"], PlainKey>;

const candidateStateKeys = {
  untried: "candidate.untried",
  probing: "candidate.probing",
  proved: "candidate.proved",
  lost: "candidate.lost",
} as const satisfies Record<CandidateStatus["state"], PlainKey>;
