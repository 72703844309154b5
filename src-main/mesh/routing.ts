/**
 * Routes among the relays of one network, found by distance vector: each relay tells its neighbours how far it has to
 * the others, and never takes a way that may lead back to itself. The condition for that is Babel's (RFC 8966 §3.5.1),
 * the distance is the round trip (RFC 9616) plus what each relay on the way costs. Leaves are not destinations: their
 * records name the relays they are on.
 *
 * What others say comes with right signatures: each destination signs its own sequence numbers, so that nobody can
 * make a route newer than it is. A distance can be lied about; a route therefore only says what to try first.
 */
import { toUtf8 } from "../../src-shared/bytes.ts";
import type { IdentityKey, Millis } from "../../src-shared/ids.ts";
import type { RoutesTold } from "../../src-shared/routes.ts";
import { noRoute } from "../../src-shared/routes.ts";
import type { HashOf } from "./membership.ts";
import type { Distance, Neighbour, Offer } from "./neighbour.ts";
import { isLess, isNews, newNeighbour } from "./neighbour.ts";

export interface RoutingOptions {
  readonly self: IdentityKey;
  /** Signature of this node over one of its sequence numbers, base64. */
  readonly sign: (sequence: number) => string;
  readonly hash: HashOf;
}

/** The way to a relay. */
export interface Route {
  /** The neighbour that takes it on. */
  readonly next: IdentityKey;
  /** Milliseconds, the costs of all relays on the way included. */
  readonly metric: number;
}

/** What is to be told to a neighbour. */
export interface Telling {
  readonly neighbour: IdentityKey;
  readonly told: RoutesTold;
}

/** The table of one relay. */
export class Routing {
  readonly #options: RoutingOptions;
  readonly #neighbours = new Map<IdentityKey, Neighbour>();
  readonly #selected = new Map<IdentityKey, Route & Offer>();
  /** The least distance that was told of each destination: only less than that is safe to follow. */
  readonly #least = new Map<IdentityKey, Distance & { readonly at: Millis }>();
  /** Requests sent or passed on lately, so that they do not circle. */
  readonly #asked = new Map<IdentityKey, { readonly sequence: number; readonly at: Millis }>();
  /** Whether some destination has offers of which none is surely no loop. */
  #isStarved = false;
  #cost: number;
  #sequence: number;
  #signature: string;

  constructor(options: RoutingOptions, start: { readonly cost: number; readonly now: Millis }) {
    this.#options = options;
    this.#cost = start.cost;
    // The wall clock is beyond what was used before a restart.
    this.#sequence = start.now;
    this.#signature = options.sign(start.now);
  }

  /** What relaying through this node adds, in milliseconds. */
  setCost(cost: number): void {
    this.#cost = cost;
  }

  /** The link to another relay stands with this round trip, or fell (null): then nothing it said counts. */
  link(identity: IdentityKey, rttMillis: number | null, now: Millis): void {
    const known = this.#neighbours.get(identity);
    if (rttMillis === null) {
      this.#neighbours.delete(identity);
      if (known !== undefined) this.#select(now);
      return;
    }
    if (known === undefined) {
      this.#neighbours.set(identity, newNeighbour(rttMillis, now));
      this.#select(now);
    } else if (known.cost.hear(rttMillis)) {
      this.#select(now);
    }
  }

  /** Whether a relay is a neighbour now. */
  hasLink(identity: IdentityKey): boolean {
    return this.#neighbours.has(identity);
  }

