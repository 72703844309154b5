/**
 * The links that a node opens to one peer: where plain UDP finds no direct way to it, where that loses much or is throttled,
 * or at the user's word.
 */
import type { Millis, SessionKey } from "../../src-shared/ids.ts";
import type { Transport } from "../../src-shared/status.ts";
import type { Candidate, CandidateKind } from "./candidate.ts";
import { isLossy } from "./candidate.ts";
import type { Effect, Endpoint, OwnCandidate } from "./effect.ts";
import { hostPortOf, transportOf } from "./endpoint.ts";
import { isStarved } from "./goodput.ts";
import { inOrder, Ladder } from "./ladder.ts";
import type { Use } from "./use.ts";

/** What a peer can be reached by besides plain UDP, by its own word. */
export interface LinkOffer {
  /** Links that it takes at places of their own. */
  readonly told: readonly OwnCandidate[];
  /** Transports that it takes wherever plain UDP reaches it. */
  readonly takes: readonly Transport[];
}

/** What is known each time. */
export interface PeerLinksFacts {
  readonly peer: SessionKey;
  readonly candidates: readonly Candidate[];
  readonly offer: LinkOffer;
  /** Endpoints of packets now, and of those that would take over. */
  readonly used: Use;
  /** Whether anybody wants to reach it: it is called, or packets flow. */
  readonly isWanted: boolean;
  readonly isHeavy: boolean;
  /** Since when unproved candidates are tried eagerly. */
  readonly eager: Millis;
  /** The transport that alone may be used; null: any. */
  readonly only: Transport | null;
  /** By what links stood from here last. */
  readonly worked: Transport | null;
  readonly now: Millis;
  readonly random: () => number;
}

/** One peer's links. */
export class PeerLinks {
  readonly #ladder = new Ladder();
  #wanted: readonly Endpoint[] = [];
  #next: Millis = Number.POSITIVE_INFINITY;
  /** Since when the lossy-line link is not needed any more; null: it is. */
  #spareSince: Millis | null = null;
  /** When links were looked for last because plain UDP carried little. */
  #soughtMore: Millis = Number.NEGATIVE_INFINITY;

  /** Whether a link is one of those that this end opens to the peer. */
  wants(endpoint: Endpoint): boolean {
    return this.#wanted.includes(endpoint);
  }

