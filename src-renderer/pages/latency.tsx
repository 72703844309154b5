/** How fast peers answer, side by side: live or as remembered, with losses, changes of path and their cause. */
import { SegmentedControl } from "@mantine/core";
import { IconActivityHeartbeat } from "@tabler/icons-react";
import { useMemo, useState } from "react";
import type { Diary } from "../../src-shared/diary.ts";
import type { PeerStatus } from "../../src-shared/status.ts";
import { Card } from "../parts/card.tsx";
import { Empty, ErrorLine } from "../parts/notices.tsx";
import { PageHead } from "../parts/page-head.tsx";
import { PathBadge, reasonOf } from "../parts/path-badge.tsx";
import { PeerPicker } from "../parts/peer-picker.tsx";
import type { PeerLook } from "../parts/time-chart.tsx";
import { peerLooks, TimeChart } from "../parts/time-chart.tsx";
import { summarise } from "../state/history.ts";
import { peerKey, sortPeers } from "../state/peer-list.ts";
import { formatRoute } from "../state/route.ts";
import { alignLines, changesOf, timelineOf, totalsOf } from "../state/timeline.ts";
import type { Reach } from "../state/use-diary.ts";
import { diaryName, useDiaries } from "../state/use-diary.ts";
import { usePanel, useStatus } from "../state/use-panel.ts";
import { useWords } from "../words/use-words.ts";
import type { PlainKey } from "../words/words.ts";

export function LatencyPage() {
  const { say } = useWords();
  const { peers } = useStatus();
  const [reach, setReach] = useState<Reach | "live">("live");
  const [chosen, setChosen] = useState<readonly string[] | null>(null);
  const traffic = usePanel((state) => state.traffic);
  // What was first proposed stays, though others may become busier.
  const [proposed, setProposed] = useState<readonly string[]>([]);
  const reached = peers.filter(({ path }) => path !== null);
  if (proposed.length === 0 && reached.length > 0)
    setProposed(
      sortPeers(reached, "traffic", traffic)
        .slice(0, usualCount)
        .map((peer) => peerKey(peer)),
    );
  const keys = chosen ?? proposed;
  const shown = keys.flatMap((key) => peers.find((peer) => peerKey(peer) === key) ?? []);
  return (
    <div className="page">
      <PageHead
        title={say("nav.latency")}
        aside={
          <SegmentedControl
            aria-label={say("history.reach")}
            value={reach}
            onChange={(value) => setReach(value)}
            data={reaches.map((value) => ({ value, label: say(reachKeys[value]) }))}
          />
        }
      />
      {peers.length === 0 ? (
        <Card>
          <Empty icon={<IconActivityHeartbeat size={28} />} title={say("latency.noPeers")}>
            <p className="hint">{say("latency.noPeers.hint")}</p>
          </Empty>
        </Card>
      ) : (
        <>
          <Card>
            <PeerPicker peers={peers} chosen={keys} most={peerLooks.length} onChange={setChosen} />
          </Card>
          {shown.length > 0 && <Compared peers={shown} reach={reach} />}
        </>
      )}
    </div>
  );
}

/** One peer with its line. */
interface Lane {
  readonly peer: PeerStatus;
  readonly networkId: string;
  readonly look: PeerLook;
  /** Of the time that is shown; null until it was read. */
  readonly diary: Diary | null;
}

function Compared({
  peers,
  reach,
}: {
  readonly peers: readonly PeerStatus[];
  readonly reach: Reach | "live";
}) {
  const { say, format } = useWords();
  const { networks } = useStatus();
  const idOf = (name: string) => networks.find((network) => network.name === name)?.id ?? name;
  const of = peers.map(({ network, name }) => ({ network: idOf(network), peer: name }));
  const { value, since, until, error } = useDiaries(of, reach === "live" ? "hour" : reach);
  const lanes: readonly Lane[] = peers.map((peer, at) => ({
    peer,
    networkId: idOf(peer.network),
    look: peerLooks[at % peerLooks.length] ?? peerLooks[0],
    diary: value?.get(diaryName({ network: idOf(peer.network), peer: peer.name })) ?? null,
  }));
  const names = format.list(peers.map(({ name }) => name));
  return (
    <>
      <ErrorLine error={error} />
      <Card title={say("peers.latency")} hint={reach === "live" ? say("latency.live.hint") : undefined}>
        {reach === "live" ? (
          <LiveChart lanes={lanes} label={say("latency.chart", { names })} />
        ) : value === null ? null : (
          <>
            <RememberedChart
              lanes={lanes}
              since={since}
              until={until}
              label={say("latency.chart", { names })}
            />
            <h3 className="chart-title">{say("peers.loss")}</h3>
            <RememberedChart
              lanes={lanes}
              since={since}
              until={until}
              label={say("latency.lossChart", { names })}
              isLoss
            />
          </>
        )}
        <LaneTable lanes={lanes} isLive={reach === "live"} />
      </Card>
      <Changes lanes={lanes} isDated={reach === "day" || reach === "week"} />
    </>
  );
}

