/** The rows of a long list that have to exist now. */
import { useMediaQuery } from "@mantine/hooks";
import type { RefObject } from "react";
import { useEffect, useRef, useState } from "react";
import type { RowWindow } from "./rows.ts";
import { rowsInView } from "./rows.ts";

interface LiveRows extends RowWindow {
  /** The element that is as high as all rows together. */
  readonly body: RefObject<HTMLTableSectionElement | null>;
  /** Pixels; the style sheet has the same numbers. */
  readonly rowHeight: number;
  /** Scrolls until a row stands in the middle. */
  readonly show: (row: number) => void;
}

export function useRowWindow(count: number): LiveRows {
  const body = useRef<HTMLTableSectionElement>(null);
  const narrow = useMediaQuery("(max-width: 60rem)", undefined, { getInitialValueInEffect: false });
  const rowHeight = narrow ? narrowRowHeight : wideRowHeight;
  const [rows, setRows] = useState<RowWindow>({ first: 0, end: Math.min(count, firstRows) });
  useEffect(() => {
    const look = () => {
      const top = body.current?.getBoundingClientRect().top ?? 0;
      const next = rowsInView({ top, rowHeight, count }, window.innerHeight);
      setRows((before) => (before.first === next.first && before.end === next.end ? before : next));
    };
    look();
    window.addEventListener("scroll", look, { passive: true });
    window.addEventListener("resize", look);
    return () => {
      window.removeEventListener("scroll", look);
      window.removeEventListener("resize", look);
    };
  }, [count, rowHeight]);
  const show = (row: number) => {
    const top = body.current?.getBoundingClientRect().top ?? 0;
    window.scrollBy(0, top + row * rowHeight - window.innerHeight / 2);
  };
  return { body, rowHeight, show, ...rows };
}

const wideRowHeight = 48;
const narrowRowHeight = 76;
const firstRows = 40;
