/** The paths to one peer: what may answer, what is in use, what takes over. */
import type { Millis, SessionKey } from "../../src-shared/ids.ts";
import type { ReasonCode } from "../../src-shared/status.ts";
import type { Around } from "./around.ts";
import type { Candidate } from "./candidate.ts";
import { isProvisional, lossEnds, lost, measured, proved, trustDelay } from "./candidate.ts";
import type { Channel } from "./candidates.ts";
import { Candidates } from "./candidates.ts";
import type { Endpoint, Measure } from "./effect.ts";
import { leadsInside, transportOf } from "./endpoint.ts";
import { choosePath, reasonOf, sentence } from "./path.ts";
import { PeerLinks } from "./peer-links.ts";
import { describe, relayAt, sentenceFacts } from "./peer-words.ts";
import { tryEnds } from "./probing.ts";
import type { RelayTries } from "./relay-tries.ts";
import type { Use } from "./use.ts";
import { chooseUse } from "./use.ts";

export interface PeerPathsOptions {
  readonly relayTries: RelayTries;
  /** Keeps a sentence on what was decided. */
  readonly decide: (around: Around, text: string) => void;
}

/** What a choice among the paths depends on besides what is around the peer. */
export interface ChoiceFacts {
  readonly isHeavy: boolean;
  /** Since when the session stands. */
  readonly sessionSince: Millis;
}

/** Learns candidates, hears how they are, chooses among them. */
export class PeerPaths {
  readonly #options: PeerPathsOptions;
  readonly #candidates = new Candidates();
  #active: Endpoint | null = null;
  #use: Use = unused;

  constructor(options: PeerPathsOptions) {
    this.#options = options;
  }

  get candidates(): readonly Candidate[] {
    return this.#candidates.all();
  }

  /** The candidate in use; null without a session. */
  get active(): Candidate | null {
    return this.#candidates.get(this.#active);
  }

  /** What carries the packets together, and what takes over. */
  get use(): Use {
    return this.#use;
  }

  /** Those that may be used by the user's word, and do not lead through the network itself. */
  usable({ only, inside }: Pick<Around, "only" | "inside">): readonly Candidate[] {
    const all = this.candidates.filter(({ endpoint }) => !leadsInside(endpoint, inside));
    return only === null ? all : all.filter(({ endpoint }) => transportOf(endpoint) === only);
  }

  /** Why the path in use is used; null without one. */
  reason(sessionSince: Millis, around: Around): ReasonCode | null {
    const { active, candidates } = this;
    return active === null ? null : reasonOf(active, { ...around, candidates, sessionSince });
  }

