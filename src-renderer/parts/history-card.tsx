/** A peer's latency: live for the last minutes, or as remembered for an hour, a day or a week, with loss and traffic. */
import { Button, SegmentedControl } from "@mantine/core";
import { IconActivity } from "@tabler/icons-react";
import { useMemo, useState } from "react";
import type { PeerStatus } from "../../src-shared/status.ts";
import { peerKey } from "../state/peer-list.ts";
import type { Column } from "../state/timeline.ts";
import { changesOf, timelineOf, totalsOf } from "../state/timeline.ts";
import type { Reach } from "../state/use-diary.ts";
import { useDiary } from "../state/use-diary.ts";
import { usePinging } from "../state/use-peer.ts";
import { useWords } from "../words/use-words.ts";
import type { PlainKey } from "../words/words.ts";
import { Card, Fact, Facts } from "./card.tsx";
import { LiveLatency } from "./live-latency.tsx";
import { ErrorLine } from "./notices.tsx";
import { TimeChart } from "./time-chart.tsx";

interface HistoryProps {
  readonly peer: PeerStatus;
  readonly networkId: string;
}

export function HistoryCard({ peer, networkId }: HistoryProps) {
  const { say } = useWords();
  const [reach, setReach] = useState<Reach | "live">("live");
  const pinging = usePinging(networkId, peer.name, peerKey(peer));
  return (
    <Card
      title={say("history.title")}
      aside={
        <div className="history-tools">
          <SegmentedControl
            size="xs"
            aria-label={say("history.reach")}
            value={reach}
            onChange={(value) => setReach(value)}
            data={reaches.map((value) => ({ value, label: say(reachKeys[value]) }))}
          />
          {reach === "live" && (
            <Button
              variant={pinging.on ? "filled" : "light"}
              size="xs"
              leftSection={<IconActivity size={16} aria-hidden="true" />}
              aria-pressed={pinging.on}
              onClick={pinging.flip}
            >
              {say(pinging.on ? "peer.ping.stop" : "peer.ping")}
            </Button>
          )}
        </div>
      }
    >
      {reach === "live" ? (
        <LiveLatency peer={peer} pinging={pinging} />
      ) : (
        <Remembered peer={peer} networkId={networkId} reach={reach} />
      )}
    </Card>
  );
}

function Remembered({ peer, networkId, reach }: HistoryProps & { readonly reach: Reach }) {
  const { say, format, line } = useWords();
  const { value: diary, since, until, error } = useDiary({ network: networkId, peer: peer.name }, reach);
  const [pointed, setPointed] = useState<number | null>(null);
  const drawn = useMemo(() => {
    if (diary === null) return null;
    const timeline = timelineOf(diary);
    const changes = changesOf(diary);
    const marks = changes.map(({ at }) => Date.parse(at) / 1000);
    const span = { times: timeline.times, since: since / 1000, until: until / 1000 };
    return {
      timeline,
      changes,
      totals: totalsOf(diary),
      latency: {
        ...span,
        marks,
        series: [
          { values: timeline.lowest, look: "edge" as const },
          { values: timeline.highest, look: "edge" as const },
          { values: timeline.median, look: "main" as const },
        ],
      },
      loss: { ...span, marks: [], series: [{ values: timeline.loss, look: "bars" as const }] },
      traffic: {
        ...span,
        marks: [],
        series: [
          { values: timeline.received, look: "main" as const },
          { values: timeline.sent, look: "second" as const },
        ],
      },
    };
  }, [diary, since, until]);
  if (drawn === null) return <ErrorLine error={error} />;
  const { timeline, totals, changes } = drawn;
  const at = pointed === null ? undefined : timeline.times[pointed];
  const here = (column: Column) => (pointed === null ? null : (column[pointed] ?? null));
  const group = `${peer.publicKey} ${reach}`;
  return (
    <>
      <ErrorLine error={error} />
      {timeline.times.length === 0 ? (
        <p className="quiet">{say("history.none")}</p>
      ) : (
        <div className="history">
          <Facts>
            <Fact name={say("latency.median")}>{format.latency(totals.median)}</Fact>
            <Fact name={say("latency.lowest")}>{format.latency(totals.lowest)}</Fact>
            <Fact name={say("latency.highest")}>{format.latency(totals.highest)}</Fact>
            <Fact name={say("peers.loss")}>{format.percent(totals.loss)}</Fact>
            <Fact name={say("traffic.received")}>{format.bytes(totals.rxBytes)}</Fact>
            <Fact name={say("traffic.sent")}>{format.bytes(totals.txBytes)}</Fact>
          </Facts>
          <p className="history-here quiet" aria-hidden="true">
            {at === undefined
              ? say("history.point")
              : say("history.here", {
                  time: format.dateTime(new Date(at * 1000).toISOString()),
                  latency: format.latency(here(timeline.median)),
                  loss: format.percent(here(timeline.loss)),
                  received: format.rate(here(timeline.received) ?? 0),
                  sent: format.rate(here(timeline.sent) ?? 0),
                })}
          </p>
          <h3 className="chart-title">{say("peers.latency")}</h3>
          <TimeChart
            data={drawn.latency}
            label={say("history.latency.label", {
              median: format.latency(totals.median),
              highest: format.latency(totals.highest),
              changes: format.number(changes.length),
            })}
            write={format.milliseconds}
            least={2}
            height={190}
            group={group}
            onPoint={setPointed}
          />
          <h3 className="chart-title">{say("peers.loss")}</h3>
          <TimeChart
            data={drawn.loss}
            label={say("history.loss.label", { loss: format.percent(totals.loss) })}
            write={(value) => format.percent(value)}
            least={2}
            height={90}
            group={group}
          />
          <h3 className="chart-title">
            {say("peers.traffic")} <span className="key key-main">{say("traffic.received")}</span>{" "}
            <span className="key key-second">{say("traffic.sent")}</span>
          </h3>
          <TimeChart
            data={drawn.traffic}
            label={say("history.traffic.label", {
              received: format.bytes(totals.rxBytes),
              sent: format.bytes(totals.txBytes),
            })}
            write={(value) => (value === 0 ? "0" : format.rate(value))}
            least={1000}
            height={120}
            group={group}
          />
        </div>
      )}
      <h3 className="chart-title">{say("history.changes")}</h3>
      {changes.length === 0 ? (
        <p className="quiet">{say("history.changes.none")}</p>
      ) : (
        <ol
          className={reach === "hour" ? "decisions" : "decisions changes"}
          aria-label={say("history.changes")}
        >
          {changes.slice(0, mostChanges).map((change) => (
            <li key={`${change.at} ${change.text}`}>
              <time dateTime={change.at} className="quiet">
                {reach === "hour" ? format.clock(change.at) : format.dateTime(change.at)}
              </time>
              <span>{line(change.text)}</span>
            </li>
          ))}
        </ol>
      )}
    </>
  );
}

const reaches = ["live", "hour", "day", "week"] as const;
const reachKeys = {
  live: "history.live",
  hour: "history.hour",
  day: "history.day",
  week: "history.week",
} as const satisfies Record<Reach | "live", PlainKey>;
const mostChanges = 50;
