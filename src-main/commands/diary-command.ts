/** `starmesh diary`: what was decided about peers over days, and how fast one was. */
import type { Command } from "commander";
import type { Diary, DiaryPoint } from "../../src-shared/diary.ts";
import { parseDuration } from "./arguments.ts";
import type { Context, ReadOptions } from "./context.ts";
import { withEngine } from "./engine.ts";
import { formatBytes, formatLatency, formatLoss, formatTime } from "./format.ts";

interface DiaryOptions extends ReadOptions {
  readonly network?: string;
  readonly since: string;
}

export function addDiaryCommand(program: Command, context: Context): void {
  const { terminal } = context;
  program
    .command("diary")
    .argument("[PEER]", "its name, address or the beginning of its key; without one, everybody")
    .description("tell what was decided about peers over the last days, and how fast one was")
    .option("--since <TIME>", "how far back: 30m, 24h, 7d; kept are two weeks", "24h")
    .option("--network <NETWORK>", "of this network only")
    .option("--json", "as JSON")
    .addHelpText("after", examples)
    .action(async (peer: string | undefined, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<DiaryOptions>();
      const since = new Date(Date.now() - parseDuration(options.since) * 1000).toISOString();
      const diary = await withEngine(context, options, (client) =>
        client.call("diary.read", {
          since,
          points: columns,
          ...(peer === undefined ? {} : { peer }),
          ...(options.network === undefined ? {} : { network: options.network }),
        }),
      );
      if (options.json) return terminal.json(diary);
      if (peer !== undefined) printPoints(context, diary, Date.parse(since));
      printEvents(context, diary, peer !== undefined);
    });
}

/** A bar for each span, the highest for the slowest; a space where nothing was measured. */
export function latencyLine(
  points: readonly DiaryPoint[],
  { since, span, until }: { readonly since: number; readonly span: number; readonly until: number },
): string {
  const highest = Math.max(0, ...points.map(({ latencyMs }) => latencyMs ?? 0));
  const bars = new Map(
    points.map(({ at, latencyMs }) => [
      Math.floor((Date.parse(at) - Math.floor(since / span) * span) / span),
      latencyMs === null ? " " : (levels[Math.ceil((latencyMs / highest) * levels.length) - 1] ?? levels[0]),
    ]),
  );
  const first = Math.floor(since / span) * span;
  const length = Math.max(1, Math.ceil((until - first) / span));
  return Array.from({ length }, (_, at) => bars.get(at) ?? " ").join("");
}

function printPoints({ terminal }: Context, { points, spanSeconds }: Diary, since: number): void {
  const measured = points.flatMap(({ latencyMs }) => latencyMs ?? []).sort((one, other) => one - other);
  if (points.length === 0) {
    terminal.print("No traffic in this time.");
    terminal.print("");
    return;
  }
  const line = latencyLine(points, { since, span: spanSeconds * 1000, until: Date.now() });
  const lowest = Math.min(...points.flatMap(({ lowestMs }) => lowestMs ?? []));
  const highest = Math.max(...points.flatMap(({ highestMs }) => highestMs ?? []));
  const losses = points.flatMap(({ lossPercent }) => lossPercent ?? []);
  const loss = losses.reduce((sum, each) => sum + each, 0) / Math.max(1, losses.length);
  const received = points.reduce((sum, { rxBytes }) => sum + rxBytes, 0);
  const sent = points.reduce((sum, { txBytes }) => sum + txBytes, 0);
  terminal.print(`Latency  ${line.trimEnd()}`);
  const median = measured[Math.floor((measured.length - 1) / 2)] ?? null;
  if (median !== null) {
    terminal.print(
      `         median ${formatLatency(median)}, lowest ${formatLatency(lowest)}, highest ${formatLatency(highest)}, loss ${formatLoss(loss)}`,
    );
  }
  terminal.print(`Traffic  received ${formatBytes(received)}, sent ${formatBytes(sent)}`);
  terminal.print("");
}

function printEvents({ terminal }: Context, { events }: Diary, isOne: boolean): void {
  if (events.length === 0) {
    terminal.print("Nothing was decided in this time.");
    return;
  }
  const several = new Set(events.map(({ network }) => network)).size > 1;
  terminal.table(
    ["TIME", "NETWORK", "PEER", "WHAT"],
    events.map(({ at, network, peer, text }) => [
      formatTime(at),
      several ? network : "",
      isOne ? "" : peer,
      text,
    ]),
  );
}

const levels = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"] as const;
/** Spans of the line: it fits a terminal of 80. */
const columns = 70;
const examples = `
Examples:
  starmesh diary                   everything of the last day
  starmesh diary nas --since 7d    how fast nas was this week, and why its path changed
`;
