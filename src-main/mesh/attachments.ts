/**
 * With which member relays a node keeps a session: a leaf with the two nearest, so that it is reached through them also
 * while no router runs; a relay with so many others that all of them hang together.
 */
import type { IdentityKey, Millis, SessionKey } from "../../src-shared/ids.ts";

/** A member that relays. */
export interface RelayMember {
  readonly identity: IdentityKey;
  readonly key: SessionKey;
  /** What it wants added to round trips through it. */
  readonly cost: Millis;
}

/** How a relay is reached. */
export interface Link {
  /** Null until measured. */
  readonly rttMillis: number | null;
}

export interface AttachmentFacts {
  readonly now: Millis;
  /** Whether this node relays itself. */
  readonly relays: boolean;
  /** The direct session with a relay; null while there is none. */
  readonly link: (key: SessionKey) => Link | null;
}

interface Kept {
  /** Since when it is kept, and since when its link stands. */
  readonly since: Millis;
  upSince: Millis | null;
  lastUp: Millis;
}

/** Decides again whenever it is asked to settle. */
export class Attachments {
  readonly #self: IdentityKey;
  readonly #random: () => number;
  #members: readonly RelayMember[] = [];
  readonly #kept = new Map<SessionKey, Kept>();
  /** Those that did not answer, until they are tried again. */
  readonly #aside = new Map<SessionKey, { readonly until: Millis; readonly times: number }>();
  /** Round trips as last measured, costs included; by chance among those never met. */
  readonly #distance = new Map<SessionKey, { readonly millis: number; readonly at: Millis }>();
  readonly #chance = new Map<SessionKey, number>();
  #exploredAt: Millis | null = null;

  constructor(self: IdentityKey, random: () => number) {
    this.#self = self;
    this.#random = random;
  }

