/** What a tunnel makes of a bad line: one TCP stream, an application that speaks UDP, and a narrow line with a neighbour. */
import { setTimeout as delay } from "node:timers/promises";
import { bundle } from "../netns/bundle.mjs";
import type { Line } from "../netns/line.ts";
import { ping, throughput } from "../netns/traffic.ts";
import type { Heard } from "./datagrams.ts";
import type { Pair } from "./measure.ts";

/** One round of one variant over the line; shares are 0–1. */
export interface LossySample {
  /** One TCP stream with CUBIC, Mbit/s, by percent lost in each direction. */
  readonly tcp0: number;
  readonly tcp1: number;
  readonly tcp5: number;
  readonly tcp10: number;
  /** Of 80 pings at 10 %. */
  readonly pingsBack: number;
  /** A call at 10 %, few small datagrams: what of it is lost for good, what 99 of 100 take beyond the line's own delay, bytes on the line beyond its own. */
  readonly callLost: number;
  readonly callAddedMillis: number;
  readonly callOverhead: number;
  /** The same of a video, whose datagrams are larger and follow more closely. */
  readonly videoLost: number;
  readonly videoAddedMillis: number;
  readonly videoOverhead: number;
  /** One TCP stream over a line of 30 Mbit/s: what it delivers, what of the line is used, its queue. */
  readonly narrowMbit: number;
  readonly narrowUsed: number;
  readonly narrowQueueMeanMillis: number;
  readonly narrowQueuePeakMillis: number;
  /** Ping through the tunnel meanwhile, beyond the line's own. */
  readonly narrowPingMillis: number;
  /** Part that the tunnel's stream gets beside one outside of it. */
  readonly narrowPart: number;
}

/** Takes all figures of a pair over a line; `seconds` is the length of each stream. */
export async function measureLossy(pair: Pair, line: Line, seconds: number): Promise<LossySample> {
  const tcp = async (loss: number) => {
    await line.set({ delayMillis, loss });
    return (await stream(pair, seconds)) / 1e6;
  };
  const [tcp0, tcp1, tcp5, tcp10] = [await tcp(0), await tcp(0.01), await tcp(0.05), await tcp(0.1)];
  const { received: pingsBack } = await ping(pair.from, pair.address, { count: 80, intervalSeconds: 0.05 });
  const call = await measureUdp(pair, line, { perSecond: 100, bytes: 400, seconds });
  const video = await measureUdp(pair, line, { perSecond: 1500, bytes: 1200, seconds });
  const narrow = await measureNarrow(pair, line, seconds);
  const { there, back } = await line.takeCounters();
  if (there.overrun + back.overrun > 0) throw new Error("the machine was too slow for the line");
  return {
    ...{ tcp0, tcp1, tcp5, tcp10, pingsBack },
    ...{ callLost: call.lost, callAddedMillis: call.addedMillis, callOverhead: call.overhead },
    ...{ videoLost: video.lost, videoAddedMillis: video.addedMillis, videoOverhead: video.overhead },
    ...narrow,
  };
}

/** What an application sends. */
interface Stream {
  readonly perSecond: number;
  readonly bytes: number;
  readonly seconds: number;
}

interface UdpFigures {
  readonly lost: number;
  readonly addedMillis: number;
  readonly overhead: number;
}

async function measureUdp(pair: Pair, line: Line, sends: Stream): Promise<UdpFigures> {
  const program = await bundle("test/bench/datagrams.ts");
  const args = [program, "hear", pair.address, callPort];
  const hearer = pair.to.start(process.execPath, args);
  await hearer.says(/listening/);
  await line.takeCounters();
  const options = [sends.perSecond, sends.bytes, sends.seconds].map(String);
  const sender = pair.from.start(process.execPath, [program, "send", pair.address, callPort, ...options]);
  const [, sent] = await sender.says(/sent (\d+)/);
  await sender.ended();
  // What is still under way, or sent again.
  await delay(500);
  const { there } = await line.takeCounters();
  hearer.process.stdin.end();
  const heard: Heard = JSON.parse((await hearer.says(/\{.*\}/))[0]);
  const bytes = Number(sent) * (sends.bytes + headerBytes);
  return {
    lost: 1 - heard.received / Number(sent),
    addedMillis: heard.p99Millis - delayMillis,
    // Lost ones passed a part of the line as well.
    overhead: (there.bytes * (1 + there.lost / Math.max(there.passed, 1))) / bytes - 1,
  };
}

type NarrowFigures = Pick<LossySample, Extract<keyof LossySample, `narrow${string}`>>;

async function measureNarrow(pair: Pair, line: Line, seconds: number): Promise<NarrowFigures> {
  await line.set({ delayMillis, bitsPerSecond: narrowBits, queueMillis: 100 });
  const running = stream(pair, seconds + settleSeconds);
  await delay((settleSeconds + warmUpSeconds) * 1000);
  await line.takeCounters();
  const begun = performance.now();
  const pings = await ping(pair.from, pair.address, { count: seconds * 10, intervalSeconds: 0.08 });
  const { there } = await line.takeCounters();
  const took = (performance.now() - begun) / 1000;
  const narrow = await running;
  const plain = stream({ ...pair, address: pair.to.address }, seconds + settleSeconds);
  const [inside, outside] = await Promise.all([stream(pair, seconds + settleSeconds), plain]);
  return {
    narrowMbit: narrow / 1e6,
    narrowUsed: (there.bytes * 8) / took / narrowBits,
    narrowQueueMeanMillis: there.waitMeanMicros / 1000,
    narrowQueuePeakMillis: there.waitPeakMicros / 1000,
    narrowPingMillis:
      pings.millis.reduce((sum, each) => sum + each, 0) / pings.millis.length - 2 * delayMillis,
    narrowPart: inside / (inside + outside),
  };
}

/** Bits per second of one TCP stream. */
async function stream({ from, to, address }: Pair, seconds: number): Promise<number> {
  const options = { seconds, congestion: "cubic", warmUpSeconds } as const;
  return (await throughput(from, { host: to, address }, options)).bitsPerSecond;
}

/** Each way. */
const delayMillis = 10;
const narrowBits = 30e6;
const warmUpSeconds = 1;
const settleSeconds = 2;
const callPort = "6000";
/** Of IPv4 and UDP. */
const headerBytes = 28;
