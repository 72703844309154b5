/** Why the path to a peer is what it is, what that rests on, and what would help: at a click where Starmesh can do it. */
import { Button, Select } from "@mantine/core";
import { notifications } from "@mantine/notifications";
import { IconBulb } from "@tabler/icons-react";
import type { Client } from "../../src-shared/api/client.ts";
import type { PeerStatus, PinStatus } from "../../src-shared/status.ts";
import { transportNames, transports } from "../../src-shared/status.ts";
import type { RemedyCode, RemedyStatus } from "../../src-shared/verdict.ts";
import { relaysOf } from "../state/relays.ts";
import { usePanel, useStatus, useTask } from "../state/use-panel.ts";
import { nothing } from "../words/format.ts";
import { useWords } from "../words/use-words.ts";
import type { PlainKey } from "../words/words.ts";
import { Card, Fact, Facts } from "./card.tsx";
import { CopyText } from "./copy-text.tsx";
import { ErrorLine } from "./notices.tsx";
import { PathBadge, reasonOf } from "./path-badge.tsx";
import { PathLine } from "./path-line.tsx";

interface VerdictProps {
  readonly peer: PeerStatus;
  readonly networkId: string;
}

/** `since`: when it came to be reached as it is, ISO 8601; null: not known. */
export function VerdictCard({ peer, networkId, since }: VerdictProps & { readonly since: string | null }) {
  const words = useWords();
  const { say, judge } = words;
  const { verdict } = peer;
  const reason = verdict === null ? reasonOf(peer, words) : judge("verdicts", verdict);
  return (
    <Card title={say("peer.path")} aside={<Standing peer={peer} since={since} />}>
      <PathLine peer={peer} />
      {reason !== null && <p className="verdict">{reason}</p>}
      {verdict !== null && verdict.evidence.length > 0 && (
        <ul className="evidence" aria-label={say("verdict.evidence")}>
          {verdict.evidence.map((each) => (
            <li key={`${each.code} ${each.text}`}>{judge("evidence", each)}</li>
          ))}
        </ul>
      )}
      {verdict?.remedy != null && <Remedy remedy={verdict.remedy} peer={peer} networkId={networkId} />}
      <PathFacts peer={peer} />
      {peer.kind === "node" && <PathChoice peer={peer} networkId={networkId} />}
    </Card>
  );
}

function Standing({ peer, since }: { readonly peer: PeerStatus; readonly since: string | null }) {
  const { say, format } = useWords();
  const now = usePanel(({ heardAt }) => heardAt);
  return (
    <span className="peer-standing">
      <PathBadge peer={peer} />
      {since !== null && (
        <time className="quiet" dateTime={since} title={format.dateTime(since)}>
          {say("peer.since", { span: format.span(now - Date.parse(since)) })}
        </time>
      )}
    </span>
  );
}

function Remedy({ remedy, peer, networkId }: VerdictProps & { readonly remedy: RemedyStatus }) {
  const { say, judge, format } = useWords();
  const deed = deeds[remedy.code];
  const task = useTask(async (client, _input: null) => {
    await deed?.run(client, { network: networkId, peer: peer.name });
    notifications.show({ message: say("remedy.done") });
    return true;
  });
  return (
    <div className="remedy">
      <IconBulb size={20} aria-hidden="true" />
      <div className="remedy-words">
        <p>
          <strong>{say("remedy.title")}</strong> {judge("remedies", remedy)}
        </p>
        <p className="quiet">
          {[
            remedy.target !== null && remedy.target !== "here"
              ? say("remedy.at", { name: remedy.target })
              : null,
            remedy.gainMs === null ? null : say("remedy.gain", { gain: format.latency(remedy.gainMs) }),
          ]
            .filter((each) => each !== null)
            .join(" · ")}
        </p>
        <ErrorLine error={task.error} />
      </div>
      {deed !== undefined && (
        <Button size="xs" loading={task.busy} onClick={() => void task.run(null)}>
          {say(deed.label)}
        </Button>
      )}
    </div>
  );
}

