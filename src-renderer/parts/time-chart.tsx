/** Numbers over time: lines with an area between two of them, bars, and marks where something changed. */
import { useComputedColorScheme } from "@mantine/core";
import { useEffect, useRef } from "react";
import type Plot from "uplot";
import type { Column } from "../state/timeline.ts";
import { useWords } from "../words/use-words.ts";

/** A line that stands for one of several peers; the style sheet has the same colours. */
export type PeerLook = (typeof peerLooks)[number];
export const peerLooks = ["peer1", "peer2", "peer3", "peer4", "peer5", "peer6"] as const;

/** One column and how it looks. */
export interface ChartSeries {
  readonly values: Column;
  readonly look: "main" | "second" | "edge" | "bars" | PeerLook;
}

export interface ChartData {
  /** Seconds since 1970. */
  readonly times: readonly number[];
  readonly series: readonly ChartSeries[];
  /** Seconds since 1970 at which a dashed line stands. */
  readonly marks: readonly number[];
  /** Begin and end of the picture in seconds since 1970. */
  readonly since: number;
  readonly until: number;
}

interface TimeChartProps {
  readonly data: ChartData;
  /** What it shows, for those who cannot see it. */
  readonly label: string;
  /** How the numbers at the side are written. */
  readonly write: (value: number) => string;
  /** The scale reaches at least this far. */
  readonly least: number;
  /** Pixels. */
  readonly height: number;
  /** Charts of one group move their cursor together. */
  readonly group: string;
  /** Which column the reader points at; null: none. */
  readonly onPoint?: (index: number | null) => void;
}

export function TimeChart(props: TimeChartProps) {
  const { data, label } = props;
  const { language } = useWords();
  const scheme = useComputedColorScheme("light", { getInitialValueInEffect: false });
  const box = useRef<HTMLDivElement>(null);
  const chart = useRef<Chart | null>(null);
  const latest = useRef(props);
  latest.current = props;
  const shape = data.series.map(({ look }) => look).join();
  useEffect(() => {
    let wanted = true;
    void drawChart({ box, scheme, language, latest, shape }).then((drawn) => {
      if (!wanted) return drawn?.destroy();
      chart.current = drawn;
      drawn?.show();
    });
    return () => {
      wanted = false;
      chart.current?.destroy();
      chart.current = null;
    };
  }, [scheme, language, shape]);
  useEffect(() => {
    if (data.times.length >= 0) chart.current?.show();
  }, [data]);
  return (
    <div className="chart" ref={box} role="img" aria-label={label} style={{ minHeight: props.height }} />
  );
}

interface Chart {
  show(): void;
  destroy(): void;
}

interface Drawing {
  readonly box: { readonly current: HTMLDivElement | null };
  readonly scheme: "light" | "dark";
  readonly language: string;
  readonly latest: { readonly current: TimeChartProps };
  readonly shape: string;
}

