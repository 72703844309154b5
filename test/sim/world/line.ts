/** A model of a node's session with its router: the product's own choice of the way, on modelled probes. */
import type { Endpoint } from "../../../src-main/mesh/effect.ts";
import type { WayEffect, WayInput } from "../../../src-main/mesh/router-way.ts";
import { RouterWay } from "../../../src-main/mesh/router-way.ts";
import type { HeapClock } from "./clock.ts";

export interface SimLineOptions {
  readonly clock: HeapClock;
  readonly random: () => number;
  /** One datagram of the session there and its answer back: how long they took, null when either was lost. */
  readonly roundTrip: (endpoint: Endpoint) => number | null;
  readonly want: (links: readonly Endpoint[]) => void;
  readonly stands: (endpoint: Endpoint | null) => void;
}

interface Probed {
  readonly endpoint: Endpoint;
  every: number;
  isProved: boolean;
  missed: number;
  rttMillis: number | null;
  echo: number | null;
}

/** One node's. */
export class SimLine {
  readonly way: RouterWay;
  readonly #options: SimLineOptions;
  #paths = new Map<Endpoint, Probed>();
  #armed: number | null = null;
  #hasSession = false;
  #handshake = 0;
  #stopped = false;

  constructor(options: SimLineOptions) {
    this.#options = options;
    this.way = new RouterWay(options.random);
  }

  hear(input: WayInput): void {
    if (this.#stopped) return;
    if (input.kind === "met") this.#hasSession = false;
    for (const effect of this.way.handle(input, this.#now)) this.#perform(effect);
    const deadline = this.way.deadline(this.#now);
    if (deadline === null || (this.#armed !== null && this.#armed <= deadline)) return;
    this.#armed = deadline;
    this.#later(Math.max(0, deadline - this.#now), () => {
      if (this.#armed !== deadline) return;
      this.#armed = null;
      this.hear({ kind: "tick" });
    });
  }

  stop(): void {
    this.#stopped = true;
  }

  get #now(): number {
    return this.#options.clock.now;
  }

  #perform(effect: WayEffect): void {
    switch (effect.kind) {
      case "links":
        this.#options.want(effect.wanted);
        return;
      case "setPaths":
        this.#setPaths(effect.paths);
        return;
      case "handshake":
        if (effect.force || !this.#hasSession) this.#call(effect.endpoints, ++this.#handshake, 0);
        return;
      case "ping": {
        const { endpoint } = this.way;
        const trip = endpoint === null ? null : this.#options.roundTrip(endpoint);
        if (trip !== null) this.#later(trip, () => this.hear({ kind: "pong" }));
        return;
      }
      case "stands":
        this.#options.stands(effect.endpoint);
    }
  }

  #call(endpoints: readonly Endpoint[], handshake: number, step: number): void {
    const trips = endpoints.map((endpoint) => ({ endpoint, trip: this.#options.roundTrip(endpoint) }));
    for (const { endpoint, trip } of trips)
      if (trip !== null)
        this.#later(trip, () => {
          if (this.#handshake !== handshake) return;
          this.#handshake++;
          this.#hasSession = true;
          this.hear({ kind: "session", endpoint });
        });
    const wait = [250, 500, 1000, 2000][step] ?? 5000;
    if (step < 20)
      this.#later(wait, () => {
        if (this.#handshake === handshake) this.#call(endpoints, handshake, step + 1);
      });
  }

  #setPaths(paths: readonly { readonly endpoint: Endpoint; readonly probeMillis: number }[]): void {
    const kept = new Map<Endpoint, Probed>();
    for (const { endpoint, probeMillis } of paths) {
      const known = this.#paths.get(endpoint);
      const path = known ?? { endpoint, every: 0, isProved: false, missed: 0, rttMillis: null, echo: null };
      kept.set(endpoint, path);
      if (path.every === probeMillis) continue;
      path.every = probeMillis;
      if (probeMillis > 0) this.#probeLater(path, 0, probeMillis);
    }
    this.#paths = kept;
  }

  #probeLater(path: Probed, wait: number, every: number): void {
    this.#later(wait, () => {
      if (this.#paths.get(path.endpoint) !== path || path.every !== every) return;
      this.#probe(path);
      this.#probeLater(path, every, every);
    });
  }

  #probe(path: Probed): void {
    const trip = this.#hasSession ? this.#options.roundTrip(path.endpoint) : null;
    if (trip === null) {
      if (++path.missed < 3 || !path.isProved) {
        if (path.isProved)
          this.#later(200, () => this.#paths.get(path.endpoint) === path && this.#probe(path));
        return;
      }
      path.isProved = false;
      this.#later(0, () => this.hear({ kind: "lost", endpoint: path.endpoint }));
      return;
    }
    path.missed = 0;
    path.rttMillis = trip;
    path.echo = this.#now + trip;
    if (path.isProved) return;
    path.isProved = true;
    this.#later(trip, () => this.hear({ kind: "proved", endpoint: path.endpoint, rttMillis: trip }));
  }

  /** Once a second: what was measured. */
  beat(): void {
    for (const { endpoint, rttMillis, echo } of [...this.#paths.values()]) {
      if (echo === null) continue;
      const loss = {
        loss: 0,
        jitterMillis: 0,
        lossOut: null,
        lossIn: null,
        deliveredPerSecond: null,
        mtu: 1400,
      };
      const measure = { endpoint, rttMillis, minRttMillis: rttMillis, ...loss, lastEchoMillis: echo };
      this.hear({ kind: "measured", measure });
    }
  }

  #later(millis: number, what: () => void): void {
    this.#options.clock.after(millis, () => {
      if (!this.#stopped) what();
    });
  }
}
