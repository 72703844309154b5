/** The results as a person reads them. */
import type { Figure } from "./measure.ts";
import type { Verdict } from "./targets.ts";
import type { Whole } from "./whole.ts";

/** Columns in their order. */
export const figures: readonly {
  readonly figure: Figure;
  readonly heading: string;
  readonly digits: number;
}[] = [
  { figure: "tcpGbit", heading: "TCP Gbit/s", digits: 2 },
  { figure: "reverseGbit", heading: "reverse", digits: 2 },
  { figure: "fourGbit", heading: "4 streams", digits: 2 },
  { figure: "udpKpps", heading: "UDP 64 B kpps", digits: 0 },
  { figure: "idleMeanMicros", heading: "ping µs", digits: 0 },
  { figure: "idleP99Micros", heading: "p99", digits: 0 },
  { figure: "loadMeanMicros", heading: "under load", digits: 0 },
  { figure: "cpuSecondsPerGb", heading: "CPU s/GB", digits: 2 },
  { figure: "idleMegabytes", heading: "MB idle", digits: 0 },
  { figure: "peakMegabytes", heading: "peak", digits: 0 },
];

export interface Result {
  readonly label: string;
  readonly median: Readonly<Record<Figure, number | null>>;
}

/** Table, figures of the whole product, and what they say about the targets. */
export function formatTable(
  results: readonly Result[],
  whole: Whole | null,
  verdicts: readonly Verdict[],
): string {
  const rows = [
    ["median of the rounds", ...figures.map(({ heading }) => heading)],
    ...results.map(({ label, median }) => [
      label,
      ...figures.map(({ figure, digits }) => median[figure]?.toFixed(digits) ?? "–"),
    ]),
  ];
  const product =
    whole === null
      ? []
      : [
          "",
          `headless node idle with ${whole.peers} peers: ${whole.idleMegabytes.toFixed(0)} MB resident, ${(whole.idleShare * 100).toFixed(2)} % of a core, ${(whole.restShare * 100).toFixed(2)} % after five minutes`,
          `join to first packet: ${whole.joinMillis.toFixed(0)} ms (median)`,
        ];
  return formatRows(rows, verdicts, product);
}

/** Rows in columns, the first to the left; below them other lines, and verdicts. */
export function formatRows(
  rows: readonly (readonly string[])[],
  verdicts: readonly Verdict[],
  below: readonly string[] = [],
): string {
  const widths =
    rows[0]?.map((_, column) => Math.max(...rows.map((row) => (row[column] ?? "").length))) ?? [];
  const lines = rows.map((row) =>
    row
      .map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0)))
      .join("  "),
  );
  const judged = verdicts.map(({ met, text }) => `${met ? "met   " : "MISSED"}  ${text}`);
  return `${[...lines, ...below, "", ...judged].join("\n")}\n`;
}
