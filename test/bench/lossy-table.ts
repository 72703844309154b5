/** The results over bad lines as a person reads them, and what they say about the targets. */
import type { LossySample } from "./lossy.ts";
import { formatRows } from "./table.ts";
import type { Verdict } from "./targets.ts";
import { atLeast, atMost } from "./targets.ts";

type Medians = Readonly<Record<keyof LossySample, number | null>>;

/** Columns in their order. */
export const lossyFigures: readonly {
  readonly figure: keyof LossySample;
  readonly heading: string;
  readonly digits: number;
}[] = [
  { figure: "tcp0", heading: "TCP Mbit/s 0 %", digits: 0 },
  { figure: "tcp1", heading: "1 %", digits: 1 },
  { figure: "tcp5", heading: "5 %", digits: 1 },
  { figure: "tcp10", heading: "10 %", digits: 1 },
  { figure: "pingsBack", heading: "pings of 80", digits: 0 },
  { figure: "callLost", heading: "call lost", digits: 4 },
  { figure: "callAddedMillis", heading: "p99 + ms", digits: 1 },
  { figure: "callOverhead", heading: "overhead", digits: 2 },
  { figure: "videoLost", heading: "video lost", digits: 4 },
  { figure: "videoAddedMillis", heading: "p99 + ms", digits: 1 },
  { figure: "videoOverhead", heading: "overhead", digits: 2 },
  { figure: "narrowMbit", heading: "30 Mbit/s line", digits: 1 },
  { figure: "narrowUsed", heading: "used", digits: 2 },
  { figure: "narrowQueueMeanMillis", heading: "queue ms", digits: 1 },
  { figure: "narrowQueuePeakMillis", heading: "peak", digits: 1 },
  { figure: "narrowPingMillis", heading: "ping + ms", digits: 1 },
  { figure: "narrowPart", heading: "part beside TCP", digits: 2 },
];

/** Table and verdicts. */
export function formatLossy(
  results: readonly { readonly label: string; readonly median: Medians }[],
  verdicts: readonly Verdict[],
): string {
  const rows = results.map(({ label, median }) => [
    label,
    ...lossyFigures.map(({ figure, digits }) => median[figure]?.toFixed(digits) ?? "–"),
  ]);
  return formatRows(
    [["median of the rounds", ...lossyFigures.map(({ heading }) => heading)], ...rows],
    verdicts,
  );
}

/** Verdicts on the lossy-line link; none where it was not measured. */
export function judgeLossy(medians: ReadonlyMap<string, Medians>): readonly Verdict[] {
  const of = (figure: keyof LossySample) => medians.get("kcp")?.[figure] ?? null;
  const [clean, udp] = [of("tcp0"), medians.get("suite1")?.tcp0 ?? null];
  return [
    atLeast(250, of("tcp1"), "Mbit/s of one TCP stream at 1 % loss each way"),
    atLeast(190, of("tcp5"), "Mbit/s of one TCP stream at 5 %"),
    atLeast(160, of("tcp10"), "Mbit/s of one TCP stream at 10 %"),
    atLeast(0.7, clean === null || udp === null ? null : clean / udp, "of plain UDP without loss"),
    atLeast(80, of("pingsBack"), "of 80 pings come back at 10 %"),
    atMost(0.005, of("callLost"), "of a call's datagrams are lost at 10 %"),
    atMost(20, of("callAddedMillis"), "ms are added to 99 of 100 of them"),
    atMost(0.005, of("videoLost"), "of a video's datagrams are lost at 10 %"),
    atMost(20, of("videoAddedMillis"), "ms are added to 99 of 100 of them"),
    // Not the call's: few datagrams are sent twice, and are few still.
    atMost(0.4, of("videoOverhead"), "bytes more on the line for them"),
    atLeast(0.95, of("narrowUsed"), "of a line of 30 Mbit/s is used"),
    atMost(50, of("narrowQueuePeakMillis"), "ms wait in its queue at most"),
    atLeast(0.33, of("narrowPart"), "of it is left to the tunnel beside plain TCP"),
    atMost(0.67, of("narrowPart"), "of it is taken by the tunnel beside plain TCP"),
  ].filter((verdict) => verdict !== null);
}
