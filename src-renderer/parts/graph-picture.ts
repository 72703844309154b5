/** The graph on a canvas that can be moved, zoomed, pointed at and dragged; it is drawn only while something changes. */
import type { Graph } from "../state/graph.ts";
import type { GraphLayout, Placed } from "../state/graph-layout.ts";
import type { Focus, View } from "./graph-paint.ts";
import { focusOn, paint, radiusOf } from "./graph-paint.ts";
import type { GraphPalette } from "./graph-palette.ts";

export interface GraphPicture {
  show(graph: Graph): void;
  select(id: string | null): void;
  destroy(): void;
}

interface PictureOptions {
  readonly element: HTMLElement;
  readonly layout: GraphLayout;
  readonly colours: GraphPalette;
  /** The reader asked for less motion: the picture appears settled. */
  readonly still: boolean;
  /** A node was pressed, or (null) the paper beside them. */
  readonly onSelect: (id: string | null) => void;
}

export function createPicture({ element, layout, colours, still, onSelect }: PictureOptions): GraphPicture {
  const canvas = document.createElement("canvas");
  const context = canvas.getContext("2d");
  const font = getComputedStyle(element).fontFamily;
  let view: View = { x: 0, y: 0, scale: 1 };
  /** The reader moved the picture: it stays where it was put. */
  let isTouched = false;
  let graph: Graph | null = null;
  let selected: string | null = null;
  let hovered: string | null = null;
  let focus: Focus | null = null;
  let frame: number | null = null;

  const look = () => {
    frame = null;
    const until = performance.now() + stepMilliseconds;
    let moves = layout.step();
    while (moves && (still || layout.isCrowded) && performance.now() < until) moves = layout.step();
    if (!isTouched) view = fitting(layout.nodes, canvas);
    const isHidden = still && moves;
    if (element.ariaBusy !== String(isHidden)) element.ariaBusy = String(isHidden);
    if (context !== null && !isHidden) {
      const size = { width: canvas.clientWidth, height: canvas.clientHeight, density: devicePixelRatio };
      paint(context, size, { layout, colours, font, view, focus, selected });
    }
    if (moves) wake();
  };
  const wake = () => {
    frame ??= requestAnimationFrame(look);
  };
  const refocus = () => {
    focus = focusOn(hovered ?? selected, layout, graph);
    wake();
  };
  const sizes = new ResizeObserver(() => {
    canvas.width = Math.round(canvas.clientWidth * devicePixelRatio);
    canvas.height = Math.round(canvas.clientHeight * devicePixelRatio);
    wake();
  });
  const hands = followPointers(canvas, {
    nodeAt: ({ x, y }) => nearest(layout.nodes, toPlane({ x, y }, view, canvas), reach / view.scale),
    onHover(node) {
      hovered = node?.id ?? null;
      element.style.cursor = node === null ? "" : "pointer";
      refocus();
    },
    onPress: (node) => onSelect(node === null || node.id === selected ? null : node.id),
    onDrag(node, at) {
      isTouched = true;
      layout.hold(node, at === null ? null : toPlane(at, view, canvas));
      wake();
    },
    onMove(by) {
      isTouched = true;
      view = { ...view, x: view.x + by.x, y: view.y + by.y };
      wake();
    },
    onZoom(by, at) {
      isTouched = true;
      const scale = Math.min(mostScale, Math.max(leastScale, view.scale * by));
      const fixed = { x: at.x - canvas.clientWidth / 2, y: at.y - canvas.clientHeight / 2 };
      const grown = scale / view.scale;
      view = { scale, x: fixed.x - (fixed.x - view.x) * grown, y: fixed.y - (fixed.y - view.y) * grown };
      wake();
    },
  });
  element.append(canvas);
  sizes.observe(canvas);
  return {
    show(next) {
      graph = next;
      layout.take(next);
      refocus();
    },
    select(id) {
      selected = id;
      refocus();
    },
    destroy() {
      if (frame !== null) cancelAnimationFrame(frame);
      sizes.disconnect();
      hands.end();
      canvas.remove();
    },
  };
}

interface Point {
  readonly x: number;
  readonly y: number;
}

interface Gestures {
  /** Points are pixels from the canvas's corner. */
  readonly nodeAt: (point: Point) => Placed | null;
  readonly onHover: (node: Placed | null) => void;
  readonly onPress: (node: Placed | null) => void;
  /** A node is dragged to a place, or (null) let go. */
  readonly onDrag: (node: Placed, to: Point | null) => void;
  readonly onMove: (by: Point) => void;
  readonly onZoom: (by: number, at: Point) => void;
}

