/** What this node says of itself, and when: at once after a change, but never twice within two seconds. */
import type { Millis } from "../../src-shared/ids.ts";
import type { Transport } from "../../src-shared/status.ts";
import type { AdvertisedRoute, NatFacts, NetworkRecord } from "../../src-shared/trust.ts";
import type { Effect, OwnCandidate } from "./effect.ts";

type PublishNode = Extract<Effect, { kind: "publishNode" }>;

/** The last record of this node, and the next one. */
export class Publication {
  #said = "";
  #saidAt: Millis = Number.NEGATIVE_INFINITY;
  /** A relay once answered us: routers of the network can pass datagrams on to this node. */
  #relayed = false;

  /** A session with a relay stands. */
  relayed(): void {
    this.#relayed = true;
  }

  /** The record to publish now, if any; else when to ask again, if ever. */
  due(facts: {
    readonly own: readonly OwnCandidate[];
    readonly takes: readonly Transport[];
    readonly nat?: NatFacts | undefined;
    /** Member relays that it is on, by identity, and what relaying costs here (null: it does not). */
    readonly relays: readonly string[];
    readonly relayCost: number | null;
    /** What this node routes, and would route. */
    readonly routes: readonly AdvertisedRoute[];
    readonly requests: readonly string[];
    readonly record: NetworkRecord | null;
    readonly now: Millis;
  }): {
    readonly effect: PublishNode | null;
    readonly next: Millis | null;
  } {
    const { own, nat, record, now } = facts;
    const routers = this.#relayed ? (record?.routers ?? []).map(({ pin }) => pin) : [];
    const relays = [...facts.relays, ...routers].slice(0, mostRelays);
    const effect: PublishNode = {
      kind: "publishNode",
      candidates: own.slice(0, mostCandidates),
      relays,
      ...(facts.takes.length === 0 ? {} : { takes: facts.takes }),
      ...(nat === undefined ? {} : { nat }),
      ...(facts.relayCost === null ? {} : { relay: { cost: facts.relayCost } }),
      ...(facts.routes.length === 0 ? {} : { routes: facts.routes }),
      ...(facts.requests.length === 0 ? {} : { requests: facts.requests }),
    };
    if (own.length === 0 || textOf(effect) === this.#said) return { effect: null, next: null };
    const next = this.#saidAt + pause;
    return now >= next ? { effect, next: null } : { effect: null, next };
  }

  /** The record was handed over. */
  done(effect: PublishNode, now: Millis): void {
    this.#said = textOf(effect);
    this.#saidAt = now;
  }
}

function textOf({ candidates, relays, takes, nat, relay, routes, requests }: PublishNode): string {
  return JSON.stringify([
    candidates.map(({ endpoint, kind }) => [endpoint, kind]),
    relays,
    takes,
    nat,
    relay,
    routes,
    requests,
  ]);
}

const pause: Millis = 2000;
const mostRelays = 16;
const mostCandidates = 64;
