/** Where members called out from on this machine's own links. */
import type { Millis, SessionKey } from "../../src-shared/ids.ts";
import type { Endpoint, OwnCandidate } from "./effect.ts";

/** Newest endpoints of each neighbour, until it is silent for a while. */
export class Neighbours {
  readonly #heard = new Map<SessionKey, Map<Endpoint, Millis>>();

  /** A neighbour is there; answers whether that is news. */
  hear(peer: SessionKey, endpoint: Endpoint, now: Millis): boolean {
    const heard = this.#heard.get(peer) ?? new Map<Endpoint, Millis>();
    const isNews = now - (heard.get(endpoint) ?? Number.NEGATIVE_INFINITY) >= goneAfter;
    heard.delete(endpoint);
    heard.set(endpoint, now);
    const [oldest] = heard.size > mostEndpoints ? heard.keys() : [];
    if (oldest !== undefined) heard.delete(oldest);
    this.#heard.set(peer, heard);
    return isNews;
  }

  /** Its endpoints, the newest first. */
  of(peer: SessionKey, now: Millis): readonly OwnCandidate[] {
    const heard = this.#heard.get(peer);
    if (heard === undefined) return [];
    const current = [...heard].filter(([, at]) => now - at < goneAfter).reverse();
    return current.map(([endpoint]) => ({ endpoint, kind: "lan" }));
  }

  /** This machine moved: who was near is so no more. */
  clear(): void {
    this.#heard.clear();
  }
}

/** More than three calls of a neighbour. */
const goneAfter: Millis = 100_000;
const mostEndpoints = 6;
