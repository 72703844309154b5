/** Where the nodes of a graph stand: near means fast. It settles step by step, and moves on from there when nodes come or go. */
import type { SimulationLinkDatum, SimulationNodeDatum } from "d3-force";
import type { Graph, GraphLine, GraphNode } from "./graph.ts";

/** A node with its place. */
export type Placed = GraphNode & SimulationNodeDatum & { x: number; y: number };

/** A line between nodes with a place. */
export type PlacedLine = SimulationLinkDatum<Placed> & {
  readonly kind: GraphLine["kind"];
  latencyMs: number | null;
};

export interface GraphLayout {
  /** Those that are drawn, in no order that means anything. */
  readonly nodes: readonly Placed[];
  readonly lines: readonly PlacedLine[];
  /** More of them than can have room and names. */
  readonly isCrowded: boolean;
  /** Takes in what a graph has, and leaves what stands where it is. */
  take(graph: Graph): void;
  /** One step nearer to rest; false where it rests already. */
  step(): boolean;
  /** Holds a node at a place while it is dragged; null lets it go. */
  hold(node: Placed, at: { readonly x: number; readonly y: number } | null): void;
}

/** The library is given, because it comes when the page is opened. */
export function createLayout(force: typeof import("d3-force")): GraphLayout {
  const known = new Map<string, Placed>();
  let nodes: Placed[] = [];
  let lines: PlacedLine[] = [];
  let shape: string | null = null;
  let isCrowded = false;
  const pull = force
    .forceLink<Placed, PlacedLine>()
    .id(({ id }) => id)
    .distance(({ latencyMs }) => (isCrowded ? 30 : 45) + 28 * Math.log10(1 + (latencyMs ?? 20)));
  const push = force.forceManyBody<Placed>();
  let linked: ReadonlySet<string> = new Set();
  const gathering = ({ id }: Placed) => (linked.has(id) ? 0.06 : 0.16);
  const across = force.forceX<Placed>().strength(gathering);
  const down = force.forceY<Placed>().strength(gathering);
  const simulation = force
    .forceSimulation<Placed, PlacedLine>()
    .force("pull", pull)
    .force("push", push)
    // Without these whatever has no link would drift out of the picture.
    .force("across", across)
    .force("down", down)
    .stop();
  return {
    get nodes() {
      return nodes;
    },
    get lines() {
      return lines;
    },
    get isCrowded() {
      return isCrowded;
    },
    take(graph) {
      const drawn = graph.nodes.filter(({ id }) => !graph.leftOut.has(id));
      nodes = drawn.map((node, at) => Object.assign(known.get(node.id) ?? born(at), node));
      for (const node of nodes) known.set(node.id, node);
      if (graph.shape === shape) {
        for (const [at, { latencyMs }] of graph.lines.entries()) {
          const line = lines[at];
          if (line !== undefined) line.latencyMs = latencyMs;
        }
        return;
      }
      const isFirst = shape === null;
      shape = graph.shape;
      isCrowded = nodes.length > crowd;
      lines = graph.lines.map((line) => ({ ...line }));
      linked = new Set(graph.lines.flatMap(({ source, target }) => [source, target]));
      push.strength(isCrowded ? -60 : -190);
      simulation.nodes(nodes);
      pull.links(lines);
      simulation.alphaDecay(1 - simulation.alphaMin() ** (1 / (isCrowded ? 130 : 190)));
      simulation.alpha(isFirst ? 1 : 0.4);
    },
    step() {
      if (nodes.length === 0 || simulation.alpha() < simulation.alphaMin()) return false;
      simulation.tick();
      return true;
    },
    hold(node, at) {
      node.fx = at?.x ?? null;
      node.fy = at?.y ?? null;
      if (at !== null) simulation.alpha(Math.max(simulation.alpha(), 0.25));
    },
  };
}

/** Where the next node begins: on a spiral, the same at every start. */
function born(at: number): { x: number; y: number } {
  const radius = 10 * Math.sqrt(0.5 + at);
  const angle = at * Math.PI * (3 - Math.sqrt(5));
  return { x: radius * Math.cos(angle), y: radius * Math.sin(angle) };
}

/** More nodes than this get thin lines and less room. */
const crowd = 120;