  /** Takes in what a neighbour says; answers with the sum of all that it has said, null for strangers. */
  hear(identity: IdentityKey, told: RoutesTold, now: Millis): string | null {
    const neighbour = this.#neighbours.get(identity);
    if (neighbour === undefined) return null;
    if (told.number > neighbour.heardNumber) {
      neighbour.heardNumber = told.number;
      if (told.full) neighbour.offers.clear();
      for (const { to, metric, sequence, signature } of told.routes) {
        if (to === this.#options.self) continue;
        if (metric >= noRoute || signature === "") neighbour.offers.delete(to);
        else if (neighbour.offers.has(to) || neighbour.offers.size < mostDestinations)
          neighbour.offers.set(to, { sequence, metric, signature });
      }
      this.#select(now);
    }
    for (const request of told.wanted) this.#answer(identity, request, now);
    return this.#sumOf(neighbour.offers);
  }

  /** A neighbour's answer to the telling of that number: the sum of what it has, null when none came. */
  answered(identity: IdentityKey, number: number, sum: string | null, now: Millis): void {
    const neighbour = this.#neighbours.get(identity);
    if (neighbour?.number !== number || sum === this.#sumOf(neighbour.told)) return;
    neighbour.fullAt = sum === null ? neighbour.refreshAt : now + repeatMillis;
  }

  /** What is to be told now, if anything. */
  tellings(now: Millis): readonly Telling[] {
    const tellings: Telling[] = [];
    for (const [identity, neighbour] of this.#neighbours) {
      const told = this.#telling(identity, neighbour, now);
      if (told !== null) tellings.push({ neighbour: identity, told });
    }
    return tellings;
  }

  /** When `tick` and `tellings` have something to do though nothing was heard; null without neighbours. */
  deadline(now: Millis): Millis | null {
    let next: Millis | null = this.#isStarved && this.#neighbours.size > 0 ? now + repeatMillis : null;
    for (const { refreshAt, fullAt } of this.#neighbours.values()) {
      const at = Math.min(refreshAt, fullAt ?? refreshAt);
      if (next === null || at < next) next = at;
    }
    return next;
  }

  /** Time passed: what is gone for long is forgotten, what is starved asks anew. */
  tick(now: Millis): void {
    for (const [to, { at }] of this.#least) {
      if (now - at > forgetMillis && !this.#selected.has(to)) this.#least.delete(to);
    }
    this.#select(now);
  }

  /** The way to a relay; null without one. Followed from relay to relay it never comes back. */
  route(to: IdentityKey): Route | null {
    return this.#selected.get(to) ?? null;
  }

  /**
   * Every way that some neighbour offers, the best first. But for that one they may lead in a circle: whoever takes
   * one keeps a list of the relays passed.
   */
  ways(to: IdentityKey): readonly Route[] {
    const selected = this.#selected.get(to);
    const found: Route[] = [];
    for (const [next, { offers, cost }] of this.#neighbours) {
      const offer = offers.get(to);
      if (offer !== undefined && next !== selected?.next)
        found.push({ next, metric: offer.metric + cost.millis });
    }
    found.sort((one, other) => one.metric - other.metric);
    return selected === undefined ? found : [selected, ...found];
  }

  /** Everything that can be reached, nearest first. */
  routes(): readonly (Route & { readonly to: IdentityKey })[] {
    return [...this.#selected]
      .map(([to, { next, metric }]) => ({ to, next, metric }))
      .sort((one, other) => one.metric - other.metric);
  }

  #telling(identity: IdentityKey, neighbour: Neighbour, now: Millis): RoutesTold | null {
    const isDue = now >= neighbour.refreshAt;
    const full = neighbour.fullAt !== null && now >= neighbour.fullAt;
    if (full) neighbour.told.clear();
    const routes: RoutesTold["routes"] = [];
    const current = this.#toTell(identity);
    for (const [to, offer] of current) {
      const before = neighbour.told.get(to);
      if (before !== undefined && !isNews(before, offer)) continue;
      neighbour.told.set(to, { sequence: offer.sequence, metric: offer.metric });
      this.#lower(to, offer, now);
      routes.push({ to, sequence: offer.sequence, metric: offer.metric, signature: offer.signature });
    }
    for (const to of [...neighbour.told.keys()]) {
      if (current.has(to)) continue;
      neighbour.told.delete(to);
      routes.push({ to, sequence: 0, metric: noRoute, signature: "" });
    }
    const wanted = [...neighbour.wanted].map(([to, request]) => ({ to, ...request }));
    neighbour.wanted.clear();
    if (!full && !isDue && routes.length === 0 && wanted.length === 0) return null;
    if (full) neighbour.fullAt = null;
    neighbour.refreshAt = now + refreshMillis;
    // Beyond all numbers before a restart, as the clock is.
    neighbour.number = Math.max(neighbour.number + 1, now);
    return { version: 1, number: neighbour.number, full, routes, wanted: wanted.slice(0, mostWanted) };
  }

  /** Ourselves, and every selected route but those through the neighbour itself. */
  #toTell(neighbour: IdentityKey): ReadonlyMap<IdentityKey, Offer> {
    const own = { sequence: this.#sequence, metric: this.#cost, signature: this.#signature };
    const found = new Map<IdentityKey, Offer>([[this.#options.self, own]]);
    for (const [to, { next, sequence, metric, signature }] of this.#selected) {
      const told = metric + this.#cost;
      if (to !== neighbour && next !== neighbour && told < noRoute)
        found.set(to, { sequence, metric: told, signature });
    }
    return found;
  }

  #lower(to: IdentityKey, { sequence, metric }: Distance, now: Millis): void {
    const least = this.#least.get(to);
    const lower = least === undefined || isLess({ sequence, metric }, least) ? { sequence, metric } : least;
    this.#least.set(to, { sequence: lower.sequence, metric: lower.metric, at: now });
  }

  /** Chooses anew for every destination. */
  #select(now: Millis): void {
    const destinations = new Set<IdentityKey>(this.#selected.keys());
    this.#isStarved = false;
    for (const { offers } of this.#neighbours.values()) for (const to of offers.keys()) destinations.add(to);
    for (const to of destinations) {
      const best = this.#best(to);
      if (best === null) {
        this.#selected.delete(to);
        this.#askAll(to, now);
      } else {
        this.#selected.set(to, best);
      }
    }
  }

  #best(to: IdentityKey): (Route & Offer) | null {
    const current = this.#selected.get(to);
    let best: (Route & Offer) | null = null;
    let bestRank = Number.POSITIVE_INFINITY;
    for (const [next, { offers, cost }] of this.#neighbours) {
      const offer = offers.get(to);
      if (offer === undefined || !this.#isSafe(to, offer)) continue;
      const metric = offer.metric + cost.millis;
      if (metric >= noRoute) continue;
      const inUse = current?.next === next;
      const rank = metric * (inUse ? loyalty : 1);
      if (rank >= bestRank) continue;
      bestRank = rank;
      best = { next, metric, sequence: offer.sequence, signature: offer.signature };
    }
    return best;
  }

  /** The feasibility condition: nearer, or newer, than anything told from here. */
  #isSafe(to: IdentityKey, offer: Offer): boolean {
    const least = this.#least.get(to);
    return least === undefined || isLess(offer, least);
  }

  /** There are ways, but none that is surely no loop: the destination is asked for a newer sequence number. */
  #askAll(to: IdentityKey, now: Millis): void {
    const least = this.#least.get(to);
    if (least === undefined) return;
    for (const [identity, { offers }] of this.#neighbours) {
      if (!offers.has(to)) continue;
      this.#isStarved = true;
      this.#ask(identity, { to, sequence: least.sequence + 1, hops: mostHops }, now);
    }
  }

  #answer(from: IdentityKey, request: RoutesTold["wanted"][number], now: Millis): void {
    const { to, sequence, hops } = request;
    if (to === this.#options.self) {
      if (sequence > this.#sequence && sequence <= now + farAhead) {
        this.#sequence = sequence;
        this.#signature = this.#options.sign(sequence);
      }
      return;
    }
    const selected = this.#selected.get(to);
    if (selected !== undefined && selected.sequence >= sequence && selected.next !== from) {
      // It has it or lacks it by a loss: told again.
      this.#neighbours.get(from)?.told.delete(to);
      return;
    }
    if (hops <= 1) return;
    // To all that offer it: the one in use may be the one that does not pass it on.
    for (const [identity, { offers }] of this.#neighbours) {
      if (identity !== from && (identity === to || offers.has(to)))
        this.#ask(identity, { to, sequence, hops: hops - 1 }, now);
    }
  }

  #ask(identity: IdentityKey, request: RoutesTold["wanted"][number], now: Millis): void {
    const { to, sequence, hops } = request;
    const neighbour = this.#neighbours.get(identity);
    const asked = this.#asked.get(to);
    const isRepeat = asked !== undefined && asked.sequence >= sequence && now - asked.at < repeatMillis;
    const isSameTurn = asked?.at === now;
    if (neighbour === undefined || (isRepeat && !isSameTurn)) return;
    this.#asked.set(to, { sequence, at: now });
    neighbour.wanted.set(to, { sequence, hops });
  }

  #sumOf(distances: ReadonlyMap<IdentityKey, Distance>): string {
    const lines = [...distances].map(([to, { sequence, metric }]) => `${to} ${sequence} ${metric}`).sort();
    return this.#options.hash(toUtf8(lines.join("\n")));
  }
}

/** Links between relays are probed this often. */
export const probeMillis: Millis = 5000;
/** Neighbours compare what they have every fourth probe. */
const refreshMillis: Millis = 4 * probeMillis;
/** All is said again, or a request repeated, at most this often. */
const repeatMillis: Millis = 1000;
/** A distance told of a destination that is gone is forgotten; by then nobody follows it. */
const forgetMillis: Millis = 600_000;
/** A sequence number this far beyond the clock is nobody's honest wish. */
const farAhead: Millis = 7 * 86_400_000;
/** What is in use stays unless another is better by a tenth. */
const loyalty = 0.9;
const mostHops = 16;
const mostDestinations = 256;
const mostWanted = 64;