  /** Decides which links to keep; says so where that changed. Answers those that are not wanted any more. */
  settle(facts: PeerLinksFacts, emit: (effect: Effect) => void): readonly Endpoint[] {
    const wanted = [...new Set([...this.#climb(facts), ...this.#mend(facts)])];
    const before = this.#wanted;
    if (wanted.join(" ") === before.join(" ")) return [];
    this.#wanted = wanted;
    emit({ kind: "links", peer: facts.peer, wanted });
    return before.filter((endpoint) => !wanted.includes(endpoint));
  }

  /** None is wanted any more. */
  drop(peer: SessionKey, emit: (effect: Effect) => void): void {
    if (this.#wanted.length > 0) emit({ kind: "links", peer, wanted: [] });
    this.#wanted = [];
  }

  /** The network is another one: what failed is tried again at once. */
  hurry(): void {
    this.#ladder.hurry();
  }

  /** When to settle again though nothing was heard. */
  next(): Millis {
    return this.#next;
  }

  /** As what kind of address a link's place is known. */
  static kindOf(endpoint: Endpoint, candidates: readonly Candidate[], offer: LinkOffer): CandidateKind {
    const told = offer.told.find((one) => one.endpoint === endpoint)?.kind;
    const base = candidates.find((one) => isPlace(one, hostPortOf(endpoint)))?.kind;
    return told ?? base ?? "heard";
  }

  /** Links for want of a direct way. */
  #climb(facts: PeerLinksFacts): readonly Endpoint[] {
    const { candidates, isWanted, eager, only, worked, used, now, random } = facts;
    const direct = candidates.filter(
      ({ kind, standing, endpoint }) =>
        kind !== "relay" && standing === "proved" && (only === null || transportOf(endpoint) === only),
    );
    const plain = direct.filter(({ endpoint }) => !this.wants(endpoint));
    const isServed = !isWanted || (plain.length > 0 && !this.#seeksMore(facts));
    const wanted = this.#ladder.climb({
      rungs: inOrder(rungsOf(facts), worked),
      isServed: isServed || only === "udp",
      standing: direct.map(({ endpoint }) => endpoint),
      used: used.active,
      notBefore: eager + (only === null ? patience : 0),
      now,
      random,
    });
    this.#next = this.#ladder.next();
    const end = this.#soughtMore + seekFor;
    if (end > now) this.#next = Math.min(this.#next, end);
    return wanted;
  }

  /** Whether plain UDP carries so little that links are to be compared with it: now and then, for a moment. */
  #seeksMore({ candidates, used, isHeavy, now }: PeerLinksFacts): boolean {
    const active = candidates.find(({ endpoint }) => endpoint === used.active[0]);
    const isDue = now - this.#soughtMore >= seekAgain;
    if (isDue && active !== undefined && transportOf(active.endpoint) === "udp")
      if (isStarved(active, { now, isHeavy })) this.#soughtMore = now;
    return now - this.#soughtMore < seekFor;
  }

  /** The lossy-line link beside a plain way that loses much; kept for a while when it does not any more. */
  #mend({ candidates, offer, used, only, isHeavy, isWanted, now }: PeerLinksFacts): readonly Endpoint[] {
    if (only !== null || !offer.takes.includes("kcp") || !isWanted) return [];
    const all = [...used.active, ...used.standby];
    const lossy = candidates.find(
      (one) =>
        one.kind !== "relay" &&
        transportOf(one.endpoint) === "udp" &&
        one.standing === "proved" &&
        (all.includes(one.endpoint) || all.includes(kcpOf(one))) &&
        isLossy(one, isHeavy, now),
    );
    const kept = this.#wanted.filter((endpoint) => transportOf(endpoint) === "kcp");
    if (lossy !== undefined) {
      this.#spareSince = null;
      return [kcpOf(lossy)];
    }
    if (kept.length === 0) return [];
    const isUsed = kept.some((endpoint) => used.active.includes(endpoint));
    this.#spareSince = isUsed ? null : (this.#spareSince ?? now);
    if (this.#spareSince === null) return kept;
    if (now - this.#spareSince >= spareFor) return [];
    this.#next = Math.min(this.#next, this.#spareSince + spareFor);
    return kept;
  }
}

/** Links by which the peer may be reached, in no order. */
function rungsOf({ candidates, offer, only }: PeerLinksFacts): readonly Endpoint[] {
  const fits = (transport: Transport) => (only === null ? transport !== "kcp" : transport === only);
  const told = offer.told.map(({ endpoint }) => endpoint).filter((endpoint) => fits(transportOf(endpoint)));
  const beside = offer.takes.filter(fits);
  const places = candidates
    .filter(({ kind, endpoint }) => kind !== "relay" && /^[\d[][^@]*$/.test(endpoint))
    .sort((one, other) => placeRank(one) - placeRank(other))
    .slice(0, mostPlaces);
  return [
    ...told,
    ...beside.flatMap((transport) => places.map(({ endpoint }) => `${transport}/${endpoint}`)),
  ];
}

function placeRank({ standing, kind }: Candidate): number {
  return standing === "proved" ? 0 : kind === "heard" ? 2 : 1;
}

function kcpOf({ endpoint }: Candidate): Endpoint {
  return `kcp/${hostPortOf(endpoint)}`;
}

function isPlace({ kind, endpoint }: Candidate, hostPort: string): boolean {
  return kind !== "relay" && transportOf(endpoint) === "udp" && hostPortOf(endpoint) === hostPort;
}

/** Plain UDP and punching have had their chance; meanwhile a relay serves. */
const patience: Millis = 1500;
const mostPlaces = 4;
const spareFor: Millis = 60_000;
/** Time for links to stand and to be found full, or not; a line that is simply slow shall not be tried all the time. */
const seekFor: Millis = 20_000;
const seekAgain: Millis = 600_000;
