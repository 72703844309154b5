/** Dragging things of a list to another place by a handle, with a mouse, a pen or a finger. Keys need another way. */
import type { CSSProperties, PointerEvent as ReactPointerEvent, RefObject } from "react";
import { useEffect, useRef, useState } from "react";
import type { Spot } from "./drag-order.ts";
import { moved, placeUnder, placeWhile } from "./drag-order.ts";

export interface DragOrder {
  /** To be laid on the element whose children they are. */
  readonly list: RefObject<HTMLUListElement | null>;
  /** Of the one that is dragged now. */
  readonly dragged: string | null;
  /** Begins; for a handle. */
  readonly onGrab: (id: string, event: ReactPointerEvent<HTMLElement>) => void;
  /** Where one stands meanwhile. */
  readonly styleOf: (id: string) => CSSProperties;
}

interface Drag {
  readonly id: string;
  readonly ids: readonly string[];
  readonly spots: readonly Spot[];
  readonly by: { readonly x: number; readonly y: number };
}

/**
 * @param ids in the present order; another set of them ends a drag
 * @param onDrop told the new order
 */
export function useDragOrder(ids: readonly string[], onDrop: (order: readonly string[]) => void): DragOrder {
  const list = useRef<HTMLUListElement>(null);
  const [drag, setDrag] = useState<Drag | null>(null);
  const end = useRef(() => {});
  const drop = useRef(onDrop);
  drop.current = onDrop;
  useEffect(() => () => end.current(), []);
  const present = ids.join(" ");
  useEffect(() => {
    if (drag !== null && drag.ids.join(" ") !== present) end.current();
  }, [drag, present]);

  const onGrab = (id: string, event: ReactPointerEvent<HTMLElement>) => {
    if (event.button !== 0 || !event.isPrimary || list.current === null) return;
    event.preventDefault();
    end.current();
    const handle = event.currentTarget;
    const { pointerId } = event;
    handle.setPointerCapture(pointerId);
    const spots = [...list.current.children].map(spotOf);
    const origin = { x: event.pageX, y: event.pageY };
    let at = { x: event.clientX, y: event.clientY };
    let held: Drag = { id, ids, spots, by: { x: 0, y: 0 } };
    let frame = 0;
    const listening = new AbortController();
    const { signal } = listening;
    const follow = () => {
      held = { ...held, by: { x: at.x + window.scrollX - origin.x, y: at.y + window.scrollY - origin.y } };
      setDrag(held);
    };
    const scroll = () => {
      const by = at.y < edge ? -step : at.y > window.innerHeight - edge ? step : 0;
      const before = window.scrollY;
      if (by !== 0) window.scrollBy(0, by);
      if (window.scrollY !== before) follow();
      frame = requestAnimationFrame(scroll);
    };
    const stop = () => {
      listening.abort();
      cancelAnimationFrame(frame);
      setDrag(null);
    };
    end.current = stop;
    const isOurs = (each: PointerEvent) => each.pointerId === pointerId;
    const move = (each: PointerEvent) => {
      if (!isOurs(each)) return;
      at = { x: each.clientX, y: each.clientY };
      follow();
    };
    const release = (each: PointerEvent) => {
      if (!isOurs(each)) return;
      stop();
      const from = held.ids.indexOf(id);
      const to = placeUnder(spots, from, held.by);
      if (to !== from) drop.current(moved(held.ids, from, to));
    };
    const cancel = (each: PointerEvent) => {
      if (isOurs(each)) stop();
    };
    handle.addEventListener("pointermove", move, { signal });
    handle.addEventListener("pointerup", release, { signal });
    handle.addEventListener("pointercancel", cancel, { signal });
    window.addEventListener("keydown", ({ key }) => key === "Escape" && stop(), { signal });
    frame = requestAnimationFrame(scroll);
    setDrag(held);
  };

  const styleOf = (id: string): CSSProperties => {
    if (drag === null) return {};
    if (id === drag.id) return { transform: `translate(${drag.by.x}px, ${drag.by.y}px)` };
    const [at, from] = [drag.ids.indexOf(id), drag.ids.indexOf(drag.id)];
    const here = drag.spots[at];
    const there = drag.spots[placeWhile(at, from, placeUnder(drag.spots, from, drag.by))];
    if (here === undefined || there === undefined) return {};
    return { transform: `translate(${there.x - here.x}px, ${there.y - here.y}px)` };
  };
  return { list, dragged: drag?.id ?? null, onGrab, styleOf };
}

function spotOf(element: Element): Spot {
  const { x, y, width, height } = element.getBoundingClientRect();
  return { x: x + window.scrollX, y: y + window.scrollY, width, height };
}

/** Pixels from the view's upper and lower edge within which it scrolls, and how far in each frame. */
const edge = 60;
const step = 10;