/** The library comes when the first chart is shown. */
async function drawChart({ box, scheme, language, latest }: Drawing): Promise<Chart | null> {
  const [{ default: UPlot }] = await Promise.all([import("uplot"), import("uplot/dist/uPlot.min.css")]);
  const element = box.current;
  if (element === null) return null;
  const { height, least, group, data } = latest.current;
  const colours = palette[scheme];
  const clock = new Intl.DateTimeFormat(language, { timeStyle: "short" });
  const day = new Intl.DateTimeFormat(language, { month: "short", day: "numeric" });
  const axis = {
    stroke: colours.text,
    grid: { stroke: colours.grid, width: 1 },
    ticks: { show: false },
    font: `12px ${getComputedStyle(element).fontFamily}`,
  };
  const writeTime = (tick: number, step: number) => {
    const date = new Date(tick * 1000);
    return step >= 86_400 || (date.getHours() === 0 && date.getMinutes() === 0)
      ? day.format(date)
      : clock.format(date);
  };
  const edges = data.series.flatMap(({ look }, at) => (look === "edge" ? [at + 1] : []));
  const [low, high] = edges;
  const plot = new UPlot(
    {
      width: element.clientWidth,
      height,
      legend: { show: false },
      cursor: { y: false, points: { size: 6 }, sync: { key: group } },
      scales: {
        x: { range: () => [latest.current.data.since, latest.current.data.until] },
        y: { range: (_plot, _low, highest) => [0, Math.max(least, highest * 1.12)] },
      },
      axes: [
        {
          ...axis,
          size: 30,
          space: 70,
          incrs: timeSteps,
          values: (_plot, ticks, _axis, _space, step) => ticks.map((tick) => writeTime(tick, step)),
        },
        {
          ...axis,
          values: (_plot, ticks) => ticks.map((tick) => latest.current.write(tick)),
          size: 66,
          space: 34,
        },
      ],
      bands: low === undefined || high === undefined ? [] : [{ series: [high, low], fill: colours.band }],
      series: [{}, ...data.series.map(({ look }) => seriesOf(look, colours, UPlot))],
      hooks: {
        draw: [(drawn) => drawMarks(drawn, latest.current.data.marks, colours.mark)],
        setCursor: [({ cursor }) => latest.current.onPoint?.(cursor.idx ?? null)],
      },
    },
    [[]],
    element,
  );
  const sizes = new ResizeObserver(() => plot.setSize({ width: element.clientWidth, height }));
  sizes.observe(element);
  return {
    show() {
      const { times, series } = latest.current.data;
      plot.setData([[...times], ...series.map(({ values }) => [...values])]);
    },
    destroy() {
      sizes.disconnect();
      plot.destroy();
    },
  };
}

function seriesOf(
  look: ChartSeries["look"],
  colours: (typeof palette)["light" | "dark"],
  { paths }: typeof Plot,
): Plot.Series {
  const hidden = { points: { show: false } };
  switch (look) {
    case "main":
      return { ...hidden, stroke: colours.main, width: 1.6 };
    case "second":
      return { ...hidden, stroke: colours.second, width: 1.6 };
    case "peer1":
    case "peer2":
    case "peer3":
    case "peer4":
    case "peer5":
    case "peer6":
      return { ...hidden, stroke: colours[look], width: 1.8 };
    case "edge":
      return { ...hidden, stroke: "transparent", width: 0 };
    case "bars": {
      const bars = paths.bars?.({ size: [0.9, 14, 2] });
      return {
        ...hidden,
        stroke: colours.bars,
        fill: colours.bars,
        width: 0,
        ...(bars === undefined ? {} : { paths: bars }),
      };
    }
  }
}

function drawMarks(plot: Plot, marks: readonly number[], colour: string): void {
  const { ctx, bbox } = plot;
  ctx.save();
  ctx.strokeStyle = colour;
  ctx.lineWidth = devicePixelRatio;
  ctx.setLineDash([4 * devicePixelRatio, 3 * devicePixelRatio]);
  ctx.beginPath();
  for (const mark of marks) {
    const x = Math.round(plot.valToPos(mark, "x", true)) + 0.5;
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
  }
  ctx.stroke();
  ctx.restore();
}

/** Seconds between the times that are written below. */
const timeSteps = [60, 300, 600, 900, 1800, 3600, 7200, 10_800, 14_400, 21_600, 43_200, 86_400, 172_800];
/** A canvas knows no style sheet. */
const palette = {
  light: {
    main: "#565fe0",
    second: "#1f9d6b",
    peer1: "#565fe0",
    peer2: "#c2410c",
    peer3: "#0f8a6a",
    peer4: "#b3257f",
    peer5: "#8a6100",
    peer6: "#0c7fa8",
    band: "rgba(86, 95, 224, 0.16)",
    bars: "rgba(201, 58, 51, 0.75)",
    mark: "rgba(138, 90, 0, 0.75)",
    text: "#5d6576",
    grid: "#e6e8ef",
  },
  dark: {
    main: "#959bf1",
    second: "#4fc795",
    peer1: "#959bf1",
    peer2: "#f59a62",
    peer3: "#4fc795",
    peer4: "#ec82c1",
    peer5: "#dcb64c",
    peer6: "#5cc3e8",
    band: "rgba(149, 155, 241, 0.2)",
    bars: "rgba(240, 135, 128, 0.8)",
    mark: "rgba(232, 176, 74, 0.75)",
    text: "#949cb0",
    grid: "#2c3240",
  },
} as const;
