/** Finds neighbours on the LAN without any server: calls out now and then, answers others, tells who is where. */
import type { Millis, SessionKey } from "../../src-shared/ids.ts";
import { joinHostPort } from "../../src-shared/ids.ts";
import type { System } from "../system/system.ts";
import { BeaconOrder, openBeacon, sealBeacon } from "../transport/beacon.ts";
import type { BeaconSource } from "./beacon-sockets.ts";
import { BeaconSockets } from "./beacon-sockets.ts";

/** A network that calls out. */
export interface BeaconNetwork {
  readonly self: SessionKey;
  /** Keys that seal and open its beacons, the newest first; none until it has an epoch key. */
  readonly keys: () => readonly Uint8Array[];
  /** A neighbour, if it is a member, is there. */
  readonly heard: (peer: SessionKey, endpoint: string) => void;
}

export interface BeaconsOptions {
  readonly system: Pick<System, "interfaces">;
  readonly networks: () => readonly BeaconNetwork[];
  readonly port: () => number;
  readonly isOn: () => boolean;
  readonly now: () => Millis;
  /** 0 ≤ x < 1. */
  readonly random: () => number;
}

/** Runs until `close`. */
export class Beacons {
  readonly #options: BeaconsOptions;
  readonly #order = new BeaconOrder();
  readonly #timers = new Set<NodeJS.Timeout>();
  /** When each neighbour was answered last. */
  readonly #answered = new Map<SessionKey, Millis>();
  #sockets: BeaconSockets | null = null;
  #lastAt: Millis = 0;
  #calling: NodeJS.Timeout | null = null;

  constructor(options: BeaconsOptions) {
    this.#options = options;
  }

  /** At start, after a move, with another port, switched on or off: opens sockets on the links of now, and calls out. */
  renew(): void {
    const { system, isOn } = this.#options;
    this.#stop();
    if (!isOn()) return;
    this.#sockets = new BeaconSockets(system.interfaces(), (bytes, from) => this.#hear(bytes, from));
    // The sockets are bound a moment later; the second call is for a neighbour that missed the first.
    for (const wait of firstCalls) this.#later(wait, () => this.call());
    this.#calling = setInterval(() => this.call(), callMillis);
    this.#calling.unref();
  }

  /** Calls out at once, for every network. */
  call(): void {
    for (const network of this.#options.networks()) {
      const bytes = this.#seal(network, false);
      if (bytes !== null) this.#sockets?.send(bytes);
    }
  }

  close(): void {
    this.#stop();
  }

  #stop(): void {
    if (this.#calling !== null) clearInterval(this.#calling);
    this.#calling = null;
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
    this.#sockets?.close();
    this.#sockets = null;
  }

  #seal({ self, keys }: BeaconNetwork, answers: boolean): Uint8Array | null {
    const [key] = keys();
    const port = this.#options.port();
    if (key === undefined || port === 0) return null;
    // Each beacon of ours is newer than the last, whatever the clock does.
    this.#lastAt = Math.max(this.#options.now(), this.#lastAt + 1);
    return sealBeacon(key, { from: self, port, at: this.#lastAt, answers });
  }

  #hear(bytes: Uint8Array, source: BeaconSource): void {
    for (const network of this.#options.networks()) {
      for (const key of network.keys()) {
        const found = openBeacon(key, bytes);
        if (found === null) continue;
        const now = this.#options.now();
        if (found.from === network.self) return;
        // The same beacon comes over each link and family: every address of a neighbour is of use.
        const isNew = this.#order.takes(found, now);
        if (!isNew && !this.#order.isNewest(found, now)) return;
        network.heard(found.from, joinHostPort(source.host, found.port));
        if (!found.answers && isNew) this.#answer(network, found.from, source);
        return;
      }
    }
  }

  #answer(network: BeaconNetwork, to: SessionKey, source: BeaconSource): void {
    const { now, random } = this.#options;
    if (now() - (this.#answered.get(to) ?? Number.NEGATIVE_INFINITY) < answerPause) return;
    if (this.#answered.size >= mostAnswered) this.#answered.clear();
    this.#answered.set(to, now());
    this.#later(random() * longestWait, () => {
      const bytes = this.#seal(network, true);
      if (bytes !== null) source.answer(bytes);
    });
  }

  #later(millis: number, what: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      what();
    }, millis);
    this.#timers.add(timer);
  }
}

const callMillis = 30_000;
const firstCalls = [50, 1000];
const longestWait = 300;
const answerPause: Millis = 5000;
const mostAnswered = 4096;
