/** Draws a graph that settles by itself: near means fast. */
import { useComputedColorScheme } from "@mantine/core";
import { useReducedMotion } from "@mantine/hooks";
import { useEffect, useRef } from "react";
import type { Graph, GraphLine, GraphNode } from "../state/graph.ts";

interface GraphCanvasProps {
  readonly graph: Graph;
  /** What it shows, for those who cannot see it. */
  readonly label: string;
  readonly onOpen: (node: GraphNode) => void;
}

export function GraphCanvas({ graph, label, onOpen }: GraphCanvasProps) {
  const box = useRef<HTMLDivElement>(null);
  const scheme = useComputedColorScheme("light", { getInitialValueInEffect: false });
  const still = useReducedMotion(false, { getInitialValueInEffect: false });
  const drawing = useRef<Drawing | null>(null);
  const latest = useRef({ graph, onOpen });
  latest.current = { graph, onOpen };
  useEffect(() => {
    let wanted = true;
    const open = (node: GraphNode) => latest.current.onOpen(node);
    void draw({ box, scheme, still, open }).then((drawn) => {
      if (!wanted) return drawn?.destroy();
      drawing.current = drawn;
      drawn?.show(latest.current.graph);
    });
    return () => {
      wanted = false;
      drawing.current?.destroy();
      drawing.current = null;
    };
  }, [scheme, still]);
  useEffect(() => drawing.current?.show(graph), [graph]);
  return <div className="graph" ref={box} role="img" aria-label={label} />;
}

interface Drawing {
  show(graph: Graph): void;
  destroy(): void;
}

interface DrawingOptions {
  readonly box: { readonly current: HTMLDivElement | null };
  readonly scheme: "light" | "dark";
  /** The reader asked for less motion: the picture appears settled. */
  readonly still: boolean;
  readonly open: (node: GraphNode) => void;
}

/** The layout writes its places into the node. */
type Placed = GraphNode & { x?: number; y?: number };
interface PlacedLine {
  source: string | Placed;
  target: string | Placed;
  kind: GraphLine["kind"];
}

/** The library comes when the page is opened. */
async function draw({ box, scheme, still, open }: DrawingOptions): Promise<Drawing | null> {
  const { default: ForceGraph } = await import("force-graph");
  const element = box.current;
  if (element === null) return null;
  const colours = palette[scheme];
  const font = getComputedStyle(element).fontFamily;
  const placed = new Map<string, Placed>();
  let shape = "";
  let crowded = false;
  const colourOf = (node: Placed) => (node.kind === "peer" ? colours.states[node.state] : colours.self);
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
        colour: colourOf(node),
        text: colours.text,
        paper: colours.paper,
        font,
        namesFrom: crowded ? 1.8 : 0.55,
      }),
    )
    .linkColor((line) => colours.lines[line.kind])
    .linkWidth((line) => (crowded || line.kind === "none" ? thinLine : 1.6))
    .linkLineDash((line) => (line.kind === "direct" ? null : line.kind === "relay" ? [5, 3] : [1, 4]))
    .onNodeClick((node) => open(node))
    .warmupTicks(still ? 200 : 30)
    .cooldownTicks(still ? 0 : 160)
    .minZoom(0.3)
    .maxZoom(6);
  picture.d3Force("link")?.["distance"]((line: PlacedLine) => distanceOf(line));
  const push = picture.d3Force("charge");
  const sizes = new ResizeObserver(() => picture.width(element.clientWidth).height(element.clientHeight));
  sizes.observe(element);
  let fitted = false;
  picture.onEngineStop(() => {
    if (!fitted) picture.zoomToFit(still ? 0 : 300, 48);
    fitted = true;
  });
  return {
    show(graph) {
      for (const node of graph.nodes) placed.set(node.id, Object.assign(placed.get(node.id) ?? {}, node));
      if (graph.shape !== shape) {
        shape = graph.shape;
        crowded = graph.nodes.length > crowd;
        push?.["strength"](crowded ? -45 : -160);
        picture.graphData({
          nodes: graph.nodes.map((node) => placed.get(node.id) ?? { ...node }),
          links: graph.lines.map((line) => ({ ...line })),
        });
      }
      // Naming the accessor again is how the picture learns that colours or names changed.
      picture.linkColor(picture.linkColor());
    },
    destroy() {
      sizes.disconnect();
      picture._destructor();
      element.replaceChildren();
    },
  };
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
  /** Peers have their names written from this scale on. */
  readonly namesFrom: number;
}

function paintNode({ node, canvas, scale, colour, text, paper, font, namesFrom }: NodePaint): void {
  const { x = 0, y = 0 } = node;
  const radius = node.kind === "self" ? 9 : 6;
  canvas.beginPath();
  if (node.kind === "router") canvas.rect(x - radius, y - radius, radius * 2, radius * 2);
  else canvas.arc(x, y, radius, 0, 2 * Math.PI);
  canvas.fillStyle = colour;
  canvas.fill();
  canvas.lineWidth = 2;
  canvas.strokeStyle = paper;
  canvas.stroke();
  if (scale < namesFrom && node.kind === "peer") return;
  const size = Math.max(3, 12 / scale);
  canvas.font = `${node.kind === "self" ? "600 " : ""}${size}px ${font}`;
  canvas.textAlign = "center";
  canvas.textBaseline = "top";
  canvas.lineWidth = size / 4;
  canvas.strokeText(node.name, x, y + radius + 3);
  canvas.fillStyle = text;
  canvas.fillText(node.name, x, y + radius + 3);
}

/** A longer line for a slower peer, on a scale on which 1, 10 and 100 ms look apart. */
function distanceOf(line: PlacedLine): number {
  const latency = typeof line.target === "object" ? line.target.latencyMs : null;
  if (line.kind === "none") return 190;
  return 45 + 32 * Math.log10(1 + (latency ?? 20));
}

/** More nodes than this get thin lines and less room. */
const crowd = 120;
const thinLine = 0.7;

/** A canvas knows no style sheet. */
const palette = {
  light: {
    self: "#565fe0",
    text: "#2b3040",
    paper: "#ffffff",
    states: {
      connected: "#1f9d6b",
      idle: "#7fbfa5",
      connecting: "#565fe0",
      unreachable: "#d6453d",
      offline: "#b4bac6",
    },
    lines: {
      direct: "rgba(31, 157, 107, 0.6)",
      relay: "rgba(199, 127, 14, 0.75)",
      none: "rgba(120, 128, 145, 0.75)",
    },
  },
  dark: {
    self: "#7a82ed",
    text: "#dce0ea",
    paper: "#1c202a",
    states: {
      connected: "#3fbd8a",
      idle: "#3b7d63",
      connecting: "#959bf1",
      unreachable: "#ef6a62",
      offline: "#596175",
    },
    lines: {
      direct: "rgba(63, 189, 138, 0.55)",
      relay: "rgba(232, 168, 56, 0.7)",
      none: "rgba(148, 156, 176, 0.65)",
    },
  },
} as const;
