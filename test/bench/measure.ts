/** What is measured on one pair of hosts, and what it means. */
import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import type { Host } from "../netns/host.ts";
import type { PingResult } from "../netns/traffic.ts";
import { ping, throughput } from "../netns/traffic.ts";

/** Two hosts that reach one another; `pids` are the processes that carry the packets. */
export interface Pair {
  readonly from: Host;
  readonly to: Host;
  /** Address of `to` inside what is measured. */
  readonly address: string;
  readonly pids: readonly number[];
}

/** One round of one variant; null where there is nothing to measure. */
export interface Sample {
  readonly tcpGbit: number;
  readonly reverseGbit: number;
  readonly fourGbit: number;
  /** UDP datagrams of 64 bytes received, thousands per second. */
  readonly udpKpps: number;
  readonly idleMeanMicros: number;
  readonly idleP99Micros: number;
  readonly loadMeanMicros: number;
  /** Processor seconds of the whole machine for 10⁹ bytes of one TCP stream. */
  readonly cpuSecondsPerGb: number;
  /** Largest process that carries packets: before traffic, and its peak. */
  readonly idleMegabytes: number | null;
  readonly peakMegabytes: number | null;
}

export type Figure = keyof Sample;

/** Takes all figures of a pair, one after the other; `seconds` is the length of each throughput run. */
export async function measure(pair: Pair, seconds: number): Promise<Sample> {
  const { from, address, pids } = pair;
  const there = { host: pair.to, address };
  await ping(from, address, { count: 20, intervalSeconds: 0.01 });
  const idleMegabytes = memory(pids, "VmRSS");
  const idle = await ping(from, address, { count: 400, intervalSeconds: 0.005 });
  const before = busySeconds();
  const tcp = await throughput(from, there, { seconds });
  const cpuSeconds = busySeconds() - before;
  const reverse = await throughput(from, there, { seconds, reverse: true });
  const four = await throughput(from, there, { seconds, streams: 4 });
  const udp = await throughput(from, there, { seconds, udp: { bytes: 64, bitsPerSecond: 0 } });
  const loaded = throughput(from, there, { seconds });
  const load = await ping(from, address, { count: Math.max(20, (seconds - 1) * 50), intervalSeconds: 0.02 });
  await loaded;
  return {
    tcpGbit: tcp.bitsPerSecond / 1e9,
    reverseGbit: reverse.bitsPerSecond / 1e9,
    fourGbit: four.bitsPerSecond / 1e9,
    udpKpps: udp.packetsPerSecond / 1e3,
    idleMeanMicros: mean(idle),
    idleP99Micros: percentile(idle, 0.99),
    loadMeanMicros: mean(load),
    cpuSecondsPerGb: cpuSeconds / ((tcp.bitsPerSecond * seconds) / 8e9),
    idleMegabytes,
    peakMegabytes: memory(pids, "VmHWM"),
  };
}

/** Middle value; the mean of the two middle ones of an even count. Null of nothing. */
export function median(values: readonly number[]): number | null {
  const sorted = values.toSorted((one, other) => one - other);
  const middle = sorted.length / 2;
  const high = sorted[Math.floor(middle)];
  if (high === undefined) return null;
  return sorted.length % 2 === 1 ? high : ((sorted[middle - 1] ?? high) + high) / 2;
}

/** The machine, as far as it explains the figures. */
export function machine(): Readonly<Record<string, string | number>> {
  const model = /^model name\s*:\s*(.+)$/m.exec(readFileSync("/proc/cpuinfo", "utf8"))?.[1] ?? "unknown";
  const flags = /^flags\s*:\s*(.+)$/m.exec(readFileSync("/proc/cpuinfo", "utf8"))?.[1]?.split(" ") ?? [];
  return {
    processor: model,
    cores: availableParallelism(),
    aes: ["aes", "vaes", "vpclmulqdq"].filter((flag) => flags.includes(flag)).join(" "),
    kernel: readFileSync("/proc/sys/kernel/osrelease", "utf8").trim(),
    congestionControl: readFileSync("/proc/sys/net/ipv4/tcp_congestion_control", "utf8").trim(),
    node: process.version,
  };
}

/** Seconds of a process's own processor time. */
export function processSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
    .replace(/^.*\) /, "")
    .split(" ");
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

/** Megabytes of the largest of some processes: `VmRSS` now, `VmHWM` at its peak. */
export function memory(pids: readonly number[], field: "VmRSS" | "VmHWM"): number | null {
  if (pids.length === 0) return null;
  const kilobytes = pids.map((pid) => {
    const text = readFileSync(`/proc/${pid}/status`, "utf8");
    return Number(new RegExp(`^${field}:\\s*(\\d+)`, "m").exec(text)?.[1] ?? 0);
  });
  return (Math.max(...kilobytes) * 1024) / 1e6;
}

function busySeconds(): number {
  const [, user, nice, system, , , interrupts, soft] = readFileSync("/proc/stat", "utf8").split(/\s+/);
  return (
    [user, nice, system, interrupts, soft].reduce((sum, ticks) => sum + Number(ticks), 0) / ticksPerSecond
  );
}

function mean({ millis }: PingResult): number {
  return (millis.reduce((sum, value) => sum + value, 0) / millis.length) * 1000;
}

function percentile({ millis }: PingResult, share: number): number {
  const sorted = millis.toSorted((one, other) => one - other);
  return (sorted[Math.floor(sorted.length * share)] ?? Number.NaN) * 1000;
}

const ticksPerSecond = 100;
