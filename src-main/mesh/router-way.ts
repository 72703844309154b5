/**
 * By which transport a node's session with its router runs: plain UDP where that serves, else a link; and how it finds
 * out. Relay channels lead over the same way.
 */
import type { Millis } from "../../src-shared/ids.ts";
import type { Transport } from "../../src-shared/status.ts";
import type { Candidate } from "./candidate.ts";
import {
  isLossy,
  isProvisional,
  lost,
  measured,
  newCandidate,
  proved,
  trustDelay,
  unproved,
} from "./candidate.ts";
import type { Endpoint, Measure } from "./effect.ts";
import { transportOf } from "./endpoint.ts";
import { inOrder, Ladder } from "./ladder.ts";
import { choosePath } from "./path.ts";
import type { PlannedPath } from "./probing.ts";

/** Something that happened. */
export type WayInput =
  /** The router welcomed this node: its places. What worked here before is tried without waiting. */
  | {
      readonly kind: "met";
      /** Null: it takes no plain UDP. */
      readonly udp: Endpoint | null;
      readonly links: readonly Endpoint[];
      readonly worked: Transport | null;
    }
  /** It is not spoken to any more. */
  | { readonly kind: "left" }
  | { readonly kind: "session" | "lost"; readonly endpoint: Endpoint }
  | { readonly kind: "proved"; readonly endpoint: Endpoint; readonly rttMillis: number }
  | { readonly kind: "measured"; readonly measure: Omit<Measure, "peer"> }
  | { readonly kind: "ended" }
  | { readonly kind: "link"; readonly endpoint: Endpoint; readonly up: boolean }
  /** The user wants this transport and no other (null: any). */
  | { readonly kind: "only"; readonly transport: Transport | null }
  /** A path to some peer was lost: the way to the router may be dead of the same cause. Answered by `ping`. */
  | { readonly kind: "doubt" }
  /** The ping was answered by the way in use. */
  | { readonly kind: "pong" }
  /** The machine moved or woke: nothing measured before counts. */
  | { readonly kind: "moved" }
  /** Packets flow, to whomever; `isLossy`: relayed ones get lost. */
  | { readonly kind: "flow"; readonly isLossy: boolean }
  | { readonly kind: "tick" };

/** Something to be done about the router. */
export type WayEffect =
  /** Links to keep open, or to open, complete. */
  | { readonly kind: "links"; readonly wanted: readonly Endpoint[] }
  | {
      readonly kind: "setPaths";
      readonly paths: readonly PlannedPath[];
      readonly active: readonly Endpoint[];
      readonly standby: readonly Endpoint[];
    }
  | { readonly kind: "handshake"; readonly endpoints: readonly Endpoint[]; readonly force: boolean }
  /** Ask whether the router answers by the way in use. */
  | { readonly kind: "ping" }
  /** Where the session stands now, as far as one knows; null: nowhere. */
  | { readonly kind: "stands"; readonly endpoint: Endpoint | null };

/** The way to one router. */
export class RouterWay {
  readonly #random: () => number;
  readonly #ladder = new Ladder();
  readonly #candidates = new Map<Endpoint, Candidate>();
  readonly #up = new Set<Endpoint>();
  #udp: Endpoint | null = null;
  #links: readonly Endpoint[] = [];
  #worked: Transport | null = null;
  #only: Transport | null = null;
  #hasSession = false;
  #active: Endpoint | null = null;
  /** Since when no way answers, and when message 1 was sent last for it; null: one does. */
  #broken: { readonly since: Millis; readonly called: Millis } | null = null;
  /** Since when the way in use is in doubt, and when it was asked after last. */
  #doubted: Millis | null = null;
  #asked: Millis = Number.NEGATIVE_INFINITY;
  #flowing: Millis = Number.NEGATIVE_INFINITY;
  #suspected: Millis = Number.NEGATIVE_INFINITY;
  /** When plain UDP has had its first chance. */
  #patient: Millis = 0;
  #told: { wanted: string; paths: string; stands: Endpoint | null } = { ...nothingTold };

  constructor(random: () => number) {
    this.#random = random;
  }

  /** Where the session stands; null: nowhere. */
  get endpoint(): Endpoint | null {
    return this.#told.stands;
  }

  /** Round trip of the way in use, in milliseconds; null until measured. */
  get rttMillis(): number | null {
    return this.#active === null ? null : (this.#candidates.get(this.#active)?.rttMillis ?? null);
  }

