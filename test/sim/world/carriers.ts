/** A model of the engine's links: opens those that are wanted, opens them again when they fail, and says so. */
import type { Endpoint } from "../../../src-main/mesh/effect.ts";
import type { HeapClock } from "./clock.ts";
import type { Host } from "./internet.ts";
import type { SimLinks } from "./links.ts";

export interface SimCarriersOptions {
  readonly host: Host;
  readonly links: SimLinks;
  readonly clock: HeapClock;
  readonly random: () => number;
  readonly changed: (endpoint: Endpoint, up: boolean) => void;
}

/** One node's. */
export class SimCarriers {
  readonly #options: SimCarriersOptions;
  readonly #wanted = new Map<string, readonly Endpoint[]>();
  readonly #up = new Set<Endpoint>();
  readonly #opening = new Set<Endpoint>();
  #stopped = false;
  #beats = 0;

  constructor(options: SimCarriersOptions) {
    this.#options = options;
  }

  /** Links that somebody has open or is opening. */
  get kept(): readonly Endpoint[] {
    return [...new Set([...this.#wanted.values()].flat())];
  }

  want(owner: string, wanted: readonly Endpoint[]): void {
    const { links, host } = this.#options;
    if (wanted.length === 0) this.#wanted.delete(owner);
    else this.#wanted.set(owner, wanted);
    const all = this.kept;
    for (const endpoint of [...this.#up])
      if (!all.includes(endpoint)) {
        links.close(host, endpoint);
        this.#set(endpoint, false);
      }
    for (const endpoint of all) {
      if (this.#up.has(endpoint))
        this.#later(1, () => this.#options.changed(endpoint, this.#up.has(endpoint)));
      else this.#open(endpoint, 0);
    }
  }

  stop(): void {
    const { links, host } = this.#options;
    for (const endpoint of this.#up) links.close(host, endpoint);
    this.#stopped = true;
  }

  #open(endpoint: Endpoint, failures: number): void {
    if (this.#opening.has(endpoint) || this.#up.has(endpoint)) return;
    const { links, host, random } = this.#options;
    this.#opening.add(endpoint);
    const takes = links.open(host, endpoint);
    this.#later(takes ?? connecting, () => {
      this.#opening.delete(endpoint);
      if (!this.kept.includes(endpoint)) links.close(host, endpoint);
      else if (links.stands(host, endpoint)) this.#set(endpoint, true);
      else
        this.#later(Math.min(500 * 2 ** failures, 20_000) * (0.5 + random() / 2), () => {
          if (this.kept.includes(endpoint)) this.#open(endpoint, failures + 1);
        });
    });
  }

  /** Once a second: what has been silent for long has ended. */
  beat(): void {
    if (++this.#beats % watching !== 0) return;
    const { links, host } = this.#options;
    for (const endpoint of [...this.#up])
      if (!links.stands(host, endpoint)) {
        links.close(host, endpoint);
        this.#set(endpoint, false);
        if (this.kept.includes(endpoint)) this.#open(endpoint, 0);
      }
  }

  #set(endpoint: Endpoint, up: boolean): void {
    if (up) this.#up.add(endpoint);
    else this.#up.delete(endpoint);
    this.#later(0, () => this.#options.changed(endpoint, this.#up.has(endpoint)));
  }

  #later(millis: number, what: () => void): void {
    this.#options.clock.after(millis, () => {
      if (!this.#stopped) what();
    });
  }
}

const connecting = 2000;
const watching = 3;
