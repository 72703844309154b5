/** Draws a graph that settles by itself: near means fast. */
import { useComputedColorScheme } from "@mantine/core";
import { useReducedMotion } from "@mantine/hooks";
import { useEffect, useRef } from "react";
import type { Graph, GraphLine, GraphNode } from "../state/graph.ts";
import { paceOf } from "../state/graph.ts";

interface GraphCanvasProps {
  readonly graph: Graph;
  /** The node whose links stand out; null: all are alike. */
  readonly selected: string | null;
  /** What it shows, for those who cannot see it. */
  readonly label: string;
  readonly onSelect: (id: string | null) => void;
}

export function GraphCanvas({ graph, selected, label, onSelect }: GraphCanvasProps) {
  const box = useRef<HTMLDivElement>(null);
  const scheme = useComputedColorScheme("light", { getInitialValueInEffect: false });
  const still = useReducedMotion(false, { getInitialValueInEffect: false });
  const drawing = useRef<Drawing | null>(null);
  const latest = useRef({ graph, selected, onSelect });
  latest.current = { graph, selected, onSelect };
  useEffect(() => {
    let wanted = true;
    const select = (id: string | null) => latest.current.onSelect(id);
    void draw({ box, scheme, still, select }).then((drawn) => {
      if (!wanted) return drawn?.destroy();
      drawing.current = drawn;
      drawn?.show(latest.current.graph);
      drawn?.select(latest.current.selected);
    });
    return () => {
      wanted = false;
      drawing.current?.destroy();
      drawing.current = null;
    };
  }, [scheme, still]);
  useEffect(() => drawing.current?.show(graph), [graph]);
  useEffect(() => drawing.current?.select(selected), [selected]);
  return <div className="graph" ref={box} role="img" aria-label={label} />;
}

interface Drawing {
  show(graph: Graph): void;
  select(id: string | null): void;
  destroy(): void;
}

interface DrawingOptions {
  readonly box: { readonly current: HTMLDivElement | null };
  readonly scheme: "light" | "dark";
  /** The reader asked for less motion: the picture appears settled. */
  readonly still: boolean;
  readonly select: (id: string | null) => void;
}

/** The layout writes its places into the node. */
type Placed = GraphNode & { x?: number; y?: number; vx?: number; vy?: number };
interface PlacedLine {
  source: string | Placed;
  target: string | Placed;
  kind: GraphLine["kind"];
  latencyMs: number | null;
}

/** The library comes when the page is opened. */
async function draw({ box, scheme, still, select }: DrawingOptions): Promise<Drawing | null> {
  const { default: ForceGraph } = await import("force-graph");
  const element = box.current;
  if (element === null) return null;
  const colours = palette[scheme];
  const font = getComputedStyle(element).fontFamily;
  const placed = new Map<string, Placed>();
  const lines = new Map<string, PlacedLine>();
  let shown: Graph | null = null;
  let crowded = false;
  /** The node that is pointed at, or else the selected one; with those it is linked to. */
  let focus: { readonly id: string; readonly near: ReadonlySet<string> } | null = null;
  let hovered: string | null = null;
  let selected: string | null = null;
  const refocus = () => {
    const id = hovered ?? selected;
    const ends = [...lines.values()].map(({ source, target }) => [endOf(source), endOf(target)] as const);
    const next = ends.flatMap(([a, b]) => (a === id ? [b] : b === id ? [a] : []));
    const near = [...next, ...(shown?.links.get(id ?? "") ?? []).map(({ to }) => to.id)];
    focus = id === null || !placed.has(id) ? null : { id, near: new Set([id, ...near]) };
  };
  const isFocused = ({ source, target }: PlacedLine) =>
    focus === null || endOf(source) === focus.id || endOf(target) === focus.id;
  const picture = new ForceGraph<Placed, PlacedLine>(element)
    .width(element.clientWidth)
    .height(element.clientHeight)
    .nodeId("id")
    .nodeRelSize(5)
    .nodeVal((node) => (node.kind === "self" ? 3 : 1.4))
    .nodeLabel(() => "")
    .nodeCanvasObject((node, canvas, scale) =>
      paintNode({
        node,
        canvas,
        scale,
        colour: node.kind === "peer" ? colours.states[node.state] : colours[node.kind],
        text: colours.text,
        paper: colours.paper,
        font,
        isNamed: focus?.near.has(node.id) === true || scale >= (crowded ? 1.8 : 0.55),
        isFaint: focus !== null && !focus.near.has(node.id),
        ring: node.id === selected ? colours.text : null,
      }),
    )
    .linkColor((line) => (isFocused(line) ? colours.paces[paceOf(line.latencyMs)] : colours.faint))
    .linkWidth((line) => (focus !== null && isFocused(line) ? 2.4 : crowded ? thinLine : 1.6))
    .linkLineDash((line) => (line.kind === "direct" ? null : [5, 3]))
    .onNodeClick((node) => select(node.id === selected ? null : node.id))
    .onBackgroundClick(() => select(null))
    .onNodeHover((node) => {
      hovered = node?.id ?? null;
      element.style.cursor = node === null ? "" : "pointer";
      refocus();
    })
    .warmupTicks(still ? 200 : 30)
    .minZoom(0.1)
    .maxZoom(6);
  const pull = picture.d3Force("link");
  pull?.["distance"]((line: PlacedLine) => (crowded ? 30 : 45) + 28 * Math.log10(1 + (line.latencyMs ?? 20)));
  const push = picture.d3Force("charge");
  // Without it whatever has no link would drift out of the picture.
  picture.d3Force("gather", (alpha: number) => {
    for (const node of placed.values()) {
      node.vx = (node.vx ?? 0) - (node.x ?? 0) * alpha * gathering;
      node.vy = (node.vy ?? 0) - (node.y ?? 0) * alpha * gathering;
    }
  });
  const sizes = new ResizeObserver(() => picture.width(element.clientWidth).height(element.clientHeight));
  sizes.observe(element);
  let fitted = false;
  picture.onEngineStop(() => {
    if (!fitted) picture.zoomToFit(still ? 0 : 300, 48);
    fitted = true;
  });
  /** Naming an accessor again is how a picture that stands still learns that its looks changed. */
  const repaint = () => picture.linkColor(picture.linkColor());
  return {
    show(graph) {
      const drawn = graph.nodes.filter(({ id }) => !graph.leftOut.has(id));
      for (const node of drawn) placed.set(node.id, Object.assign(placed.get(node.id) ?? {}, node));
      for (const line of graph.lines) {
        const key = `${line.source} ${line.target}`;
        const known = lines.get(key);
        if (known === undefined) lines.set(key, { ...line });
        else Object.assign(known, { kind: line.kind, latencyMs: line.latencyMs });
      }
      const isNew = graph.shape !== shown?.shape;
      shown = graph;
      if (isNew) {
        crowded = drawn.length > crowd;
        picture.cooldownTicks(still ? 0 : crowded ? 90 : 160);
        push?.["strength"](crowded ? -60 : -190);
        const kept = new Set(graph.lines.map((line) => `${line.source} ${line.target}`));
        for (const key of lines.keys()) if (!kept.has(key)) lines.delete(key);
        picture.graphData({
          nodes: drawn.map((node) => placed.get(node.id) ?? { ...node }),
          links: [...lines.values()],
        });
      }
      refocus();
      repaint();
    },
    select(id) {
      selected = id;
      refocus();
      repaint();
    },
    destroy() {
      sizes.disconnect();
      picture._destructor();
      element.replaceChildren();
    },
  };
}

