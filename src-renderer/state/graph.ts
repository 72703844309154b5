/** A network as nodes and lines: own links and, where the router tells them, those among others. */
import type { NetworkGraph } from "../../src-shared/graph.ts";
import type { PeerStatus } from "../../src-shared/status.ts";

export interface GraphNode {
  /** Session key, or `router NAME` for a relay that is no member. */
  readonly id: string;
  readonly name: string;
  readonly kind: "self" | "peer" | "router";
  /** A peer's state; routers and this node count as connected. */
  readonly state: PeerStatus["state"];
  /** Round trip from this node; null where none was measured. */
  readonly latencyMs: number | null;
}

/** What is drawn between two nodes: a direct link, or a stretch of one that goes through relays. */
export interface GraphLine {
  readonly source: string;
  readonly target: string;
  readonly kind: "direct" | "relay";
  /** Round trip of the quickest link that goes along here; null where none was measured. */
  readonly latencyMs: number | null;
}

/** A link as one of its ends sees it. */
export interface GraphLink {
  readonly to: GraphNode;
  readonly kind: "direct" | "relay";
  readonly via: readonly string[];
  readonly latencyMs: number | null;
}

export interface Graph {
  /** All members and the relays between them. */
  readonly nodes: readonly GraphNode[];
  readonly lines: readonly GraphLine[];
  /** By node id, the quickest first. */
  readonly links: ReadonlyMap<string, readonly GraphLink[]>;
  /** Nodes that the picture leaves to the list, because they have no link and are many. */
  readonly leftOut: ReadonlySet<string>;
  /** Changes when nodes or lines come, go or change their kind. */
  readonly shape: string;
}

export function graphOf(told: NetworkGraph, mostUnlinked: number = defaultMostUnlinked): Graph {
  const self = told.nodes.find(({ kind }) => kind === "self")?.key;
  const ownLatency = new Map(
    told.links.flatMap(({ a, b, latencyMs }) =>
      a === self ? [[b, latencyMs] as const] : b === self ? [[a, latencyMs] as const] : [],
    ),
  );
  const nodes = new Map<string, GraphNode>(
    told.nodes.map(({ key, name, kind, state }) => [
      key,
      {
        id: key,
        name,
        state,
        kind: kind === "self" ? "self" : "peer",
        latencyMs: ownLatency.get(key) ?? null,
      },
    ]),
  );
  const byName = new Map(told.nodes.map(({ key, name }) => [name, key]));
  const lines = new Map<string, GraphLine>();
  const links = new Map<string, GraphLink[]>();
  for (const { a, b, kind, via, latencyMs } of told.links) {
    const [one, other] = [nodes.get(a), nodes.get(b)];
    if (one === undefined || other === undefined) continue;
    note(links, a, { to: other, kind, via, latencyMs });
    note(links, b, { to: one, kind, via: [...via].reverse(), latencyMs });
    let from = a;
    for (const relay of via) {
      const id = byName.get(relay) ?? `router ${relay}`;
      if (!nodes.has(id))
        nodes.set(id, { id, name: relay, kind: "router", state: "connected", latencyMs: null });
      join(lines, { source: from, target: id, kind, latencyMs });
      from = id;
    }
    join(lines, { source: from, target: b, kind, latencyMs });
  }
  for (const each of links.values())
    each.sort((one, other) => (one.latencyMs ?? unmeasured) - (other.latencyMs ?? unmeasured));
  const drawn = new Set([...lines.values()].flatMap(({ source, target }) => [source, target]));
  const unlinked = [...nodes.values()].filter(({ id, kind }) => kind === "peer" && !drawn.has(id));
  const leftOut = new Set(unlinked.length > mostUnlinked ? unlinked.map(({ id }) => id) : []);
  const all = [...lines.values()];
  return {
    nodes: [...nodes.values()],
    lines: all,
    links,
    leftOut,
    shape: [
      ...[...nodes.keys()].filter((id) => !leftOut.has(id)),
      ...all.map((line) => `${line.source}>${line.target}:${line.kind}`),
    ].join("\n"),
  };
}

/** How quick a link is, in a word: the same bounds colour the lines. */
export function paceOf(latencyMs: number | null): "quick" | "medium" | "slow" | "unmeasured" {
  if (latencyMs === null) return "unmeasured";
  return latencyMs < 30 ? "quick" : latencyMs < 100 ? "medium" : "slow";
}

function note(links: Map<string, GraphLink[]>, id: string, link: GraphLink): void {
  const others = links.get(id);
  if (others === undefined) links.set(id, [link]);
  else others.push(link);
}

/** A line that carries a relayed link and is direct itself shows as what it is. */
function join(lines: Map<string, GraphLine>, line: GraphLine): void {
  if (line.source === line.target) return;
  const key = [line.source, line.target].sort().join(" ");
  const known = lines.get(key);
  if (known === undefined || (line.kind === "direct" && known.kind === "relay")) lines.set(key, line);
  else if (known.kind === line.kind && (line.latencyMs ?? unmeasured) < (known.latencyMs ?? unmeasured))
    lines.set(key, { ...known, latencyMs: line.latencyMs });
}

const unmeasured = Number.POSITIVE_INFINITY;
const defaultMostUnlinked = 40;