  /** All members that relay now, this node left out. */
  setMembers(members: readonly RelayMember[]): void {
    this.#members = members;
    const keys = new Set(members.map(({ key }) => key));
    for (const table of [this.#kept, this.#aside, this.#distance, this.#chance]) {
      for (const key of table.keys()) if (!keys.has(key)) table.delete(key);
    }
    for (const key of keys) if (!this.#chance.has(key)) this.#chance.set(key, this.#random());
  }

  isKept(key: SessionKey): boolean {
    return this.#kept.has(key);
  }

  /** Relays that a session is to be kept with. */
  kept(): ReadonlySet<SessionKey> {
    return new Set(this.#kept.keys());
  }

  /** Those of them whose session has stood for a moment: worth telling others. */
  settled(now: Millis): readonly RelayMember[] {
    return this.#members.filter(({ key }) => {
      const upSince = this.#kept.get(key)?.upSince ?? null;
      return upSince !== null && now - upSince >= steadyMillis;
    });
  }

  /** Draws the conclusions of what stands and what does not. */
  settle(facts: AttachmentFacts): void {
    const { now } = facts;
    this.#observe(facts);
    if (facts.relays) {
      this.#keepNeighbours(now);
      return;
    }
    const up = [...this.#kept].filter(([, { upSince }]) => upSince !== null).map(([key]) => key);
    const steady = up.filter((key) => now - (this.#kept.get(key)?.upSince ?? now) >= steadyMillis);
    if (steady.length > mostKept) this.#release(steady);
    if (up.length >= mostKept) {
      if (up.length === mostKept && this.#isTimeToExplore(now)) this.#add(now);
      return;
    }
    // One more than are lacking: whoever answers first stays.
    for (let tried = this.#kept.size - up.length; tried <= mostKept - up.length; tried++) this.#add(now);
  }

  /** When to settle again though nothing happened; null when there is nothing to keep. */
  deadline(now: Millis): Millis | null {
    return this.#members.length === 0 ? null : now + settleMillis;
  }

  #observe({ link, now }: AttachmentFacts): void {
    for (const [key, kept] of this.#kept) {
      const standing = link(key);
      if (standing === null) {
        kept.upSince = null;
        if (now - Math.max(kept.since, kept.lastUp) >= patience) this.#setAside(key, now);
        continue;
      }
      kept.upSince ??= now;
      kept.lastUp = now;
      if (now - kept.upSince >= steadyMillis) this.#aside.delete(key);
      const cost = this.#members.find((member) => member.key === key)?.cost ?? 0;
      if (standing.rttMillis !== null)
        this.#distance.set(key, { millis: standing.rttMillis + cost, at: now });
    }
  }

  #setAside(key: SessionKey, now: Millis): void {
    this.#kept.delete(key);
    const times = (this.#aside.get(key)?.times ?? 0) + 1;
    const wait = Math.min(firstWait * 2 ** (times - 1), longestWait) * (0.9 + 0.2 * this.#random());
    this.#aside.set(key, { until: now + wait, times });
  }

  /** Too many: the farthest goes; one that is kept long has the better claim. */
  #release(steady: readonly SessionKey[]): void {
    const byAge = [...steady].sort((one, other) => this.#since(one) - this.#since(other));
    const claim = (key: SessionKey) =>
      (this.#distance.get(key)?.millis ?? unknownMillis) * (byAge.indexOf(key) < mostKept ? loyalty : 1);
    const [worst] = [...steady].sort((one, other) => claim(other) - claim(one));
    if (worst !== undefined) this.#kept.delete(worst);
  }

  #since(key: SessionKey): Millis {
    return this.#kept.get(key)?.since ?? 0;
  }

  #add(now: Millis): void {
    const free = this.#members.filter(({ key }) => !this.#kept.has(key) && !this.#isAside(key, now));
    const rank = (key: SessionKey) => this.#distance.get(key)?.millis ?? (this.#chance.get(key) ?? 0) * 50;
    const [next] = free.sort((one, other) => rank(one.key) - rank(other.key));
    if (next !== undefined) this.#keep(next.key, now);
  }

  #keep(key: SessionKey, now: Millis): void {
    if (!this.#kept.has(key)) this.#kept.set(key, { since: now, upSince: null, lastUp: now });
  }

  #isAside(key: SessionKey, now: Millis): boolean {
    return now < (this.#aside.get(key)?.until ?? 0);
  }

  /** Nearer relays may have come, or the way to one have become shorter. */
  #isTimeToExplore(now: Millis): boolean {
    this.#exploredAt ??= now;
    if (now - this.#exploredAt < exploreMillis) return false;
    this.#exploredAt = now;
    for (const [key, { at }] of this.#distance) {
      if (!this.#kept.has(key) && now - at > staleMillis) this.#distance.delete(key);
    }
    return true;
  }

  /** A few relays know each other all; of many each keeps the next ones in the order of their keys, a ring. */
  #keepNeighbours(now: Millis): void {
    const ring = [...this.#members].sort((one, other) => (one.identity < other.identity ? -1 : 1));
    const start = ring.findIndex(({ identity }) => identity > this.#self);
    const after = start === -1 ? ring : [...ring.slice(start), ...ring.slice(0, start)];
    const most = ring.length <= mostMeshed ? ring.length : mostSuccessors;
    const chosen = after.filter(({ key }) => !this.#isAside(key, now)).slice(0, most);
    const keys = new Set(chosen.map(({ key }) => key));
    for (const key of this.#kept.keys()) if (!keys.has(key)) this.#kept.delete(key);
    for (const { key } of chosen) this.#keep(key, now);
  }
}

const mostKept = 2;
const mostMeshed = 12;
const mostSuccessors = 4;
/** A session that stands this long is no accident. */
const steadyMillis: Millis = 3000;
/** No session for this long: another relay is tried. */
const patience: Millis = 15_000;
const firstWait: Millis = 30_000;
const longestWait: Millis = 1_800_000;
const exploreMillis: Millis = 600_000;
const staleMillis: Millis = 3_600_000;
const settleMillis: Millis = 2000;
/** What is kept stays unless another is nearer by a fifth. */
const loyalty = 0.8;
const unknownMillis = 1000;
