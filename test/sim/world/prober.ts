/** Probes the paths of a model of the data plane: which answer, which are lost, how long they take. */
import type { Effect, Endpoint, Input } from "../../../src-main/mesh/effect.ts";
import type { SessionKey } from "../../../src-shared/ids.ts";
import type { HeapClock } from "./clock.ts";
import type { Link, Path } from "./plane-link.ts";
import { newPath, routeOf } from "./plane-link.ts";

export interface ProberOptions {
  readonly clock: HeapClock;
  readonly links: ReadonlyMap<SessionKey, Link>;
  readonly isStopped: () => boolean;
  /** Probe and echo of so many bytes; null: none came back. */
  readonly roundTrip: (link: Link, endpoint: Endpoint, bytes: number) => number | null;
  readonly tell: (event: Extract<Input, { kind: "proved" | "lost" }>) => void;
}

/** One plane's. */
export class Prober {
  readonly #options: ProberOptions;

  constructor(options: ProberOptions) {
    this.#options = options;
  }

  /** These paths from now on. */
  setPaths({ peer, paths, active, standby }: Extract<Effect, { kind: "setPaths" }>): void {
    const link = this.#options.links.get(peer);
    if (link === undefined) return;
    link.active = active;
    link.standby = standby;
    const kept = new Map<Endpoint, Path>();
    for (const { endpoint, probeMillis } of paths) {
      const path = link.paths.get(endpoint) ?? newPath(endpoint);
      kept.set(endpoint, path);
      if (path.every === probeMillis) continue;
      const isSooner = path.every === 0 || probeMillis < path.every;
      path.every = probeMillis;
      if (probeMillis > 0) path.dueAt = isSooner ? this.#now : this.#now + probeMillis;
      if (probeMillis > 0 && probeMillis < 1000 && !path.hasTimer) this.#probeLater(link, path);
    }
    link.paths = kept;
  }

  /** Probes what is due on the beat. */
  beat(): void {
    for (const link of this.#options.links.values()) {
      if (link.session === null) continue;
      for (const path of [...link.paths.values()]) {
        if (path.every < 1000 || path.hasTimer || path.dueAt > this.#now) continue;
        path.dueAt = this.#now + path.every - beatMillis / 2;
        this.#probe(link, path);
      }
    }
  }

  /** A timer for as long as the path is probed more often than every second. */
  #probeLater(link: Link, path: Path): void {
    path.hasTimer = true;
    this.#options.clock.after(Math.max(0, path.dueAt - this.#now), () => {
      path.hasTimer = false;
      const isCurrent = link.paths.get(path.endpoint) === path && this.#options.links.get(link.key) === link;
      if (!isCurrent || this.#options.isStopped() || path.every === 0 || path.every >= 1000) return;
      path.dueAt = this.#now + path.every;
      if (link.session !== null) this.#probe(link, path);
      this.#probeLater(link, path);
    });
  }

  #probe(link: Link, path: Path): void {
    const isWhole = path.probes++ % wholeEvery === 0 && this.#now - path.wholeAt >= wholeMillis;
    if (isWhole) path.wholeAt = this.#now;
    const bytes = smallBytes + (isWhole ? wholeBytes : 0);
    const rtt = this.#options.roundTrip(link, path.endpoint, bytes);
    path.answered = ((path.answered << 1) | (rtt === null ? 0 : 1)) & 0xfffff;
    path.sent = Math.min(20, path.sent + 1);
    path.isFresh = true;
    if (rtt === null) {
      if (path.missed++ === 0) path.silentSince = this.#now;
      const { silentSince } = path;
      const owed =
        path.endpoint === routeOf(link) && link.sentAt >= silentSince && link.receivedAt < silentSince;
      if (!path.isProved) return;
      if (path.missed < (owed ? 2 : 3)) {
        this.#options.clock.after(recheckMillis, () => {
          const isCurrent =
            link.paths.get(path.endpoint) === path && this.#options.links.get(link.key) === link;
          if (isCurrent && !this.#options.isStopped() && path.missed > 0 && link.session !== null)
            this.#probe(link, path);
        });
        return;
      }
      path.isProved = false;
      this.#options.tell({ kind: "lost", peer: link.key, endpoint: path.endpoint });
      return;
    }
    path.missed = 0;
    link.receivedAt = this.#now + rtt;
    path.rttMillis = path.rttMillis === null ? rtt : path.rttMillis * 0.875 + rtt * 0.125;
    path.minRttMillis = Math.min(path.minRttMillis ?? rtt, rtt);
    path.lastEchoMillis = this.#now + rtt;
    if (path.isProved) return;
    this.#options.clock.after(rtt, () => {
      if (path.isProved || link.paths.get(path.endpoint) !== path) return;
      path.isProved = true;
      this.#options.tell({ kind: "proved", peer: link.key, endpoint: path.endpoint, rttMillis: rtt });
    });
  }

  get #now(): number {
    return this.#options.clock.now;
  }
}

/** A probe on the wire; with every fourth goes one of full size, but rarely while few packets flow. */
const smallBytes = 85;
const wholeBytes = 1460;
const wholeEvery = 4;
const wholeMillis = 30_000;
/** After a missed probe the next one leaves so soon. */
const recheckMillis = 200;
/** A plane's beat; probes that ride on it are up to half of it early. */
const beatMillis = 1000;
