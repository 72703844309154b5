/** A fake diary: weeks of a peer's latency as a line of that kind looks, the same for the same peer and time. */
import type { Handlers } from "../../src-shared/api/contract.ts";
import type { DiaryEvent, DiaryPoint } from "../../src-shared/diary.ts";
import type { FakeWorld } from "./engine.ts";
import { surroundingsOf } from "./network.ts";
import type { FakePeer } from "./peer.ts";
import { decisionsOf, isReached, peerStatusOf } from "./peer.ts";
import { locate } from "./peers.ts";

export function diaryHandlers(world: FakeWorld): Pick<Handlers, "diary.read"> {
  return {
    "diary.read": async (input) => {
      const since = Date.parse(input.since);
      const until = input.until === undefined ? world.clock.now() : Date.parse(input.until);
      const span = Math.max(minute, Math.ceil((until - since) / input.points / minute) * minute);
      const asked = input.peer === undefined ? null : locate(world, { ...input, peer: input.peer });
      const networks = input.network === undefined ? world.networks : [world.find(input.network)];
      const about =
        asked === null
          ? networks.flatMap((network) => network.peers.map((peer) => ({ network, peer })))
          : [asked];
      const points: DiaryPoint[] = [];
      if (asked !== null && isReached(asked.peer)) {
        const path = peerStatusOf(asked.peer, surroundingsOf(asked.network)).path;
        const way =
          path === null
            ? null
            : path.kind === "relay"
              ? `via ${path.via.join(", ")}`
              : `direct ${path.remote}`;
        for (let at = Math.floor(since / span) * span; at < until; at += span)
          if (isAwake(asked.peer, at)) points.push(pointOf(asked.peer, { at, span, way }));
      }
      const events: DiaryEvent[] = about
        .flatMap(({ network, peer }) =>
          decisionsOf(peer, { ...surroundingsOf(network), now: world.clock.now() }).map((event) => ({
            ...event,
            network: network.name,
            peer: peer.name,
          })),
        )
        .filter(({ at }) => Date.parse(at) >= since && Date.parse(at) < until)
        .sort((one, other) => Date.parse(one.at) - Date.parse(other.at))
        .slice(-1000);
      return { points, events, spanSeconds: span / 1000 };
    },
  };
}

/** Machines of people sleep at night; the gap is theirs. */
function isAwake(peer: FakePeer, at: number): boolean {
  const hour = new Date(at).getUTCHours();
  return !peer.name.includes("laptop") || hour >= 6;
}

function pointOf(
  peer: FakePeer,
  { at, span, way }: { readonly at: number; readonly span: number; readonly way: string | null },
): DiaryPoint {
  const noise = (salt: number) => fraction(`${peer.name} ${at} ${salt}`);
  const evening = Math.max(0, Math.cos(((at / 3_600_000 - 20) / 24) * 2 * Math.PI)) ** 3;
  const isBusy = fraction(`${peer.name} ${Math.floor(at / 5_400_000)}`) > 0.93;
  const base = peer.baseMs * (1 + 0.35 * evening + (isBusy ? 0.6 : 0));
  const latency = base * (0.96 + 0.08 * noise(1));
  return {
    at: new Date(at).toISOString(),
    latencyMs: tenth(latency),
    lowestMs: tenth(latency * (0.85 + 0.1 * noise(2))),
    highestMs: tenth(latency * (1.1 + 1.2 * noise(3) ** 4 + (isBusy ? 0.5 : 0))),
    lossPercent: isBusy ? tenth(1 + 4 * noise(4)) : noise(5) > 0.97 ? tenth(noise(6)) : 0,
    state: "connected",
    path: way,
    rxBytes: Math.floor((span / 1000) * 10 ** (2 + 4 * noise(7) * (0.4 + evening))),
    txBytes: Math.floor((span / 1000) * 10 ** (2 + 3.4 * noise(8) * (0.4 + evening))),
  };
}

/** A number from 0 up to 1 that belongs to a text. */
function fraction(text: string): number {
  let hash = 2_166_136_261;
  for (const letter of text) hash = Math.imul(hash ^ (letter.codePointAt(0) ?? 0), 16_777_619);
  hash = Math.imul(hash ^ (hash >>> 15), 2_246_822_507);
  return ((hash ^ (hash >>> 13)) >>> 0) / 2 ** 32;
}

function tenth(value: number): number {
  return Math.round(value * 10) / 10;
}

const minute = 60_000;