/** Mouse, pen and up to two fingers. */
function followPointers(canvas: HTMLCanvasElement, gestures: Gestures): { end(): void } {
  const down = new Map<number, Point>();
  let held: Placed | null = null;
  let start: Point | null = null;
  let hasMoved = false;
  const pointOf = ({ clientX, clientY }: MouseEvent): Point => {
    const { left, top } = canvas.getBoundingClientRect();
    return { x: clientX - left, y: clientY - top };
  };
  const onDown = (event: PointerEvent) => {
    canvas.setPointerCapture(event.pointerId);
    down.set(event.pointerId, pointOf(event));
    if (down.size > 1) return;
    start = pointOf(event);
    hasMoved = false;
    held = gestures.nodeAt(start);
  };
  const onMove = (event: PointerEvent) => {
    const point = pointOf(event);
    const before = down.get(event.pointerId);
    if (before === undefined) return gestures.onHover(gestures.nodeAt(point));
    const [other] = [...down].flatMap(([id, at]) => (id === event.pointerId ? [] : [at]));
    down.set(event.pointerId, point);
    if (other !== undefined) {
      hasMoved = true;
      const middle = { x: (point.x + other.x) / 2, y: (point.y + other.y) / 2 };
      return gestures.onZoom(distance(point, other) / Math.max(1, distance(before, other)), middle);
    }
    hasMoved ||= start !== null && distance(start, point) > slack;
    if (!hasMoved) return;
    if (held === null) gestures.onMove({ x: point.x - before.x, y: point.y - before.y });
    else gestures.onDrag(held, point);
  };
  const onUp = (event: PointerEvent) => {
    if (!down.delete(event.pointerId) || down.size > 0) return;
    if (held !== null && hasMoved) gestures.onDrag(held, null);
    if (!hasMoved && event.type === "pointerup") gestures.onPress(held);
    held = null;
  };
  const onWheel = (event: WheelEvent) => {
    event.preventDefault();
    const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 20 : 1;
    gestures.onZoom(2 ** (-event.deltaY * lines * zoomSpeed), pointOf(event));
  };
  const stop = new AbortController();
  const { signal } = stop;
  canvas.addEventListener("pointerdown", onDown, { signal });
  canvas.addEventListener("pointermove", onMove, { signal });
  canvas.addEventListener("pointerup", onUp, { signal });
  canvas.addEventListener("pointercancel", onUp, { signal });
  canvas.addEventListener("pointerleave", () => gestures.onHover(null), { signal });
  canvas.addEventListener("wheel", onWheel, { signal, passive: false });
  return { end: () => stop.abort() };
}

/** The view in which all nodes and the names below them can be seen. */
function fitting(nodes: readonly Placed[], canvas: HTMLCanvasElement): View {
  if (nodes.length === 0) return { x: 0, y: 0, scale: 1 };
  const xs = nodes.map(({ x }) => x);
  const ys = nodes.map(({ y }) => y);
  const [left, right, top, bottom] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const room = { width: canvas.clientWidth - 2 * margin, height: canvas.clientHeight - 2 * margin };
  const fit = Math.min(room.width / Math.max(1, right - left), room.height / Math.max(1, bottom - top));
  const scale = Math.min(1.6, Math.max(leastScale, fit));
  return { scale, x: (-(left + right) / 2) * scale, y: (-(top + bottom) / 2) * scale };
}

function toPlane({ x, y }: Point, view: View, canvas: HTMLCanvasElement): Point {
  return {
    x: (x - canvas.clientWidth / 2 - view.x) / view.scale,
    y: (y - canvas.clientHeight / 2 - view.y) / view.scale,
  };
}

/** @param beside how far beside a node it is still meant */
function nearest(nodes: readonly Placed[], at: Point, beside: number): Placed | null {
  let best: Placed | null = null;
  let least = Number.POSITIVE_INFINITY;
  for (const node of nodes) {
    const away = distance(node, at);
    if (away < least && away <= Math.max(radiusOf(node), beside)) [best, least] = [node, away];
  }
  return best;
}

function distance(one: Point, other: Point): number {
  return Math.hypot(one.x - other.x, one.y - other.y);
}

/** So long the layout may take of a frame. */
const stepMilliseconds = 7;
const leastScale = 0.1;
const mostScale = 6;
const zoomSpeed = 0.002;
/** Pixels: room round the whole picture, how far a press may slip, how far beside a node it is meant. */
const margin = 56;
const slack = 4;
const reach = 12;
