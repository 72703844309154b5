/** All networks of this machine. */
import { Button, NativeSelect } from "@mantine/core";
import { IconPlus, IconTicket, IconTopologyStar3 } from "@tabler/icons-react";
import type { CSSProperties, PointerEvent } from "react";
import { useState } from "react";
import type { NetworkStart, NetworkStatus } from "../../src-shared/status.ts";
import { networkStart } from "../../src-shared/status.ts";
import { Fact, Facts } from "../parts/card.tsx";
import { CopyText } from "../parts/copy-text.tsx";
import { NetworkState, NetworkToggle, networkAdvice } from "../parts/network-line.tsx";
import { NetworkPlace } from "../parts/network-place.tsx";
import { Empty, ErrorLine, Warning } from "../parts/notices.tsx";
import { PageHead } from "../parts/page-head.tsx";
import { formatRoute } from "../state/route.ts";
import { useDragOrder } from "../state/use-drag-order.ts";
import { leavingNetworkKey, useLeaving } from "../state/use-later.ts";
import { useStatus, useTask } from "../state/use-panel.ts";
import { nothing } from "../words/format.ts";
import { useWords } from "../words/use-words.ts";

export function NetworksPage() {
  const { say } = useWords();
  const { networks } = useStatus();
  return (
    <div className="page">
      <PageHead
        title={say("nav.networks")}
        aside={
          <>
            <Button
              component="a"
              href={formatRoute({ page: "join", invite: "" })}
              variant="default"
              leftSection={<IconTicket size={16} aria-hidden="true" />}
            >
              {say("join.title")}
            </Button>
            <Button
              component="a"
              href={formatRoute({ page: "create" })}
              leftSection={<IconPlus size={16} aria-hidden="true" />}
            >
              {say("create.title")}
            </Button>
          </>
        }
      />
      {networks.length === 0 ? (
        <div className="card">
          <Empty icon={<IconTopologyStar3 size={28} />} title={say("networks.none")}>
            <p className="hint">{say("networks.none.hint")}</p>
          </Empty>
        </div>
      ) : (
        <NetworkCards networks={networks} />
      )}
    </div>
  );
}

function NetworkCards({ networks }: { readonly networks: readonly NetworkStatus[] }) {
  const known = networks.map(({ id }) => id);
  /** The order that was asked for, until the engine's is another than it was. */
  const [wish, setWish] = useState<{ readonly before: string; readonly order: readonly string[] } | null>(
    null,
  );
  const put = useTask((client, order: readonly string[]) =>
    client.call("networks.order", { networks: [...order] }),
  );
  const order = wish !== null && wish.before === known.join() ? wish.order : known;
  const { list, dragged, onGrab, styleOf } = useDragOrder(order, (next) => {
    setWish({ before: known.join(), order: next });
    void put.run(next).then((done) => done === null && setWish(null));
  });
  const shown = order.flatMap((id) => networks.filter((network) => network.id === id));
  return (
    <>
      <ErrorLine error={put.error} />
      <ul className={dragged === null ? "network-cards" : "network-cards dragging"} ref={list}>
        {shown.map((network) => (
          <NetworkCard
            key={network.id}
            network={network}
            isDragged={network.id === dragged}
            style={styleOf(network.id)}
            onGrab={(event) => onGrab(network.id, event)}
          />
        ))}
      </ul>
    </>
  );
}

interface NetworkCardProps {
  readonly network: NetworkStatus;
  readonly isDragged: boolean;
  readonly style: CSSProperties;
  readonly onGrab: (event: PointerEvent<HTMLElement>) => void;
}

function NetworkCard({ network, isDragged, style, onGrab }: NetworkCardProps) {
  const words = useWords();
  const { say, format } = words;
  const advice = networkAdvice(network, words);
  const isLeaving = useLeaving()(leavingNetworkKey(network));
  const several = useStatus().networks.length > 1;
  const start = useTask((client, wish: NetworkStart) =>
    client.call("networks.start", { network: network.id, start: wish }),
  );
  const names = [
    "card",
    "network-card",
    ...(isLeaving ? ["leaving"] : []),
    ...(isDragged ? ["dragged"] : []),
  ];
  return (
    <li className={names.join(" ")} style={style}>
      <header className="card-head">
        <div className="network-title">
          <h2>
            <a href={formatRoute({ page: "network", network: network.id })}>{network.name}</a>
          </h2>
          <NetworkState network={network} />
        </div>
        <NetworkToggle network={network} />
      </header>
      {advice !== null && <Warning>{advice}</Warning>}
      <Facts>
        <Fact name={say("address.own")}>
          {network.address === null ? nothing : <CopyText text={network.address} what={say("address")} />}
        </Fact>
        <Fact name={say("members")}>{format.number(network.members)}</Fact>
        <Fact name={say("network.range")}>
          <span className="mono">{network.range ?? nothing}</span>
        </Fact>
        <Fact name={say("network.start")}>
          <NativeSelect
            size="xs"
            className="network-start"
            aria-label={say("network.start.of", { name: network.name })}
            value={network.start}
            disabled={start.busy}
            data={networkStart.options.map((value) => ({ value, label: say(`network.start.${value}`) }))}
            onChange={(event) => void start.run(networkStart.parse(event.currentTarget.value))}
          />
        </Fact>
      </Facts>
      <ErrorLine error={start.error} />
      <div className="card-foot network-foot">
        <Button
          component="a"
          variant="light"
          size="xs"
          href={formatRoute({ page: "network", network: network.id })}
        >
          {say(network.admin && !network.secret ? "networks.inviteAndMembers" : "members")}
        </Button>
        {several && <NetworkPlace network={network} onGrab={onGrab} />}
      </div>
    </li>
  );
}
