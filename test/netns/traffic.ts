/** Traffic through the laboratory: `ping` and `iperf3`, run and read. */
import type { Host } from "./host.ts";

export interface PingResult {
  readonly sent: number;
  readonly received: number;
  /** Round trips in milliseconds, in the order they came. */
  readonly millis: readonly number[];
}

export interface PingOptions {
  readonly count?: number;
  readonly intervalSeconds?: number;
  /** Hops that a packet may take. */
  readonly hops?: number;
  readonly waitSeconds?: number;
}

/** Pings an address from a host. */
export async function ping(from: Host, address: string, options: PingOptions = {}): Promise<PingResult> {
  const { count = 3, intervalSeconds = 0.1, hops, waitSeconds = 2 } = options;
  const args = ["-n", "-c", String(count), "-i", String(intervalSeconds), "-W", String(waitSeconds)];
  const limit = hops === undefined ? [] : ["-t", String(hops)];
  const { stdout } = await from.run("ping", [...args, ...limit, address], {
    timeoutMillis: 30_000 + count * (intervalSeconds + 1) * 1000,
  });
  return parsePing(stdout);
}

/** What `ping` of iputils printed. */
export function parsePing(text: string): PingResult {
  const totals = /(\d+) packets transmitted, (\d+) received/.exec(text);
  return {
    sent: Number(totals?.[1] ?? 0),
    received: Number(totals?.[2] ?? 0),
    millis: [...text.matchAll(/ time=([\d.]+) ms/g)].map((match) => Number(match[1])),
  };
}

export interface Throughput {
  /** Received by the far end. */
  readonly bitsPerSecond: number;
  /** UDP only. */
  readonly packetsPerSecond: number;
  readonly lostPercent: number;
}

export interface ThroughputOptions {
  readonly seconds?: number;
  readonly streams?: number;
  /** The server sends. */
  readonly reverse?: boolean;
  /** Congestion control of the sender; the machine's own without. */
  readonly congestion?: "cubic" | "bbr" | "reno";
  /** Seconds at the beginning that do not count. */
  readonly warmUpSeconds?: number;
  /** UDP datagrams of this many bytes at this rate (`0`: as fast as they go). */
  readonly udp?: { readonly bytes: number; readonly bitsPerSecond: number };
}

/**
 * Runs iperf3 from one host to an address of another, which has it itself unless it is to be bound to its own. `port`: one
 * that leads there; without, any.
 */
export async function throughput(
  from: Host,
  to: { readonly host: Host; readonly address: string; readonly bind?: string; readonly port?: number },
  options: ThroughputOptions = {},
): Promise<Throughput> {
  const { seconds = 2, streams = 1, reverse = false, udp, congestion, warmUpSeconds = 0 } = options;
  const port = String(to.port ?? nextPort++);
  const server = to.host.start("iperf3", [
    "-s",
    "-1",
    "-B",
    to.bind ?? to.address,
    "-p",
    port,
    "--forceflush",
  ]);
  await server.says(/Server listening/);
  const client = await from.run("iperf3", [
    ...["-c", to.address, "-p", port, "-t", String(seconds), "-P", String(streams), "-J"],
    ...(reverse ? ["-R"] : []),
    ...(congestion === undefined ? [] : ["-C", congestion]),
    ...(warmUpSeconds === 0 ? [] : ["-O", String(warmUpSeconds)]),
    ...(udp === undefined ? [] : ["-u", "-l", String(udp.bytes), "-b", String(udp.bitsPerSecond)]),
  ]);
  await server.stop();
  return parseThroughput(client.stdout);
}

/** What `iperf3 -J` printed at the client. Throws with its own words when it failed. */
export function parseThroughput(text: string): Throughput {
  const report = JSON.parse(text);
  if (typeof report.error === "string") throw new Error(`iperf3: ${report.error}`);
  const udp = report.end.sum;
  if (udp?.packets !== undefined) {
    const received = report.end.sum_received ?? udp;
    const packets = (received.packets ?? udp.packets) - (received.lost_packets ?? udp.lost_packets);
    return {
      bitsPerSecond: received.bits_per_second,
      packetsPerSecond: packets / received.seconds,
      lostPercent: received.lost_percent ?? udp.lost_percent,
    };
  }
  return { bitsPerSecond: report.end.sum_received.bits_per_second, packetsPerSecond: 0, lostPercent: 0 };
}

let nextPort = 5201;
