/** One Tab stop for a long list: arrows go from row to row and from one thing in a row to the next, Home and End to its ends. */
import type { KeyboardEvent, RefObject } from "react";
import { useCallback, useLayoutEffect, useRef } from "react";

interface Roving<Element extends HTMLElement> {
  readonly list: RefObject<Element | null>;
  readonly onKeyDown: (event: KeyboardEvent) => void;
}

/** Where only the rows in view exist: what there is in all, and how one comes to be. */
interface Unseen {
  readonly count: number;
  /** Scrolls so that a row, counted from 0, will exist. */
  readonly show: (row: number) => void;
}

/**
 * To be laid on the element that holds the rows. Which row is which is read from `aria-rowindex` where only some exist.
 * @param rows selector of a row
 */
export function useRoving<Element extends HTMLElement>(rows: string, unseen?: Unseen): Roving<Element> {
  const list = useRef<Element>(null);
  const stop = useRef<HTMLElement | null>(null);
  /** The row in which the keyboard is; null: elsewhere. */
  const within = useRef<number | null>(null);
  /** A row that was gone to before it existed. */
  const awaited = useRef<number | null>(null);
  const latest = useRef(unseen);
  latest.current = unseen;

  const rowsNow = useCallback(() => [...(list.current?.querySelectorAll<HTMLElement>(rows) ?? [])], [rows]);
  const mark = useCallback(() => {
    const all = rowsNow().map(stopsIn);
    const stops = all.flat();
    const known = stops.find((each) => each === stop.current);
    const kept = known ?? nearest(all, within.current ?? 0);
    for (const each of stops) {
      const wanted = each === kept ? "0" : "-1";
      if (each.getAttribute("tabindex") !== wanted) each.setAttribute("tabindex", wanted);
    }
    stop.current = kept ?? null;
    // What had the keyboard is gone, as a button whose work is done: whoever pressed it goes on from there.
    if (known === undefined && within.current !== null && latest.current === undefined && isKeyboardLost())
      kept?.focus();
  }, [rowsNow]);
  const enter = useCallback(
    (element: HTMLElement | undefined) => {
      if (element === undefined) return;
      stop.current = element;
      mark();
      element.focus();
    },
    [mark],
  );

  useLayoutEffect(() => {
    const row = awaited.current;
    const found = row === null ? undefined : rowsNow().find((each) => indexOf(each) === row);
    if (found === undefined) return mark();
    awaited.current = null;
    enter(stopsIn(found)[0]);
  });
  useLayoutEffect(() => {
    const element = list.current;
    // Whoever clicks, or comes by another way, goes on from there.
    const follow = ({ target }: FocusEvent) => {
      if (!(target instanceof HTMLElement) || target.closest(rows) === null) return;
      stop.current = target;
      within.current = rowsNow().findIndex((row) => row.contains(target));
      mark();
    };
    const leave = ({ target }: FocusEvent) => {
      // Also what is taken out of the page tells so, while it is still there.
      queueMicrotask(() => {
        const isThere = target instanceof HTMLElement && target.isConnected && !target.matches(":disabled");
        if (isThere && !element?.contains(document.activeElement)) within.current = null;
      });
    };
    element?.addEventListener("focusin", follow);
    element?.addEventListener("focusout", leave);
    return () => {
      element?.removeEventListener("focusin", follow);
      element?.removeEventListener("focusout", leave);
    };
  });

  const onKeyDown = (event: KeyboardEvent) => {
    const { target, key } = event;
    if (event.defaultPrevented || event.altKey || event.ctrlKey || event.metaKey) return;
    if (!(target instanceof HTMLElement)) return;
    const row = target.closest<HTMLElement>(rows);
    if (row === null || !list.current?.contains(row)) return;
    const across = acrossKeys[key];
    if (across !== undefined) {
      const stops = stopsIn(row);
      enter(stops[stops.indexOf(target) + across]);
      return event.preventDefault();
    }
    const all = rowsNow().filter((each) => stopsIn(each).length > 0);
    const { count = all.length, show } = latest.current ?? {};
    const here = show === undefined ? all.indexOf(row) : indexOf(row);
    const to = goal(key, here, count);
    if (to === null) return;
    event.preventDefault();
    const there = show === undefined ? all[to] : all.find((each) => indexOf(each) === to);
    if (there !== undefined) return enter(stopsIn(there)[0]);
    awaited.current = to;
    show?.(to);
  };
  return { list, onKeyDown };
}

/** The row that a key leads to; null: it is not one of ours. */
export function goal(key: string, here: number, count: number): number | null {
  const step = downKeys[key];
  if (step !== undefined) return Math.min(count - 1, Math.max(0, here + step));
  return key === "Home" ? 0 : key === "End" ? count - 1 : null;
}

/** What in a row can be pressed. */
function stopsIn(row: HTMLElement): HTMLElement[] {
  const inside = [...row.querySelectorAll<HTMLElement>(pressable)];
  return row.matches("button, a[href]") ? [row, ...inside] : inside;
}

/** The first stop of a row, or of the next row that has one. */
function nearest(rows: readonly HTMLElement[][], row: number): HTMLElement | undefined {
  return [...rows.slice(row), ...rows.slice(0, row).reverse()].find((stops) => stops.length > 0)?.[0];
}

function isKeyboardLost(): boolean {
  const { activeElement } = document;
  return activeElement === null || activeElement === document.body || activeElement.matches(":disabled");
}

/** A table counts its head as row 1. */
function indexOf(row: HTMLElement): number {
  return Number(row.getAttribute("aria-rowindex")) - 2;
}

const pressable = "a[href], button:not(:disabled), input[type=checkbox]:not(:disabled)";
const downKeys: Readonly<Record<string, number>> = { ArrowDown: 1, ArrowUp: -1, PageDown: 10, PageUp: -10 };
const acrossKeys: Readonly<Record<string, 1 | -1>> = { ArrowRight: 1, ArrowLeft: -1 };
