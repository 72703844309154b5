/** `starmesh ping`: one line an answer, and what they come to. */
import type { Client } from "../../src-shared/api/client.ts";
import type { InputOf } from "../../src-shared/api/contract.ts";
import { AppError } from "../../src-shared/errors.ts";
import type { Context } from "./context.ts";
import { formatLatency } from "./format.ts";

/**
 * Pings until the count is reached or Ctrl-C, then sums up.
 * @throws AppError `peer-unreachable` when nothing came back
 */
export async function ping(context: Context, client: Client, input: InputOf<"peers.ping">): Promise<void> {
  const { terminal } = context;
  const interrupted = interruption();
  const latencies: number[] = [];
  let sent = 0;
  let { peer: name } = input;
  const began = Date.now();
  try {
    for await (const pong of client.stream("peers.ping", input, interrupted.signal)) {
      if (sent === 0) terminal.print(`Pinging ${pong.name} (${pong.address})`);
      sent++;
      name = pong.name;
      if (pong.latencyMs === null) {
        terminal.print(`no answer from ${pong.name}: seq=${pong.sequence}`);
      } else {
        latencies.push(pong.latencyMs);
        const time = formatLatency(pong.latencyMs);
        terminal.print(`from ${pong.name} (${pong.address}): seq=${pong.sequence} time=${time} ${pong.path}`);
      }
    }
  } finally {
    interrupted.forget();
  }
  if (sent === 0) return;
  for (const line of summary(name, { sent, latencies, millis: Date.now() - began })) terminal.print(line);
  if (latencies.length === 0) throw new AppError("peer-unreachable", { name });
}

interface Measured {
  readonly sent: number;
  readonly latencies: readonly number[];
  readonly millis: number;
}

/** The two closing lines: how many came back, and their spread. */
export function summary(name: string, { sent, latencies, millis }: Measured): readonly string[] {
  const received = latencies.length;
  const loss = Math.round(((sent - received) / sent) * 100);
  const counts = `${sent} sent, ${received} received, ${loss} % lost, ${(millis / 1000).toFixed(1)} s`;
  const lines = ["", `--- ${name}: ${counts} ---`];
  if (received === 0) return lines;
  const mean = latencies.reduce((sum, each) => sum + each, 0) / received;
  const spread = Math.sqrt(latencies.reduce((sum, each) => sum + (each - mean) ** 2, 0) / received);
  const numbers = [Math.min(...latencies), mean, Math.max(...latencies), spread].map((each) =>
    each.toFixed(2),
  );
  return [...lines, `round trip min/avg/max/mdev = ${numbers.join("/")} ms`];
}

/** A signal that Ctrl-C and termination give, so that the closing lines are still printed. */
function interruption(): { readonly signal: AbortSignal; forget(): void } {
  const controller = new AbortController();
  const stop = () => controller.abort();
  process.once("SIGINT", stop);
  process.once("SIGTERM", stop);
  return {
    signal: controller.signal,
    forget() {
      process.off("SIGINT", stop);
      process.off("SIGTERM", stop);
    },
  };
}
