/** Links between the hosts of a simulated internet: one end opens, both send, what is sent arrives whole or not at all. */
import type { Endpoint } from "../../../src-main/mesh/effect.ts";
import { hostPortOf, transportOf } from "../../../src-main/mesh/endpoint.ts";
import type { HeapClock } from "./clock.ts";
import type { Host, Internet } from "./internet.ts";

/** One open link. */
interface OpenLink {
  readonly from: Host;
  readonly to: Host;
  /** As the opening end names the other, and the other way round. */
  readonly there: Endpoint;
  readonly back: Endpoint;
}

/** All links of a world. */
export class SimLinks {
  readonly #internet: Internet;
  readonly #clock: HeapClock;
  readonly #open: OpenLink[] = [];
  #last = 50_000;
  /** Links opened so far. */
  opened = 0;

  constructor(internet: Internet, clock: HeapClock) {
    this.#internet = internet;
    this.#clock = clock;
  }

  /** How many stand. */
  get count(): number {
    return this.#open.length;
  }

  /** Opens one; answers how long that takes, null when nobody is there or the way is closed. */
  open(from: Host, there: Endpoint): number | null {
    const to = this.#internet.find(hostPortOf(there));
    if (to === null || !this.#passes(from, to, there)) return null;
    const trip = 2 * this.#internet.latency(from.place, to.place);
    this.#clock.after(trips * trip, () => {
      if (!this.#passes(from, to, there)) return;
      this.opened++;
      this.close(from, there);
      const back = `${transportOf(there)}/${from.place.address}:${++this.#last}`;
      this.#open.push({ from, to, there, back });
    });
    return trips * trip + 1;
  }

  close(from: Host, there: Endpoint): void {
    const at = this.#open.findIndex((link) => link.from === from && link.there === there);
    if (at >= 0) this.#open.splice(at, 1);
  }

  /** Whether a link that was opened still leads anywhere. */
  stands(from: Host, there: Endpoint): boolean {
    const link = this.#open.find((each) => each.from === from && each.there === there);
    return link !== undefined && this.#passes(link.from, link.to, there);
  }

  /** Who gets what is sent to an endpoint by a link, as from where, and after how long. */
  send(
    from: Host,
    to: Endpoint,
  ): { readonly host: Host; readonly source: Endpoint; readonly delayMillis: number } | null {
    for (const link of this.#open) {
      const isThere = link.from === from && link.there === to;
      if (!isThere && (link.to !== from || link.back !== to)) continue;
      if (!this.#passes(link.from, link.to, link.there)) return null;
      const [host, source] = isThere ? [link.to, link.back] : [link.from, link.there];
      return { host, source, delayMillis: this.#internet.latency(from.place, host.place) };
    }
    return null;
  }

  #passes(from: Host, to: Host, there: Endpoint): boolean {
    const { passes, passesLinks } = this.#internet;
    return passes(from, to) && passes(to, from) && passesLinks(from, to, transportOf(there));
  }
}

/** Round trips until a link stands. */
const trips = 3;
