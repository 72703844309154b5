/** Ways that stand at once and are measured in turns, each held against another within the same seconds. */

import type { Throughput } from "../netns/traffic.ts";
import { median, processSeconds } from "./measure.ts";
import { formatRows } from "./table.ts";
import type { Verdict } from "./targets.ts";

/** One of the ways; `run` sends one TCP stream by it. */
export interface Way {
  readonly name: string;
  readonly label: string;
  readonly run: (seconds: number) => Promise<Throughput>;
  /** Processes that carry it. */
  readonly pids: readonly number[];
  /** Name of the way that it is held against; without, the first one. */
  readonly against?: string;
}

/** What came of a way, medians of the rounds. */
export interface Compared {
  readonly label: string;
  readonly gbit: number | null;
  /** Throughput, and its processes' time for each byte, as parts of the other way's in the same round. */
  readonly share: number | null;
  readonly cpuShare: number | null;
}

export interface TurnOptions {
  readonly rounds: number;
  /** Of each run. */
  readonly seconds: number;
}

/** Measures all ways again and again; every other round begins at the other end, so that none always follows another. */
export async function playTurns(
  ways: readonly Way[],
  { rounds, seconds }: TurnOptions,
): Promise<ReadonlyMap<string, Compared>> {
  const taken = new Map<string, readonly { readonly gbit: number; readonly cpu: number }[]>();
  for (const way of ways) await way.run(seconds);
  for (let round = 0; round < rounds; round++) {
    for (const way of round % 2 === 0 ? ways : ways.toReversed()) {
      const before = busy(way);
      const { bitsPerSecond } = await way.run(seconds);
      const gbit = bitsPerSecond / 1e9;
      const cpu = (busy(way) - before) / (gbit * seconds);
      taken.set(way.name, [...(taken.get(way.name) ?? []), { gbit, cpu }]);
      process.stderr.write(`round ${round + 1}, ${way.label}: ${gbit.toFixed(2)} Gbit/s\n`);
    }
  }
  return new Map(
    ways.map(({ name, label, against = ways[0]?.name ?? name }) => {
      const [own, base] = [taken.get(name) ?? [], taken.get(against) ?? []];
      const shares = (figure: "gbit" | "cpu") =>
        median(own.map((each, round) => each[figure] / (base[round]?.[figure] ?? Number.NaN)));
      const compared = {
        label,
        gbit: median(own.map(({ gbit }) => gbit)),
        share: shares("gbit"),
        cpuShare: shares("cpu"),
      };
      return [name, compared];
    }),
  );
}

function busy({ pids }: Way): number {
  return pids.reduce((sum, pid) => sum + processSeconds(pid), 0);
}

/** Table and verdicts. */
export function formatTurns(compared: Iterable<Compared>, verdicts: readonly Verdict[]): string {
  const rows = [...compared].map(({ label, gbit, share, cpuShare }) => [
    label,
    ...[gbit, share, cpuShare].map((value) => value?.toFixed(2) ?? "–"),
  ]);
  return formatRows(
    [["median of the rounds", "TCP Gbit/s", "of the other", "CPU per byte"], ...rows],
    verdicts,
  );
}
