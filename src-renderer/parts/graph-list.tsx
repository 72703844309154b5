/** The graph in words: every node, and the links of the one that is selected. Works with the keyboard alone. */
import { ActionIcon, TextInput } from "@mantine/core";
import { IconSearch, IconX } from "@tabler/icons-react";
import { useDeferredValue, useState } from "react";
import type { Graph, GraphNode } from "../state/graph.ts";
import { paceOf } from "../state/graph.ts";
import { formatRoute } from "../state/route.ts";
import { useRoving } from "../state/use-roving.ts";
import { useWords } from "../words/use-words.ts";
import { StateDot, stateKeys } from "./path-badge.tsx";

interface GraphListProps {
  readonly graph: Graph;
  /** Id of the network. */
  readonly network: string;
  readonly selected: string | null;
  readonly onSelect: (id: string | null) => void;
}

export function GraphList({ graph, network, selected, onSelect }: GraphListProps) {
  const { say, format } = useWords();
  const [query, setQuery] = useState("");
  const wanted = useDeferredValue(query).trim().toLocaleLowerCase();
  const node = graph.nodes.find(({ id }) => id === selected);
  const count = ({ id }: GraphNode) => graph.links.get(id)?.length ?? 0;
  const names = new Intl.Collator(undefined, { numeric: true });
  const fitting = graph.nodes
    .filter(({ name }) => name.toLocaleLowerCase().includes(wanted))
    .sort((one, other) => count(other) - count(one) || names.compare(one.name, other.name));
  const shown = fitting.slice(0, mostRows);
  const { list, onKeyDown } = useRoving<HTMLUListElement>(".graph-node");
  return (
    <aside className="card card-flush graph-list" aria-label={say("graph.list")}>
      <div className="graph-search">
        <TextInput
          type="search"
          size="xs"
          value={query}
          onChange={(event) => setQuery(event.currentTarget.value)}
          placeholder={say("peers.search")}
          aria-label={say("peers.search")}
          leftSection={<IconSearch size={14} aria-hidden="true" />}
        />
      </div>
      <ul className="graph-nodes" aria-label={say("graph.list")} ref={list} onKeyDown={onKeyDown}>
        {shown.map((each) => (
          <li key={each.id}>
            <button
              type="button"
              className="graph-node"
              aria-pressed={each.id === selected}
              onClick={() => onSelect(each.id === selected ? null : each.id)}
            >
              {each.kind === "router" ? (
                <span className="dot dot-router" aria-hidden="true" />
              ) : (
                <StateDot state={each.state} />
              )}
              <span className="graph-node-name">{each.name}</span>
              <span className="quiet">
                {count(each) > 0
                  ? say("graph.links", { count: count(each) })
                  : each.kind === "router"
                    ? say("candidate.relay")
                    : say(stateKeys[each.state])}
              </span>
            </button>
          </li>
        ))}
      </ul>
      {fitting.length > shown.length && (
        <p className="quiet graph-rest">
          {say("graph.rest", { rest: format.number(fitting.length - shown.length) })}
        </p>
      )}
      {node !== undefined && <Selected node={node} graph={graph} network={network} onSelect={onSelect} />}
    </aside>
  );
}

interface SelectedProps {
  readonly node: GraphNode;
  readonly graph: Graph;
  readonly network: string;
  readonly onSelect: (id: string | null) => void;
}

function Selected({ node, graph, network, onSelect }: SelectedProps) {
  const { say, format } = useWords();
  const links = graph.links.get(node.id) ?? [];
  const carried = graph.lines.filter(
    ({ kind, source, target }) => kind === "relay" && (source === node.id || target === node.id),
  ).length;
  return (
    <section className="graph-selected" aria-label={node.name} aria-live="polite">
      <header>
        <h2>
          {node.kind === "peer" ? (
            <a href={formatRoute({ page: "peer", network, peer: node.name })}>{node.name}</a>
          ) : (
            node.name
          )}
        </h2>
        <ActionIcon
          variant="subtle"
          color="gray"
          size="sm"
          aria-label={say("graph.deselect")}
          onClick={() => onSelect(null)}
        >
          <IconX size={15} />
        </ActionIcon>
      </header>
      {links.length === 0 ? (
        <p className="quiet">
          {node.kind === "router" ? say("graph.carries", { count: carried }) : say("graph.linkless")}
        </p>
      ) : (
        <ul className="graph-links">
          {links.slice(0, mostLinks).map((link) => (
            <li key={link.to.id}>
              <button type="button" className="link-button" onClick={() => onSelect(link.to.id)}>
                {link.to.name}
              </button>
              <span className="quiet">
                {link.kind === "direct"
                  ? say("path.direct")
                  : say("path.via", { names: format.list(link.via) })}
              </span>
              <span className={`pace pace-${paceOf(link.latencyMs)}`}>{format.latency(link.latencyMs)}</span>
            </li>
          ))}
        </ul>
      )}
      {links.length > mostLinks && (
        <p className="quiet">{say("graph.moreLinks", { count: links.length - mostLinks })}</p>
      )}
    </section>
  );
}

const mostRows = 150;
const mostLinks = 40;
