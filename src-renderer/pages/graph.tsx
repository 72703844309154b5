/** A network drawn: who is linked to whom, how, and how fast; beside it the same as a list. */
import { Select } from "@mantine/core";
import { IconChartDots3 } from "@tabler/icons-react";
import { useMemo, useState } from "react";
import { GraphCanvas } from "../parts/graph-canvas.tsx";
import { GraphList } from "../parts/graph-list.tsx";
import { Empty, ErrorLine } from "../parts/notices.tsx";
import { PageHead } from "../parts/page-head.tsx";
import { graphOf } from "../state/graph.ts";
import { useNetworkGraph } from "../state/use-graph.ts";
import { useStatus } from "../state/use-panel.ts";
import { useWords } from "../words/use-words.ts";

export function GraphPage() {
  const { say, format } = useWords();
  const { networks, peers } = useStatus();
  const [chosen, setChosen] = useState<string | null>(null);
  const network = networks.find((each) => each.id === chosen) ?? mostPeopled(networks, peers);
  const { told, error } = useNetworkGraph(network?.id);
  const graph = useMemo(() => (told === null ? null : graphOf(told)), [told]);
  const [selected, setSelected] = useState<string | null>(null);
  const select = networks.length > 1 && network !== undefined && (
    <Select
      data={networks.map((each) => ({ value: each.id, label: each.name }))}
      value={network.id}
      onChange={(id) => {
        setChosen(id);
        setSelected(null);
      }}
      allowDeselect={false}
      aria-label={say("peers.network")}
    />
  );
  const isEmpty = network === undefined || (told !== null && told.nodes.length < 2);
  return (
    <div className="page page-graph">
      <PageHead title={say("nav.graph")} aside={select} />
      <ErrorLine error={error} />
      <div className={isEmpty ? "graph-split graph-split-empty" : "graph-split"}>
        <section className="card card-flush graph-card" aria-label={say("graph.picture")}>
          {isEmpty ? (
            <Empty icon={<IconChartDots3 size={28} />} title={say("graph.empty")}>
              <p className="hint">{say("graph.empty.hint")}</p>
            </Empty>
          ) : (
            graph !== null &&
            told !== null && (
              <>
                <GraphCanvas
                  graph={graph}
                  selected={selected}
                  label={say("graph.label", {
                    network: network.name,
                    nodes: format.number(told.nodes.length),
                    direct: format.number(told.links.filter(({ kind }) => kind === "direct").length),
                    relayed: format.number(told.links.filter(({ kind }) => kind === "relay").length),
                  })}
                  onSelect={setSelected}
                />
                <ul className="legend">
                  <li className="legend-quick">{say("graph.quick")}</li>
                  <li className="legend-medium">{say("graph.medium")}</li>
                  <li className="legend-slow">{say("graph.slow")}</li>
                  <li className="legend-relay">{say("graph.relay")}</li>
                  {graph.leftOut.size > 0 && (
                    <li className="quiet">{say("graph.leftOut", { count: graph.leftOut.size })}</li>
                  )}
                  {!told.complete && <li className="quiet">{say("graph.ownOnly")}</li>}
                </ul>
              </>
            )
          )}
        </section>
        {!isEmpty && graph !== null && (
          <GraphList graph={graph} network={network.id} selected={selected} onSelect={setSelected} />
        )}
      </div>
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
