/** Paints a graph. What looks alike is drawn in one go: a picture of hundreds of nodes has to be ready within a frame. */
import type { Graph } from "../state/graph.ts";
import { paceOf } from "../state/graph.ts";
import type { GraphLayout, Placed, PlacedLine } from "../state/graph-layout.ts";
import type { GraphPalette } from "./graph-palette.ts";

/** The part of the plane that is in view. */
export interface View {
  /** Where the middle of the plane lies, in pixels from the middle of the canvas. */
  readonly x: number;
  readonly y: number;
  /** Pixels for one unit of the plane. */
  readonly scale: number;
}

/** A node that stands out, with those that it is linked to. */
export interface Focus {
  readonly id: string;
  readonly near: ReadonlySet<string>;
}

interface Scene {
  readonly layout: GraphLayout;
  readonly colours: GraphPalette;
  /** Family names. */
  readonly font: string;
  readonly view: View;
  /** Null: all are alike. */
  readonly focus: Focus | null;
  /** Id of the node that has a ring. */
  readonly selected: string | null;
}

/** @param size of the canvas in pixels of the page; `density`: pixels of the screen for each */
export function paint(
  canvas: CanvasRenderingContext2D,
  size: { readonly width: number; readonly height: number; readonly density: number },
  scene: Scene,
): void {
  const { view, layout, colours } = scene;
  const { width, height, density } = size;
  canvas.setTransform(density, 0, 0, density, 0, 0);
  canvas.clearRect(0, 0, width, height);
  canvas.translate(width / 2 + view.x, height / 2 + view.y);
  canvas.scale(view.scale, view.scale);
  for (const { look, items } of alike(layout.lines, (line) => lineLookOf(line, scene)))
    paintLines(canvas, look, items, view);
  canvas.setLineDash([]);
  canvas.lineWidth = 2;
  canvas.strokeStyle = colours.paper;
  for (const { look, items } of alike(layout.nodes, (node) => nodeLookOf(node, scene))) {
    canvas.globalAlpha = look.isFaint ? 0.25 : 1;
    canvas.beginPath();
    for (const node of items) outline(canvas, node, 0);
    canvas.fillStyle = look.colour;
    canvas.fill();
    canvas.stroke();
  }
  canvas.globalAlpha = 1;
  const ringed = layout.nodes.find(({ id }) => id === scene.selected);
  if (ringed !== undefined) {
    canvas.beginPath();
    outline(canvas, ringed, 3);
    canvas.strokeStyle = colours.text;
    canvas.stroke();
  }
  paintNames(canvas, scene);
}

/** How far from its middle a node still is itself. */
export function radiusOf({ kind }: Placed): number {
  return kind === "self" ? 9 : 6;
}

/** The two ends of a line; null until it was laid out. */
export function endsOf({ source, target }: PlacedLine): readonly [Placed, Placed] | null {
  return typeof source === "object" && typeof target === "object" ? [source, target] : null;
}

/** Nodes that a node is linked to, itself among them, also through relays. */
export function focusOn(id: string | null, layout: GraphLayout, graph: Graph | null): Focus | null {
  if (id === null || !layout.nodes.some((node) => node.id === id)) return null;
  const ends = layout.lines.flatMap((line) => {
    const [one, other] = endsOf(line) ?? [];
    return one?.id === id ? [other?.id ?? id] : other?.id === id ? [one?.id ?? id] : [];
  });
  const linked = graph?.links.get(id)?.map(({ to }) => to.id) ?? [];
  return { id, near: new Set([id, ...ends, ...linked]) };
}

function outline(canvas: CanvasRenderingContext2D, node: Placed, margin: number): void {
  const { x, y } = node;
  const radius = radiusOf(node) + margin;
  if (node.kind === "router") canvas.rect(x - radius, y - radius, radius * 2, radius * 2);
  else {
    canvas.moveTo(x + radius, y);
    canvas.arc(x, y, radius, 0, 2 * Math.PI);
  }
}

/** What is drawn in one go has the same key. */
interface Look {
  readonly key: string;
  readonly colour: string;
}

function alike<Item, Kind extends Look>(
  items: readonly Item[],
  lookOf: (item: Item) => Kind,
): Iterable<{ readonly look: Kind; readonly items: Item[] }> {
  const groups = new Map<string, { readonly look: Kind; readonly items: Item[] }>();
  for (const item of items) {
    const look = lookOf(item);
    const group = groups.get(look.key);
    if (group === undefined) groups.set(look.key, { look, items: [item] });
    else group.items.push(item);
  }
  return groups.values();
}

interface LineLook extends Look {
  readonly width: number;
  readonly isDashed: boolean;
}

function lineLookOf(line: PlacedLine, { colours, focus, layout }: Scene): LineLook {
  const isNear = focus === null || endsOf(line)?.some(({ id }) => id === focus.id) === true;
  const pace = paceOf(line.latencyMs);
  return {
    key: `${isNear} ${pace} ${line.kind}`,
    colour: isNear ? colours.paces[pace] : colours.faint,
    width: focus !== null && isNear ? 2.4 : layout.isCrowded ? 0.7 : 1.6,
    isDashed: line.kind === "relay",
  };
}

function paintLines(
  canvas: CanvasRenderingContext2D,
  { colour, width, isDashed }: LineLook,
  lines: readonly PlacedLine[],
  { scale }: View,
): void {
  canvas.beginPath();
  for (const line of lines) {
    const [from, to] = endsOf(line) ?? [];
    if (from === undefined || to === undefined) continue;
    canvas.moveTo(from.x, from.y);
    canvas.lineTo(to.x, to.y);
  }
  canvas.strokeStyle = colour;
  canvas.lineWidth = width / scale;
  canvas.setLineDash(isDashed ? [5 / scale, 3 / scale] : []);
  canvas.stroke();
}

function nodeLookOf(node: Placed, { colours, focus }: Scene): Look & { readonly isFaint: boolean } {
  const isFaint = focus !== null && !focus.near.has(node.id);
  const colour = node.kind === "peer" ? colours.states[node.state] : colours[node.kind];
  return { key: `${colour} ${isFaint}`, colour, isFaint };
}

function paintNames(canvas: CanvasRenderingContext2D, { layout, view, focus, colours, font }: Scene): void {
  const areAllNamed = view.scale >= (layout.isCrowded ? 1.8 : 0.55);
  const size = Math.max(3, 12 / view.scale);
  canvas.textAlign = "center";
  canvas.textBaseline = "top";
  canvas.lineWidth = size / 4;
  canvas.lineJoin = "round";
  canvas.strokeStyle = colours.paper;
  canvas.fillStyle = colours.text;
  for (const node of layout.nodes) {
    const isNamed = focus === null ? areAllNamed || node.kind !== "peer" : focus.near.has(node.id);
    if (!isNamed) continue;
    canvas.font = `${node.kind === "self" ? "600 " : ""}${size}px ${font}`;
    const top = node.y + radiusOf(node) + 3;
    canvas.strokeText(node.name, node.x, top);
    canvas.fillText(node.name, node.x, top);
  }
}