function LiveChart({ lanes, label }: { readonly lanes: readonly Lane[]; readonly label: string }) {
  const { format } = useWords();
  const latency = usePanel((state) => state.latency);
  // The log grows in place: each look at the status draws it again.
  const now = usePanel((state) => state.heardAt) / 1000;
  const { times, columns } = alignLines(
    lanes.map(({ peer }) => {
      const points = latency.of(peerKey(peer)).latest(liveSeconds);
      return {
        times: points.map(({ at }) => Math.round(at / 1000)),
        values: points.map(({ milliseconds }) => milliseconds),
      };
    }),
  );
  const series = lanes.map(({ look }, at) => ({ look, values: columns[at] ?? [] }));
  const since = Math.max(now - liveSeconds, Math.min(now - shortestSeconds, times[0] ?? now));
  const data = { times, series, marks: [], since, until: now };
  return (
    <TimeChart data={data} label={label} write={format.milliseconds} least={2} height={240} group="live" />
  );
}

interface RememberedChartProps {
  readonly lanes: readonly Lane[];
  readonly since: number;
  readonly until: number;
  readonly label: string;
  readonly isLoss?: boolean;
}

function RememberedChart({ lanes, since, until, label, isLoss = false }: RememberedChartProps) {
  const { format } = useWords();
  const data = useMemo(() => {
    const { times, columns } = alignLines(
      lanes.map(({ diary }) => {
        const timeline = diary === null ? null : timelineOf(diary);
        return {
          times: timeline?.times ?? [],
          values: (isLoss ? timeline?.loss : timeline?.median) ?? [],
        };
      }),
    );
    const series = lanes.map(({ look }, at) => ({ look, values: columns[at] ?? [] }));
    const changes = lanes.flatMap(({ diary }) => (diary === null ? [] : changesOf(diary)));
    const marks = isLoss ? [] : changes.map(({ at }) => Date.parse(at) / 1000);
    return { times, series, marks, since: since / 1000, until: until / 1000 };
  }, [lanes, since, until, isLoss]);
  const write = isLoss ? (value: number) => format.percent(value) : format.milliseconds;
  return (
    <TimeChart
      data={data}
      label={label}
      write={write}
      least={2}
      height={isLoss ? 110 : 240}
      group="remembered"
    />
  );
}

function LaneTable({ lanes, isLive }: { readonly lanes: readonly Lane[]; readonly isLive: boolean }) {
  const { say } = useWords();
  return (
    <div className="scroll-x">
      <table className="table lanes">
        <thead>
          <tr>
            {laneColumns.map((key) => (
              <th scope="col" key={key}>
                {say(key)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {lanes.map((lane) => (
            <LaneRow key={peerKey(lane.peer)} lane={lane} isLive={isLive} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function LaneRow({
  lane: { peer, networkId, look, diary },
  isLive,
}: {
  readonly lane: Lane;
  readonly isLive: boolean;
}) {
  const words = useWords();
  const { format, judge } = words;
  const latency = usePanel((state) => state.latency);
  const live = summarise(latency.of(peerKey(peer)).latest(liveSeconds));
  const told = diary === null ? null : totalsOf(diary);
  const sums = isLive ? live : told;
  const loss = isLive ? (peer.path?.lossPercent ?? null) : (told?.loss ?? null);
  const cause = peer.verdict === null ? reasonOf(peer, words) : judge("verdicts", peer.verdict);
  return (
    <tr>
      <th scope="row" className="lane-name">
        <span className={`lane-key lane-${look}`} aria-hidden="true" />
        <a href={formatRoute({ page: "peer", network: networkId, peer: peer.name })}>{peer.name}</a>
      </th>
      <td>
        <PathBadge peer={peer} />
      </td>
      <td className="number">{format.latency(peer.path?.latencyMs ?? null)}</td>
      <td className="number">{format.latency(sums?.median ?? null)}</td>
      <td className="number">{format.latency(sums?.lowest ?? null)}</td>
      <td className="number">{format.latency(sums?.highest ?? null)}</td>
      <td className="number">{format.percent(loss)}</td>
      <td className="lane-cause quiet">{cause}</td>
    </tr>
  );
}

function Changes({ lanes, isDated }: { readonly lanes: readonly Lane[]; readonly isDated: boolean }) {
  const { say, format, line } = useWords();
  const changes = lanes
    .flatMap(({ diary, peer }) =>
      diary === null ? [] : changesOf(diary).map((change) => ({ ...change, name: peer.name })),
    )
    .sort((one, other) => Date.parse(other.at) - Date.parse(one.at))
    .slice(0, mostChanges);
  return (
    <Card title={say("history.changes")}>
      {changes.length === 0 ? (
        <p className="quiet">{say("history.changes.none")}</p>
      ) : (
        <ol className={isDated ? "decisions changes" : "decisions"} aria-label={say("history.changes")}>
          {changes.map((change) => (
            <li key={`${change.at} ${change.name} ${change.text}`}>
              <time dateTime={change.at} className="quiet">
                {isDated ? format.dateTime(change.at) : format.clock(change.at)}
              </time>
              <span>
                <strong>{change.name}</strong> {line(change.text)}
              </span>
            </li>
          ))}
        </ol>
      )}
    </Card>
  );
}

const laneColumns = [
  "peers.name",
  "peers.path",
  "latency.now",
  "latency.median",
  "latency.lowest",
  "latency.highest",
  "peers.loss",
  "latency.cause",
] as const satisfies readonly PlainKey[];
const reaches = ["live", "hour", "day", "week"] as const;
const reachKeys = {
  live: "history.live",
  hour: "history.hour",
  day: "history.day",
  week: "history.week",
} as const satisfies Record<Reach | "live", PlainKey>;
const usualCount = 4;
const liveSeconds = 180;
/** That much is shown even when less was measured. */
const shortestSeconds = 60;
const mostChanges = 50;
