/** The first page: one switch, the own address, and who can be reached how fast. */
import { Button } from "@mantine/core";
import { IconTicket } from "@tabler/icons-react";
import type { NetworkStatus } from "../../src-shared/status.ts";
import { Card } from "../parts/card.tsx";
import { CopyText } from "../parts/copy-text.tsx";
import { NetworkLine, networkAdvice } from "../parts/network-line.tsx";
import { Empty, ErrorLine, Warning } from "../parts/notices.tsx";
import { PeerList } from "../parts/peer-list.tsx";
import { PowerSwitch } from "../parts/power-switch.tsx";
import { RightsLine } from "../parts/rights-line.tsx";
import { countPeers } from "../state/peer-list.ts";
import { formatRoute } from "../state/route.ts";
import { useStatus } from "../state/use-panel.ts";
import { useNetworkSwitch } from "../state/use-switch.ts";
import { useWords } from "../words/use-words.ts";
import type { Words } from "../words/words.ts";
import { Welcome } from "./welcome.tsx";

export function HomePage() {
  const { say } = useWords();
  const { networks, peers } = useStatus();
  if (networks.length === 0) return <Welcome />;
  const [only] = networks;
  const connected = networks.some((network) => network.state !== "off");
  return (
    <div className="page">
      <h1 className="visually-hidden">{say("nav.home")}</h1>
      <RightsLine />
      <Hero networks={networks} />
      {peers.length > 0 ? (
        <Card title={say("peers.title")} flush>
          <PeerList peers={peers} networks={networks.map((network) => network.name)} />
        </Card>
      ) : (
        connected &&
        only !== undefined &&
        networks.some(({ state }) => state !== "joining" && state !== "refused") && (
          <Alone network={networks.find((network) => network.admin) ?? only} />
        )
      )}
    </div>
  );
}

function Hero({ networks }: { readonly networks: readonly NetworkStatus[] }) {
  const words = useWords();
  const { say } = words;
  const { peers } = useStatus();
  const { on, busy, error, flip } = useNetworkSwitch(networks);
  const [first] = networks;
  const only = networks.length === 1 ? first : undefined;
  const counts = countPeers(peers);
  const isWaiting = networks.every(({ state }) => state === "off" || state === "joining");
  return (
    <section className="card hero" aria-label={say("hero")}>
      <div className="hero-main">
        <PowerSwitch
          on={on}
          busy={busy}
          label={say(only === undefined ? "hero.switchAll" : "hero.switch")}
          onFlip={flip}
        />
        <div className="hero-words">
          <p className="hero-state" role="status">
            {stateWords(networks, on, words)}
          </p>
          <p className="quiet pieces">
            {on && counts.total > 0 ? (
              <>
                <span>{say("hero.peers", { reachable: counts.reachable, total: counts.total })}</span>{" "}
                <span>{say("hero.direct", { count: counts.direct })}</span>{" "}
                <span>{say("hero.relayed", { count: counts.relayed })}</span>
              </>
            ) : (
              say(on ? (isWaiting ? "hero.waits" : "hero.alone") : "hero.off")
            )}
          </p>
        </div>
        {only !== undefined && (
          <div className="hero-address">
            <a className="quiet" href={formatRoute({ page: "network", network: only.id })}>
              {say("hero.addressIn", { network: only.name })}
            </a>
            {only.address === null ? (
              <span>{say("network.noAddress")}</span>
            ) : (
              <CopyText text={only.address} what={say("address")} />
            )}
          </div>
        )}
      </div>
      <ErrorLine error={error} />
      {networks.map((network) => {
        const advice = networkAdvice(network, words);
        return advice === null ? null : (
          <Warning key={network.id}>{only === undefined ? `${network.name}: ${advice}` : advice}</Warning>
        );
      })}
      {only === undefined && (
        <ul className="network-lines" aria-label={say("nav.networks")}>
          {networks.map((network) => (
            <NetworkLine key={network.id} network={network} />
          ))}
        </ul>
      )}
    </section>
  );
}

/** What the whole comes to: the best of what the networks are. */
function stateWords(networks: readonly NetworkStatus[], on: boolean, { say }: Words): string {
  if (!on) return say("state.off");
  const online = networks.filter((network) => network.state === "online").length;
  const wanted = networks.filter((network) => network.state !== "off").length;
  if (online > 0)
    return online === networks.length
      ? say("state.on")
      : say("state.some", { online, total: networks.length });
  if (networks.some((network) => network.state === "joining")) return say("state.joining");
  if (wanted > 0 && networks.every((network) => network.state === "refused")) return say("state.refused");
  return say("state.reaching");
}

function Alone({ network }: { readonly network: NetworkStatus }) {
  const { say } = useWords();
  return (
    <Card>
      <Empty icon={<IconTicket size={28} />} title={say("alone.title")}>
        <p className="hint">{say(network.admin ? "alone.invite" : "alone.wait")}</p>
        {network.admin && (
          <Button component="a" href={formatRoute({ page: "network", network: network.id })}>
            {say("alone.action")}
          </Button>
        )}
      </Empty>
    </Card>
  );
}
