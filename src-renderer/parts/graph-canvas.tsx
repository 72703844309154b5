/** Draws a graph that settles by itself: near means fast. */
import { useComputedColorScheme } from "@mantine/core";
import { useReducedMotion } from "@mantine/hooks";
import { useEffect, useRef } from "react";
import type { Graph } from "../state/graph.ts";
import { createLayout } from "../state/graph-layout.ts";
import { palettes } from "./graph-palette.ts";
import type { GraphPicture } from "./graph-picture.ts";
import { createPicture } from "./graph-picture.ts";

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
  const picture = useRef<GraphPicture | null>(null);
  const latest = useRef({ graph, selected, onSelect });
  latest.current = { graph, selected, onSelect };
  useEffect(() => {
    let wanted = true;
    // The library comes when the page is opened.
    void import("d3-force").then((force) => {
      const element = box.current;
      if (!wanted || element === null) return;
      const layout = createLayout(force);
      const colours = palettes[scheme];
      const select = (id: string | null) => latest.current.onSelect(id);
      picture.current = createPicture({ element, layout, colours, still, onSelect: select });
      picture.current.show(latest.current.graph);
      picture.current.select(latest.current.selected);
    });
    return () => {
      wanted = false;
      picture.current?.destroy();
      picture.current = null;
    };
  }, [scheme, still]);
  useEffect(() => picture.current?.show(graph), [graph]);
  useEffect(() => picture.current?.select(selected), [selected]);
  return <div className="graph" ref={box} role="img" aria-label={label} />;
}
