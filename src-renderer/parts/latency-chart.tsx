/** A peer's latency over the last minutes. */
import { useComputedColorScheme } from "@mantine/core";
import { useEffect, useRef } from "react";
import type { Point } from "../state/history.ts";
import { useWords } from "../words/use-words.ts";

interface LatencyChartProps {
  readonly points: readonly Point[];
  /** What it shows, for those who cannot see it. */
  readonly label: string;
}

export function LatencyChart({ points, label }: LatencyChartProps) {
  const { language, format } = useWords();
  const scheme = useComputedColorScheme("light", { getInitialValueInEffect: false });
  const box = useRef<HTMLDivElement>(null);
  const chart = useRef<Chart | null>(null);
  const latest = useRef(points);
  latest.current = points;
  useEffect(() => {
    let wanted = true;
    void drawChart({ box, scheme, language, milliseconds: format.milliseconds }).then((drawn) => {
      if (!wanted) return drawn?.destroy();
      chart.current = drawn;
      drawn?.show(latest.current);
    });
    return () => {
      wanted = false;
      chart.current?.destroy();
      chart.current = null;
    };
  }, [scheme, language, format]);
  useEffect(() => chart.current?.show(points), [points]);
  return <div className="chart" ref={box} role="img" aria-label={label} />;
}

interface Chart {
  show(points: readonly Point[]): void;
  destroy(): void;
}

interface Drawing {
  readonly box: { readonly current: HTMLDivElement | null };
  readonly scheme: "light" | "dark";
  readonly language: string;
  readonly milliseconds: (value: number) => string;
}

/** The library comes when the first chart is shown. */
async function drawChart({ box, scheme, language, milliseconds }: Drawing): Promise<Chart | null> {
  const [{ default: Plot }] = await Promise.all([import("uplot"), import("uplot/dist/uPlot.min.css")]);
  const element = box.current;
  if (element === null) return null;
  const colours = palette[scheme];
  const clock = new Intl.DateTimeFormat(language, { timeStyle: "short" });
  const exact = new Intl.DateTimeFormat(language, { timeStyle: "medium" });
  const axis = {
    stroke: colours.text,
    grid: { stroke: colours.grid, width: 1 },
    ticks: { show: false },
    font: `12px ${getComputedStyle(element).fontFamily}`,
  };
  const plot = new Plot(
    {
      width: element.clientWidth,
      height,
      legend: { show: false },
      cursor: { y: false, points: { size: 7 } },
      scales: {
        x: { range: (_plot, low, high) => [Math.min(low, high - shortestSpan), high] },
        y: { range: (_plot, _low, high) => [0, Math.max(2, high * 1.15)] },
      },
      axes: [
        {
          ...axis,
          size: 30,
          space: 100,
          incrs: steps,
          values: (_plot, ticks, _axis, _space, step) =>
            ticks.map((tick) => (step < 60 ? exact : clock).format(tick * 1000)),
        },
        { ...axis, values: (_plot, ticks) => ticks.map(milliseconds), size: 62 },
      ],
      series: [{}, { stroke: colours.line, fill: colours.fill, width: 1.6, points: { show: false } }],
    },
    [[], []],
    element,
  );
  const sizes = new ResizeObserver(() => plot.setSize({ width: element.clientWidth, height }));
  sizes.observe(element);
  return {
    show: (points) =>
      plot.setData([points.map((point) => point.at / 1000), points.map((point) => point.milliseconds)]),
    destroy() {
      sizes.disconnect();
      plot.destroy();
    },
  };
}

/** Seconds between the times that are written below. */
const steps = [10, 30, 60, 120, 300, 600];
/** Seconds that are shown even when less was measured. */
const shortestSpan = 120;
const height = 190;
/** A canvas knows no style sheet. */
const palette = {
  light: { line: "#565fe0", fill: "rgba(86, 95, 224, 0.10)", text: "#5d6576", grid: "#e6e8ef" },
  dark: { line: "#959bf1", fill: "rgba(149, 155, 241, 0.13)", text: "#949cb0", grid: "#2c3240" },
} as const;