  /** Something came from this endpoint. */
  learn(endpoint: Endpoint, around: Around): Candidate | null {
    const { addresses, now } = around;
    if (endpoint.includes("#")) this.learnChannel({ endpoint, relay: relayAt(endpoint, around) }, now);
    else
      this.#candidates.learn(
        endpoint,
        addresses.find((one) => one.endpoint === endpoint)?.kind ?? "heard",
        now,
      );
    return this.#candidates.get(endpoint);
  }

  learnChannel(channel: Channel, now: Millis): void {
    this.#candidates.learnChannel(channel, now);
  }

  /** A link that this end opened stands. */
  learnLink(endpoint: Endpoint, { offer, now }: Around): void {
    this.#candidates.learn(endpoint, PeerLinks.kindOf(endpoint, this.candidates, offer), now);
  }

  /** What the peer says of itself. */
  refresh({ addresses, now }: Around): void {
    this.#candidates.refresh(addresses, now);
  }

  /** It answered, after the time given where that was measured. */
  prove(candidate: Candidate, rttMillis: number | null, now: Millis): void {
    this.#candidates.update(proved(candidate, rttMillis, now));
  }

  measure(measure: Measure, now: Millis): void {
    const candidate = this.#candidates.get(measure.endpoint);
    if (candidate !== null) this.#candidates.update(measured(candidate, measure, now));
  }

  /** It does not answer any more, if it did. */
  lose(endpoint: Endpoint, around: Around): void {
    const candidate = this.#candidates.get(endpoint);
    if (candidate?.standing === "proved") this.#lose(candidate, around);
  }

  /** The link closed. */
  dropLink(endpoint: Endpoint, around: Around): void {
    this.lose(endpoint, around);
    this.#candidates.drop(endpoint);
  }

  /** A relay's channels are gone. */
  dropRelay(relay: SessionKey): void {
    this.#candidates.dropRelay(relay);
  }

  /** A relay is reached elsewhere: its channels lead on as they did. */
  moveRelay(
    move: { readonly relay: SessionKey; readonly from: Endpoint; readonly to: Endpoint },
    now: Millis,
  ): void {
    const nameNow = this.#candidates.moveRelay(move, now);
    this.#active = this.#active === null ? null : nameNow(this.#active);
    const { active, standby } = this.#use;
    this.#use = { active: active.map(nameNow), standby: standby.map(nameNow) };
  }

  /** All are to be proved anew, or the direct ones alone. */
  restart(which: "all" | "direct", now: Millis): void {
    if (which === "all") this.#candidates.restart(now);
    else this.#candidates.restartDirect(now);
  }

  /** Whether an endpoint leads through a relay. */
  isRelayed(endpoint: Endpoint): boolean {
    return this.#candidates.get(endpoint)?.kind === "relay";
  }

  clear(): void {
    this.#active = null;
    this.#use = unused;
    this.#candidates.clear();
  }

  /** Gives up what did not keep its promise, and takes the best of the others. */
  choose({ isHeavy, sessionSince }: ChoiceFacts, around: Around): void {
    const { now } = around;
    for (const candidate of this.usable(around)) {
      const isOverdue = isProvisional(candidate) && now - candidate.since >= provisionalFor;
      if (isOverdue || isDeadEnd(candidate, now)) this.#lose(candidate, around);
    }
    const before = this.active === null ? null : this.#active;
    const usable = this.usable(around);
    const rules = { ...around, isHeavy };
    const isUsable = usable.some(({ endpoint }) => endpoint === before);
    this.#active = choosePath(usable, isUsable ? before : null, rules);
    const { active } = this;
    const use = chooseUse(usable, active, { ...rules, before: this.#use.active });
    this.#use = active === null && this.#active !== null ? { active: [this.#active], standby: [] } : use;
    if (active === null || this.#active === before) return;
    const code = this.reason(sessionSince, around);
    if (code !== null)
      this.#options.decide(around, sentence(code, sentenceFacts(active, this.candidates, around)));
  }

  /** Tells when there may be another choice. `eager`: since when unproved ones are tried eagerly. */
  tellTimes(at: (time: Millis) => void, eager: Millis): void {
    for (const candidate of this.candidates) {
      if (isProvisional(candidate)) at(candidate.since + provisionalFor);
      if (candidate.kind === "relay") at(candidate.since + answersWithin);
      if (candidate.lossySince !== null) for (const end of lossEnds(candidate)) at(end);
      if (candidate.standing === "proved") at(candidate.since + trustDelay(candidate, candidate.since));
      else for (const end of tryEnds(candidate, eager)) at(end);
    }
  }

  #lose(candidate: Candidate, around: Around): void {
    const { relayTries, decide } = this.#options;
    this.#candidates.update(lost(candidate, around.now));
    if (this.#use.active.includes(candidate.endpoint)) around.alarm();
    if (candidate.endpoint === this.#active) decide(around, `no answer ${describe(candidate, around)}`);
    if (candidate.relay !== null) relayTries.lost(candidate.relay, candidate.onward, around);
    // The other end opened it: that end alone can open another, which will come from another port.
    if (candidate.kind === "heard" && isStream(candidate.endpoint)) this.#candidates.drop(candidate.endpoint);
  }
}

/** A relay opened it, and nothing came through. */
function isDeadEnd({ kind, standing, since }: Candidate, now: Millis): boolean {
  return standing === "probing" && kind === "relay" && now - since >= answersWithin;
}

function isStream(endpoint: Endpoint): boolean {
  return ["tcp", "tls", "wss"].includes(transportOf(endpoint));
}

const unused: Use = { active: [], standby: [] };
/** A path that only a session proved must echo within this time. */
const provisionalFor: Millis = 3000;
/** What a relay opened has to answer within this time, or it is asked for another way. */
const answersWithin: Millis = 4000;
