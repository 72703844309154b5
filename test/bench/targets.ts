/** What is aimed at, held against the medians. */
import type { Figure } from "./measure.ts";
import type { Whole } from "./whole.ts";

export interface Verdict {
  readonly met: boolean;
  readonly text: string;
}

type Medians = ReadonlyMap<string, Readonly<Record<Figure, number | null>>>;

/** Verdicts on all targets whose figures were measured. */
export function judge(medians: Medians, whole: Whole | null): readonly Verdict[] {
  const value = (variant: string, figure: Figure) => medians.get(variant)?.[figure] ?? null;
  const ratio = (figure: Figure, one: string, other: string) => {
    const [upper, lower] = [value(one, figure), value(other, figure)];
    return upper === null || lower === null ? null : upper / lower;
  };
  const difference = (figure: Figure, one: string, other: string) => {
    const [upper, lower] = [value(one, figure), value(other, figure)];
    return upper === null || lower === null ? null : upper - lower;
  };
  return [
    atLeast(3, ratio("tcpGbit", "suite1", "wireguard"), "× wireguard-go, one TCP stream, AES-256-GCM"),
    atLeast(0.75, ratio("tcpGbit", "suite1", "null"), "of the null data plane, one TCP stream, AES-256-GCM"),
    atLeast(2, ratio("tcpGbit", "suite2", "wireguard"), "× wireguard-go, one TCP stream, ChaCha20-Poly1305"),
    atLeast(4, ratio("udpKpps", "suite1", "wireguard"), "× wireguard-go, UDP 64-byte packets received"),
    atLeast(
      0.6,
      ratio("tcpGbit", "relay", "routed"),
      "of the direct throughput through a relay, one TCP stream",
    ),
    atLeast(
      0.95,
      ratio("tcpGbit", "filter", "suite1"),
      "of the throughput without rules and routes, one TCP stream, with 10,000 and 5,000",
    ),
    atLeast(2, value("tls", "tcpGbit"), "Gbit/s over tls, one TCP stream"),
    atLeast(1.5, value("quic", "tcpGbit"), "Gbit/s over quic, one TCP stream"),
    atLeast(1.2, value("wss", "tcpGbit"), "Gbit/s over wss, one TCP stream"),
    atMost(250, difference("idleMeanMicros", "suite1", "bare"), "µs of idle ping above the bare link"),
    atMost(1500, value("suite1", "loadMeanMicros"), "µs of ping under load"),
    atMost(2, value("suite1", "cpuSecondsPerGb"), "processor seconds per GB"),
    atMost(90, whole?.idleMegabytes ?? null, `MB resident, headless and idle with ${whole?.peers} peers`),
    atMost(
      0.2,
      whole === null ? null : whole.idleShare * 60,
      `processor seconds a minute, idle with ${whole?.peers} peers that were used lately`,
    ),
    atMost(
      0.2,
      whole === null ? null : whole.restShare * 60,
      `processor seconds a minute, idle with ${whole?.peers} peers that were not used for five minutes`,
    ),
    atMost(2000, whole?.joinMillis ?? null, "ms from join to first packet"),
  ].filter((verdict) => verdict !== null);
}

/** Null where nothing was measured. */
export function atLeast(target: number, value: number | null, what: string): Verdict | null {
  return value === null
    ? null
    : { met: value >= target, text: `${value.toFixed(2)} ${what} (at least ${target})` };
}

/** Null where nothing was measured. */
export function atMost(target: number, value: number | null, what: string): Verdict | null {
  return value === null
    ? null
    : { met: value <= target, text: `${value.toFixed(2)} ${what} (at most ${target})` };
}
