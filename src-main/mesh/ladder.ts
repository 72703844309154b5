/**
 * Which links to open where plain UDP does not serve: one after the other in order of preference, the next before the
 * last has timed out, a few at a time; for ever, ever more rarely while none of them comes to stand.
 */
import type { Millis } from "../../src-shared/ids.ts";
import type { Transport } from "../../src-shared/status.ts";
import type { Endpoint } from "./effect.ts";
import { transportOf } from "./endpoint.ts";

/** What is known each time. */
export interface LadderFacts {
  /** Links that could be opened, best first. */
  readonly rungs: readonly Endpoint[];
  /** Whether what needs no link serves. */
  readonly isServed: boolean;
  /** Those over which packets would arrive now. */
  readonly standing: readonly Endpoint[];
  /** Those that carry packets, or are the next to. */
  readonly used: readonly Endpoint[];
  /** When the first may be opened: what needs no link has its time before. */
  readonly notBefore: Millis;
  readonly now: Millis;
  /** 0 ≤ x < 1. */
  readonly random: () => number;
}

/** How it went with one link. */
interface Trial {
  /** When it was begun; null: it is not wanted now. */
  began: Millis | null;
  hasStood: boolean;
  failures: number;
  notBefore: Millis;
}

/** The links to one host, or to one machine. */
export class Ladder {
  readonly #trials = new Map<Endpoint, Trial>();
  /** When a link was begun last. */
  #last: Millis = Number.NEGATIVE_INFINITY;
  /** Since when one of them stands, or something better serves; null: neither. */
  #stoodSince: Millis | null = null;
  #servedSince: Millis | null = null;
  #next: Millis = Number.POSITIVE_INFINITY;

  /** The links to keep open from now on, or to open. */
  climb(facts: LadderFacts): readonly Endpoint[] {
    const { rungs, isServed, now } = facts;
    this.#next = Number.POSITIVE_INFINITY;
    for (const endpoint of this.#trials.keys()) if (!rungs.includes(endpoint)) this.#trials.delete(endpoint);
    for (const endpoint of rungs) this.#judge(this.#of(endpoint), facts.standing.includes(endpoint), facts);
    this.#servedSince = isServed ? (this.#servedSince ?? now) : null;
    if (this.#servedSince !== null) this.#release(facts, this.#servedSince + linger);
    else if (rungs.some((endpoint) => this.#stands(endpoint, facts))) {
      this.#stoodSince ??= now;
      // As long as none of them was chosen, none is let go.
      const isChosen = facts.used.some((endpoint) => this.#stands(endpoint, facts));
      if (isChosen) this.#release(facts, this.#stoodSince + comparing);
    } else {
      this.#stoodSince = null;
      this.#begin(facts);
    }
    return rungs.filter((endpoint) => this.#of(endpoint).began !== null);
  }

  /** When to climb again though nothing was heard. */
  next(): Millis {
    return this.#next;
  }

  /** Links that failed lately may be tried at once: the network is another one. */
  hurry(): void {
    for (const trial of this.#trials.values()) Object.assign(trial, { failures: 0, notBefore: 0 });
  }

  /** A link that fell, or did not come to stand in time, rests for a while. */
  #judge(trial: Trial, stands: boolean, { now, random }: LadderFacts): void {
    if (trial.began === null) return;
    if (stands) {
      Object.assign(trial, { hasStood: true, failures: 0 });
      return;
    }
    if (!trial.hasStood && now < trial.began + patience) {
      this.#at(trial.began + patience);
      return;
    }
    const failures = trial.failures + 1;
    const rest = Math.min(firstRest * 2 ** (failures - 1), longestRest) * (0.8 + 0.4 * random());
    Object.assign(trial, { began: null, hasStood: false, failures, notBefore: now + rest });
  }

  /** Keeps what is used; the others until then, so that they can be compared or taken again. */
  #release({ rungs, used, now }: LadderFacts, until: Millis): void {
    for (const endpoint of rungs) {
      const trial = this.#of(endpoint);
      if (trial.began === null || used.includes(endpoint)) continue;
      if (now >= until) Object.assign(trial, { began: null, hasStood: false });
      else this.#at(until);
    }
  }

  #begin({ rungs, notBefore, now }: LadderFacts): void {
    let running = rungs.filter((endpoint) => this.#of(endpoint).began !== null).length;
    for (const endpoint of rungs) {
      const trial = this.#of(endpoint);
      if (trial.began !== null) continue;
      if (running >= mostAtOnce) return;
      const due = Math.max(trial.notBefore, notBefore, this.#last + stagger);
      if (now < due) {
        this.#at(due);
        if (trial.notBefore <= now) return;
        continue;
      }
      Object.assign(trial, { began: now, hasStood: false });
      this.#last = now;
      this.#at(now + patience);
      running++;
    }
  }

  #stands(endpoint: Endpoint, { standing }: LadderFacts): boolean {
    return this.#trials.get(endpoint)?.began != null && standing.includes(endpoint);
  }

  #of(endpoint: Endpoint): Trial {
    const known = this.#trials.get(endpoint);
    if (known !== undefined) return known;
    const trial = { began: null, hasStood: false, failures: 0, notBefore: 0 };
    this.#trials.set(endpoint, trial);
    return trial;
  }

  #at(time: Millis): void {
    this.#next = Math.min(this.#next, time);
  }
}

/** Links in the order in which they are tried: what worked here before first, then what costs least. */
export function inOrder(endpoints: readonly Endpoint[], worked: Transport | null): readonly Endpoint[] {
  const rank = (endpoint: Endpoint) => {
    const transport = transportOf(endpoint);
    return transport === worked ? -1 : usualOrder.indexOf(transport);
  };
  return [...new Set(endpoints)].sort((one, other) => rank(one) - rank(other));
}

/** Without handshakes of its own first, what passes most firewalls last. The lossy-line link is opened for losses only. */
const usualOrder: readonly Transport[] = ["udp", "quic", "tcp", "tls", "wss", "kcp"];
const mostAtOnce = 3;
/** The next one is begun so long after the last, whatever becomes of that. */
const stagger: Millis = 300;
/** A link must stand within this time: a name to look up, a proxy and three round trips. */
const patience: Millis = 6000;
const firstRest: Millis = 500;
const longestRest: Millis = 20_000;
/** When one stands, those begun before it may still turn out better. */
const comparing: Millis = 3000;
/** When something better serves again, a link stays open in case it was a short joy. */
const linger: Millis = 30_000;
