/** What stands above each page of a network: its name and state, and the way to its other pages. */
import { IconTopologyStar3 } from "@tabler/icons-react";
import type { ReactNode } from "react";
import type { NetworkStatus } from "../../src-shared/status.ts";
import type { NetworkPart } from "../state/route.ts";
import { formatRoute, networkParts } from "../state/route.ts";
import { useNetwork } from "../state/use-panel.ts";
import { useWords } from "../words/use-words.ts";
import type { PlainKey } from "../words/words.ts";
import { NetworkState, NetworkToggle, networkAdvice } from "./network-line.tsx";
import { Empty, Warning } from "./notices.tsx";
import { PageHead } from "./page-head.tsx";

interface OfNetworkProps {
  readonly id: string;
  readonly part: NetworkPart;
  readonly children: (network: NetworkStatus) => ReactNode;
}

/** A page of a network; where this machine is in none of that id, it says so. */
export function OfNetwork({ id, part, children }: OfNetworkProps) {
  const words = useWords();
  const { say } = words;
  const network = useNetwork(id);
  const back = { to: { page: "networks" }, label: say("nav.networks") } as const;
  if (network === undefined) {
    return (
      <div className="page">
        <PageHead title={say("network.gone")} back={back} />
        <div className="card">
          <Empty icon={<IconTopologyStar3 size={28} />} title={say("network.gone.hint")} />
        </div>
      </div>
    );
  }
  const advice = networkAdvice(network, words);
  return (
    <div className="page">
      <PageHead
        title={
          <span className="network-title">
            {network.name} <NetworkState network={network} />
          </span>
        }
        back={back}
        aside={<NetworkToggle network={network} />}
      />
      <nav className="tabs" aria-label={say("tabs", { name: network.name })}>
        {networkParts.map((each) => (
          <a
            key={each}
            href={formatRoute({ page: each, network: id })}
            aria-current={each === part ? "page" : undefined}
          >
            {say(labels[each])}
          </a>
        ))}
      </nav>
      {advice !== null && <Warning>{advice}</Warning>}
      {children(network)}
    </div>
  );
}

const labels: Readonly<Record<NetworkPart, PlainKey>> = {
  network: "tab.overview",
  routes: "tab.routes",
  clients: "tab.clients",
  names: "tab.names",
  rules: "tab.rules",
};