function endOf(end: string | Placed): string {
  return typeof end === "string" ? end : end.id;
}

interface NodePaint {
  readonly node: Placed;
  readonly canvas: CanvasRenderingContext2D;
  readonly scale: number;
  readonly colour: string;
  readonly text: string;
  readonly paper: string;
  /** Family names. */
  readonly font: string;
  readonly isNamed: boolean;
  /** Another node stands out. */
  readonly isFaint: boolean;
  /** Colour of a ring round it; null: none. */
  readonly ring: string | null;
}

function paintNode(paint: NodePaint): void {
  const { node, canvas, scale, colour, text, paper, font } = paint;
  const { x = 0, y = 0 } = node;
  canvas.globalAlpha = paint.isFaint ? 0.25 : 1;
  const radius = node.kind === "self" ? 9 : 6;
  canvas.beginPath();
  if (node.kind === "router") canvas.rect(x - radius, y - radius, radius * 2, radius * 2);
  else canvas.arc(x, y, radius, 0, 2 * Math.PI);
  canvas.fillStyle = colour;
  canvas.fill();
  canvas.lineWidth = 2;
  canvas.strokeStyle = paper;
  canvas.stroke();
  if (paint.ring !== null) {
    canvas.beginPath();
    canvas.arc(x, y, radius + 3, 0, 2 * Math.PI);
    canvas.strokeStyle = paint.ring;
    canvas.stroke();
    canvas.strokeStyle = paper;
  }
  canvas.globalAlpha = 1;
  if (paint.isFaint || (!paint.isNamed && node.kind === "peer")) return;
  const size = Math.max(3, 12 / scale);
  canvas.font = `${node.kind === "self" ? "600 " : ""}${size}px ${font}`;
  canvas.textAlign = "center";
  canvas.textBaseline = "top";
  canvas.lineWidth = size / 4;
  canvas.strokeText(node.name, x, y + radius + 3);
  canvas.fillStyle = text;
  canvas.fillText(node.name, x, y + radius + 3);
}

/** More nodes than this get thin lines and less room. */
const crowd = 120;
const thinLine = 0.7;
/** How strongly all nodes are drawn to the middle. */
const gathering = 0.06;

/** A canvas knows no style sheet. */
const palette = {
  light: {
    self: "#565fe0",
    router: "#8a5a00",
    text: "#2b3040",
    paper: "#ffffff",
    faint: "rgba(120, 128, 145, 0.13)",
    states: {
      connected: "#1f9d6b",
      idle: "#7fbfa5",
      connecting: "#565fe0",
      unreachable: "#d6453d",
      offline: "#b4bac6",
    },
    paces: {
      quick: "rgba(31, 157, 107, 0.7)",
      medium: "rgba(199, 127, 14, 0.75)",
      slow: "rgba(201, 58, 51, 0.75)",
      unmeasured: "rgba(120, 128, 145, 0.6)",
    },
  },
  dark: {
    self: "#7a82ed",
    router: "#e8b04a",
    text: "#dce0ea",
    paper: "#1c202a",
    faint: "rgba(148, 156, 176, 0.1)",
    states: {
      connected: "#3fbd8a",
      idle: "#3b7d63",
      connecting: "#959bf1",
      unreachable: "#ef6a62",
      offline: "#596175",
    },
    paces: {
      quick: "rgba(63, 189, 138, 0.65)",
      medium: "rgba(232, 168, 56, 0.7)",
      slow: "rgba(240, 110, 100, 0.75)",
      unmeasured: "rgba(148, 156, 176, 0.55)",
    },
  },
} as const;