  /** Takes in what happened; answers what is to be done. */
  handle(input: WayInput, now: Millis): readonly WayEffect[] {
    const effects: WayEffect[] = [];
    this.#hear(input, now, effects);
    if (this.#udp !== null || this.#links.length > 0) this.#settle(now, effects);
    return effects;
  }

  /** When a `tick` has something to do; null: not before another input. */
  deadline(now: Millis): Millis | null {
    if (this.#udp === null && this.#links.length === 0) return null;
    let next = this.#ladder.next();
    const at = (time: Millis) => {
      if (time > now && time < next) next = time;
    };
    if (this.#broken !== null) {
      at(this.#broken.since + callAfter);
      at(this.#broken.since + givenUp);
      at(this.#broken.called + callAgain);
    }
    if (this.#doubted !== null) {
      at(this.#doubted + pingPatience);
      at(this.#doubted + doubtFor);
    }
    at(this.#flowing + flowFor);
    at(this.#suspected + suspectFor);
    for (const candidate of this.#candidates.values()) {
      if (isProvisional(candidate)) at(candidate.since + provisionalFor);
      if (candidate.standing === "proved") at(candidate.since + this.#trustDelay(candidate));
    }
    return Number.isFinite(next) ? next : null;
  }

  #hear(input: WayInput, now: Millis, effects: WayEffect[]): void {
    switch (input.kind) {
      case "met":
        this.#meet(input, now, effects);
        return;
      case "left":
        this.#leave(effects);
        return;
      case "session":
        this.#hasSession = true;
        this.#prove(input.endpoint, null, now);
        return;
      case "proved":
        this.#prove(input.endpoint, input.rttMillis, now);
        return;
      case "measured":
        this.#measure(input.measure, now);
        return;
      case "lost":
        this.#change(input.endpoint, (candidate) =>
          candidate.standing === "proved" ? lost(candidate, now) : candidate,
        );
        return;
      case "ended":
        this.#hasSession = false;
        for (const candidate of this.#candidates.values())
          if (candidate.standing === "proved") this.#candidates.set(candidate.endpoint, lost(candidate, now));
        return;
      case "link":
        if (input.up) this.#up.add(input.endpoint);
        else this.#up.delete(input.endpoint);
        if (input.up && !this.#hasSession && this.#allows(input.endpoint))
          effects.push({ kind: "handshake", endpoints: [input.endpoint], force: true });
        return;
      case "only":
        this.#only = input.transport;
        this.#ladder.hurry();
        return;
      case "doubt":
        if (this.#active === null || now - this.#asked < doubtAgain) return;
        this.#asked = now;
        this.#doubted = now;
        effects.push({ kind: "ping" });
        return;
      case "pong":
        this.#doubted = null;
        return;
      case "moved":
        for (const candidate of this.#candidates.values())
          this.#candidates.set(candidate.endpoint, unproved(candidate, now));
        this.#ladder.hurry();
        this.#patient = now + this.#firstChance();
        this.#forgetPaths(effects);
        this.#call(true, effects);
        return;
      case "flow":
        this.#flowing = now;
        if (input.isLossy) this.#suspected = now;
        return;
      case "tick":
    }
  }

  #meet({ udp, links, worked }: Extract<WayInput, { kind: "met" }>, now: Millis, effects: WayEffect[]): void {
    this.#udp = udp;
    this.#links = links;
    this.#worked = worked;
    // It may have begun anew: then neither the session nor its channels stand.
    this.#hasSession = false;
    for (const endpoint of [...this.#candidates.keys()])
      if (!links.includes(endpoint)) this.#candidates.delete(endpoint);
    for (const candidate of this.#candidates.values())
      this.#candidates.set(candidate.endpoint, unproved(candidate, now));
    this.#active = null;
    this.#broken = { since: now, called: now };
    this.#doubted = null;
    this.#patient = now + this.#firstChance();
    this.#ladder.hurry();
    this.#stand(null, effects);
    this.#forgetPaths(effects);
    this.#learn(now);
    this.#call(true, effects);
  }

  #leave(effects: WayEffect[]): void {
    this.#stand(null, effects);
    if (this.#told.wanted !== nothingTold.wanted) effects.push({ kind: "links", wanted: [] });
    this.#candidates.clear();
    this.#up.clear();
    this.#udp = null;
    this.#links = [];
    this.#hasSession = false;
    this.#active = null;
    this.#broken = null;
    this.#told = { ...nothingTold };
  }

  #prove(endpoint: Endpoint, rttMillis: number | null, now: Millis): void {
    this.#hasSession = true;
    if (!this.#allows(endpoint)) return;
    const known = this.#candidates.get(endpoint) ?? newCandidate({ endpoint, kind: "declared" }, now);
    this.#candidates.set(endpoint, proved(known, rttMillis, now));
  }

  #measure(measure: Omit<Measure, "peer">, now: Millis): void {
    this.#change(measure.endpoint, (candidate) => measured(candidate, { ...measure, peer: nobody }, now));
  }

  #change(endpoint: Endpoint, next: (candidate: Candidate) => Candidate): void {
    const candidate = this.#candidates.get(endpoint);
    if (candidate !== undefined) this.#candidates.set(endpoint, next(candidate));
  }

  #settle(now: Millis, effects: WayEffect[]): void {
    if (this.#doubted !== null && now - this.#doubted >= doubtFor) this.#doubted = null;
    this.#learn(now);
    for (const candidate of this.#candidates.values())
      if (isProvisional(candidate) && now - candidate.since >= provisionalFor)
        this.#candidates.set(candidate.endpoint, lost(candidate, now));
    const all = [...this.#candidates.values()];
    const working = all.filter(({ standing }) => standing === "proved");
    const trusted = working.filter(
      (one) => one.endpoint === this.#active || now - one.since >= this.#trustDelay(one),
    );
    const rules = { now, pin: null, relays: new Map<never, never>(), relayCost: () => 0 };
    const found = choosePath(trusted.length > 0 ? trusted : working, this.#active, rules);
    this.#active = working.some(({ endpoint }) => endpoint === found) ? found : null;
    this.#openLinks(all, working, now, effects);
    this.#stand(this.#active ?? (this.#isGivenUp(now) ? null : this.#told.stands), effects);
    this.#setPaths(all, now, effects);
    this.#mend(now, effects);
  }

  /** Plain UDP, and the links that are open, are ways to be tried; links that closed are none any more. */
  #learn(now: Millis): void {
    const known = [
      ...(this.#udp === null ? [] : [this.#udp]),
      ...this.#links.filter((link) => this.#up.has(link)),
    ];
    const ways = known.filter((endpoint) => this.#allows(endpoint));
    for (const endpoint of [...this.#candidates.keys()]) {
      // The session may stand at a place of plain UDP that the router did not name: another address of the same host.
      const stays = transportOf(endpoint) === "udp" ? this.#allows(endpoint) : ways.includes(endpoint);
      if (!stays) this.#candidates.delete(endpoint);
    }
    for (const endpoint of ways)
      if (!this.#candidates.has(endpoint))
        this.#candidates.set(endpoint, newCandidate({ endpoint, kind: "declared" }, now));
  }

  #openLinks(
    all: readonly Candidate[],
    working: readonly Candidate[],
    now: Millis,
    effects: WayEffect[],
  ): void {
    const lossless = this.#links.filter((link) => transportOf(link) !== "kcp" && this.#allows(link));
    const kcp = this.#links.filter((link) => transportOf(link) === "kcp" && this.#allows(link));
    const udp = working.find(({ endpoint }) => transportOf(endpoint) === "udp");
    const isPressed = udp !== undefined && isLossy(udp, false, now);
    const standing = working.map(({ endpoint }) => endpoint);
    const rungs = isPressed || this.#only === "kcp" ? [...kcp, ...lossless] : lossless;
    const wanted = this.#ladder.climb({
      rungs: isPressed ? rungs : inOrder(rungs, this.#worked),
      isServed: udp !== undefined && this.#doubted === null && !isPressed,
      standing,
      used: this.#active === null ? [] : [this.#active],
      notBefore: this.#doubted === null ? this.#patient : this.#doubted + pingPatience,
      now,
      random: this.#random,
    });
    for (const { endpoint } of all)
      if (transportOf(endpoint) !== "udp" && !wanted.includes(endpoint)) this.#candidates.delete(endpoint);
    const text = wanted.join(" ");
    if (text === this.#told.wanted) return;
    this.#told.wanted = text;
    effects.push({ kind: "links", wanted });
  }

  #stand(endpoint: Endpoint | null, effects: WayEffect[]): void {
    if (endpoint === this.#told.stands) return;
    this.#told.stands = endpoint;
    effects.push({ kind: "stands", endpoint });
  }

  #setPaths(all: readonly Candidate[], now: Millis, effects: WayEffect[]): void {
    const current = all.filter(({ endpoint }) => this.#candidates.has(endpoint));
    const paths = current.map(({ endpoint, standing, rttMillis }) => ({
      endpoint,
      probeMillis: this.#interval(endpoint, standing === "proved" && rttMillis !== null, now),
    }));
    const rest = current.filter(
      ({ endpoint, standing }) => standing === "proved" && endpoint !== this.#active,
    );
    const active =
      this.#active === null
        ? this.#udp !== null && this.#allows(this.#udp)
          ? [this.#udp]
          : []
        : [this.#active];
    const standby = rest.slice(0, 1).map(({ endpoint }) => endpoint);
    const text = JSON.stringify([paths, active, standby]);
    if (text === this.#told.paths) return;
    this.#told.paths = text;
    effects.push({ kind: "setPaths", paths, active, standby });
  }

  /** The data plane forgets what it measured by an emptied list: it says anew what answers. */
  #forgetPaths(effects: WayEffect[]): void {
    if (this.#told.paths === "") return;
    this.#told.paths = "";
    effects.push({ kind: "setPaths", paths: [], active: [], standby: [] });
  }

  #interval(endpoint: Endpoint, isProved: boolean, now: Millis): Millis {
    const isAside = transportOf(endpoint) === "udp" && this.#active !== null && this.#active !== endpoint;
    if (!isProved) return isAside ? atRest : eagerly;
    if (this.#doubted !== null) return inDoubt;
    // The router sends to where it heard the node last: a link that only stands by had better be silent.
    if (transportOf(endpoint) !== "udp" && endpoint !== this.#active) return 0;
    if (now - this.#suspected < suspectFor && transportOf(endpoint) === "udp") return inDoubt;
    return endpoint === this.#active && now - this.#flowing < flowFor ? whileFlowing : atRest;
  }

  /** While nothing answers, the session itself is in doubt: the router is called anew, now and then for ever. */
  #mend(now: Millis, effects: WayEffect[]): void {
    if (this.#active !== null) {
      this.#broken = null;
      return;
    }
    this.#broken ??= { since: now, called: now };
    const { since, called } = this.#broken;
    const isFirst = called === since && now - since >= callAfter;
    if (!isFirst && now - called < callAgain) return;
    this.#broken = { since, called: now };
    this.#call(isFirst, effects);
  }

  #call(force: boolean, effects: WayEffect[]): void {
    const endpoints = [...this.#candidates.keys()].filter((endpoint) => this.#allows(endpoint));
    if (endpoints.length > 0) effects.push({ kind: "handshake", endpoints, force });
  }

  /** Nothing answers for so long that what leads over the way is better dropped. */
  #isGivenUp(now: Millis): boolean {
    return this.#broken !== null && now - this.#broken.since >= givenUp;
  }

  #allows(endpoint: Endpoint): boolean {
    return this.#only === null || transportOf(endpoint) === this.#only;
  }

  #firstChance(): Millis {
    return this.#worked === null || this.#worked === "udp" ? firstChance : 0;
  }

  #trustDelay(candidate: Candidate): Millis {
    return Math.min(trustDelay(candidate, candidate.since), longestTrust);
  }
}

const nothingTold = { wanted: "", paths: "", stands: null };
/** A measurement names a peer; the router is none. */
const nobody = "" as Measure["peer"];
/** Plain UDP is answered within this time on any line that is good for it. */
const firstChance: Millis = 600;
/** A way that only a session proved must echo within this time. */
const provisionalFor: Millis = 3000;
const callAfter: Millis = 1000;
const callAgain: Millis = 15_000;
const givenUp: Millis = 5000;
/** A way that answers does so within this time; else the next one is opened, whatever becomes of the ping. */
const pingPatience: Millis = 200;
const doubtFor: Millis = 3000;
const doubtAgain: Millis = 10_000;
const flowFor: Millis = 5000;
const suspectFor: Millis = 30_000;
const longestTrust: Millis = 20_000;
const eagerly: Millis = 250;
const inDoubt: Millis = 100;
const whileFlowing: Millis = 1000;
/** Also for plain UDP while a link serves: it is taken again soon after it opens. */
const atRest: Millis = 5000;
