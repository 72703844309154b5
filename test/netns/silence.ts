/** How long nothing comes back from a peer while something happens: answers to quick pings, with their times. */
import type { Host } from "./host.ts";
import { waitUntil } from "./wait.ts";

/** Running pings, one every 20 ms. */
export interface Listening {
  /** Waits until answers flow for this long after a moment. Answers the longest silence since then, in milliseconds. */
  silenceSince(moment: number, flowMillis: number): Promise<number>;
  stop(): Promise<void>;
}

export async function listenTo(from: Host, address: string): Promise<Listening> {
  const child = from.start("ping", ["-n", "-D", "-i", "0.02", address]);
  const times = () =>
    [...child.stdout.matchAll(/^\[(\d+\.\d+)\] \d+ bytes/gm)].map(([, at]) => Number(at) * 1000);
  await waitUntil(`answers from ${address}`, () => times().length > 0);
  return {
    silenceSince: async (moment, flowMillis) => {
      let longest = 0;
      await waitUntil(
        `answers from ${address} for ${flowMillis} ms`,
        () => {
          const after = times().filter((at) => at > moment);
          const gaps = after.map((at, index) => at - (after[index - 1] ?? moment));
          longest = Math.max(...gaps, 0);
          const flowing = after.findLast((at, index) => at - (after[index - 1] ?? moment) > pause) ?? moment;
          return (after.at(-1) ?? 0) - Math.max(flowing, moment) > flowMillis;
        },
        30_000,
      );
      return longest;
    },
    stop: async () => {
      await child.stop("SIGINT");
    },
  };
}

/** Milliseconds between answers that count as a silence. */
const pause = 200;