function PathFacts({ peer }: { readonly peer: PeerStatus }) {
  const { say, format } = useWords();
  const { path } = peer;
  const standby = path?.standby ?? null;
  return (
    <Facts>
      <Fact name={say("address")}>
        <CopyText text={peer.address} what={say("address")} />
      </Fact>
      <Fact name={say("peer.transport")}>{path === null ? nothing : path.transport.toUpperCase()}</Fact>
      <Fact name={say("peer.remote")}>
        <span className="mono">{path?.remote ?? nothing}</span>
      </Fact>
      <Fact name={say("peers.latency")}>{format.latency(path?.latencyMs ?? null)}</Fact>
      <Fact name={say("peer.jitter")}>{format.latency(path?.jitterMs ?? null)}</Fact>
      <Fact name={say("peer.lossOut")}>{format.percent(path?.lossOutPercent ?? null)}</Fact>
      <Fact name={say("peer.lossIn")}>{format.percent(path?.lossInPercent ?? null)}</Fact>
      <Fact name={say("peer.mtu")}>{path?.mtu ?? nothing}</Fact>
      <Fact name={say("peer.standby")}>
        {standby === null
          ? nothing
          : `${standby.kind === "direct" ? say("path.direct") : say("path.via", { names: format.list(standby.via) })} · ${format.latency(standby.latencyMs)}`}
      </Fact>
      {path !== null && path.shared > 1 && (
        <Fact name={say("peer.shared")}>{format.number(path.shared)}</Fact>
      )}
      <Fact name={say("peer.key")}>
        <CopyText text={peer.publicKey} what={say("peer.key")} shown={`${peer.publicKey.slice(0, 10)}…`} />
      </Fact>
    </Facts>
  );
}

/** Automatic, only direct, or through one relay; and whether several paths share the packets. */
function PathChoice({ peer, networkId }: VerdictProps) {
  const { say } = useWords();
  const status = useStatus();
  const { pin } = peer;
  const choose = useTask(async (client, choice: Partial<PinStatus>) => {
    const { via = pin?.via ?? null, direct = pin?.direct ?? false, transport, spread } = choice;
    await client.call("peers.pin", {
      network: networkId,
      peer: peer.name,
      via,
      direct,
      ...(transport === undefined ? {} : { transport }),
      ...(spread === undefined ? {} : { spread }),
    });
    return true;
  });
  const take = (value: string) =>
    choose.run({
      direct: value === "direct",
      via: value.startsWith(viaPrefix) ? value.slice(viaPrefix.length) : null,
    });
  const value = pin?.direct ? "direct" : pin?.via != null ? `${viaPrefix}${pin.via}` : "auto";
  return (
    <div className="path-choice">
      <Select
        size="sm"
        label={say("choice.label")}
        description={say("choice.hint")}
        data={[
          { value: "auto", label: say("choice.auto") },
          { value: "direct", label: say("choice.direct") },
          ...relaysOf(peer, status).map((name) => ({
            value: `${viaPrefix}${name}`,
            label: say("choice.via", { name }),
          })),
        ]}
        value={value}
        onChange={(next) => next !== null && void take(next)}
        allowDeselect={false}
        disabled={choose.busy}
      />
      <Select
        size="sm"
        label={say("spread.label")}
        description={say("spread.hint")}
        data={spreads.map((each) => ({ value: each, label: say(spreadKeys[each]) }))}
        value={pin?.spread ?? "auto"}
        onChange={(next) => next !== null && void choose.run({ spread: next })}
        allowDeselect={false}
        disabled={choose.busy}
      />
      <Select
        size="sm"
        label={say("only.label")}
        description={say("only.hint")}
        data={[
          { value: "auto", label: say("choice.auto") },
          ...transports.map((each) => ({ value: each, label: transportNames[each] })),
        ]}
        value={pin?.transport ?? "auto"}
        onChange={(next) =>
          next !== null && void choose.run({ transport: transports.find((each) => each === next) ?? null })
        }
        allowDeselect={false}
        disabled={choose.busy}
      />
      <ErrorLine error={choose.error} />
    </div>
  );
}

interface Deed {
  readonly label: PlainKey;
  readonly run: (
    client: Client,
    whose: { readonly network: string; readonly peer: string },
  ) => Promise<unknown>;
}

/** What Starmesh can do itself. */
const deeds: Partial<Record<RemedyCode, Deed>> = {
  unpin: {
    label: "remedy.unpin",
    run: (client, whose) => client.call("peers.pin", { ...whose, transport: null }),
  },
  "any-transport": {
    label: "remedy.anyTransport",
    run: (client) => client.call("settings.change", { transport: null }),
  },
  "port-mapping-on-here": {
    label: "remedy.mapping",
    run: (client) => client.call("settings.change", { portMapping: true }),
  },
  reconnect: { label: "remedy.reconnect", run: (client, whose) => client.call("peers.reconnect", whose) },
};

const viaPrefix = "via ";
const spreads = ["auto", "on", "off"] as const;
const spreadKeys = { auto: "spread.auto", on: "spread.on", off: "spread.off" } as const satisfies Record<
  PinStatus["spread"],
  PlainKey
>;
