/** A network drawn: who is near, who is relayed, who is away. */
import { Select } from "@mantine/core";
import { IconChartDots3 } from "@tabler/icons-react";
import { useMemo, useState } from "react";
import { GraphCanvas } from "../parts/graph-canvas.tsx";
import { Empty } from "../parts/notices.tsx";
import { PageHead } from "../parts/page-head.tsx";
import { graphOf } from "../state/graph.ts";
import { countPeers } from "../state/peer-list.ts";
import { useStatus } from "../state/use-panel.ts";
import { go } from "../state/use-route.ts";
import { useWords } from "../words/use-words.ts";

export function GraphPage() {
  const { say } = useWords();
  const { node, networks, peers } = useStatus();
  const [chosen, setChosen] = useState<string | null>(null);
  const network = networks.find((each) => each.id === chosen) ?? mostPeopled(networks, peers);
  const members = useMemo(
    () => peers.filter((peer) => peer.network === network?.name),
    [peers, network?.name],
  );
  const graph = useMemo(() => graphOf(node.name, members), [node.name, members]);
  const counts = countPeers(members);
  const select = networks.length > 1 && network !== undefined && (
    <Select
      data={networks.map((each) => ({ value: each.id, label: each.name }))}
      value={network.id}
      onChange={setChosen}
      allowDeselect={false}
      aria-label={say("peers.network")}
    />
  );
  return (
    <div className="page page-graph">
      <PageHead title={say("nav.graph")} aside={select} />
      <section className="card card-flush graph-card">
        {network === undefined || members.length === 0 ? (
          <Empty icon={<IconChartDots3 size={28} />} title={say("graph.empty")}>
            <p className="hint">{say("graph.empty.hint")}</p>
          </Empty>
        ) : (
          <>
            <GraphCanvas
              graph={graph}
              label={say("graph.label", {
                network: network.name,
                direct: counts.direct,
                relayed: counts.relayed,
                total: counts.total,
              })}
              onOpen={(opened) => {
                if (opened.kind === "peer") go({ page: "peer", network: network.id, peer: opened.name });
              }}
            />
            <ul className="legend">
              <li className="legend-direct">{say("graph.direct")}</li>
              <li className="legend-relay">{say("graph.relay")}</li>
              <li className="legend-none">{say("graph.none")}</li>
              {graph.leftOut > 0 && (
                <li className="quiet">{say("graph.leftOut", { count: graph.leftOut })}</li>
              )}
            </ul>
          </>
        )}
      </section>
    </div>
  );
}

/** The network that has most to show. */
function mostPeopled<Network extends { readonly name: string }>(
  networks: readonly Network[],
  peers: readonly { readonly network: string }[],
): Network | undefined {
  const count = (network: Network) => peers.filter((peer) => peer.network === network.name).length;
  return [...networks].sort((one, other) => count(other) - count(one))[0];
}
