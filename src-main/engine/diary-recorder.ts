/** Turns looks at peers into the diary's rows: what a minute was like, and what changed. */
import type { Millis } from "../../src-shared/ids.ts";
import type { PeerStatus } from "../../src-shared/status.ts";
import type { DiaryNote, DiaryPeer, DiaryRow } from "./diary-rows.ts";
import { meanOf, medianOf } from "./diary-rows.ts";

/** A peer as it is now. */
export interface Look {
  readonly peer: DiaryPeer;
  readonly state: PeerStatus["state"];
  /** `direct 192.0.2.7:7743` or `via nas, oslo`; null without a path. */
  readonly path: string | null;
  readonly kind: "direct" | "relay" | null;
  readonly latencyMillis: number | null;
  /** 0–1. */
  readonly loss: number | null;
  /** Why it is so; null where there is nothing to say. */
  readonly reason: string | null;
  readonly reasonCode: string | null;
  /** The newest decisions, oldest first. */
  readonly decisions: readonly { readonly at: Millis; readonly text: string }[];
  /** IP bytes since the engine started. */
  readonly rxBytes: number;
  readonly txBytes: number;
}

/** What is to be written. */
export type Written =
  | { readonly kind: "row"; readonly peer: DiaryPeer; readonly row: DiaryRow }
  | { readonly kind: "note"; readonly peer: DiaryPeer; readonly note: DiaryNote };

/** One network's peers. Pure: time comes with each look. */
export class DiaryRecorder {
  readonly #entries = new Map<string, Entry>();
  /** Counters of peers that went, for the day they come back. */
  readonly #gone = new Map<string, Bytes>();

  /** Takes the peers that are more than a name now; answers what became known. */
  look(looks: readonly Look[], now: Millis): readonly Written[] {
    const written: Written[] = [];
    const minute = Math.floor(now / minuteMillis) * minuteMillis;
    const seen = new Set<string>();
    for (const look of looks) {
      seen.add(look.peer.key);
      const entry = this.#entries.get(look.peer.key) ?? this.#begin(look, minute);
      this.#entries.set(look.peer.key, entry);
      if (entry.minute !== minute) {
        written.push(...entry.rows());
        entry.begin(minute, look);
      }
      written.push(...entry.take(look, now));
    }
    for (const [key, entry] of this.#entries) {
      if (seen.has(key)) continue;
      written.push(...entry.rows());
      this.#gone.set(key, entry.bytes);
      this.#entries.delete(key);
    }
    return written;
  }

  /** What the minute that runs has brought so far; it begins anew. */
  end(): readonly Written[] {
    const written = [...this.#entries.values()].flatMap((entry) => entry.rows());
    this.#entries.clear();
    return written;
  }

  /** When a peer came to be reached as it is, directly or through these relays, or not at all; null: never looked at. */
  since(key: string): Millis | null {
    return this.#entries.get(key)?.since ?? null;
  }

  #begin(look: Look, minute: Millis): Entry {
    const before = this.#gone.get(look.peer.key) ?? noBytes;
    this.#gone.delete(look.peer.key);
    return new Entry(look, minute, isFewer(look, before) ? noBytes : before);
  }
}

type Bytes = Pick<Look, "rxBytes" | "txBytes">;

class Entry {
  minute: Millis;
  /** When it began to be reached as it is. */
  since: Millis | null = null;
  #before: Bytes;
  #latencies: number[] = [];
  #losses: number[] = [];
  #last: Look;
  #way: string | null = null;
  /** How it stood at the last look. */
  #standing: string | null = null;
  /** Time of the newest decision that was noted. */
  #decided: Millis = Number.NEGATIVE_INFINITY;

  constructor(look: Look, minute: Millis, before: Bytes) {
    this.minute = minute;
    this.#before = before;
    this.#last = look;
  }

  get bytes(): Bytes {
    const { rxBytes, txBytes } = this.#last;
    return { rxBytes, txBytes };
  }

  begin(minute: Millis, look: Look): void {
    this.minute = minute;
    // Counters that fell belong to a new start: all of them are new.
    this.#before = isFewer(look, this.#last) ? noBytes : this.#last;
    this.#latencies = [];
    this.#losses = [];
  }

  take(look: Look, now: Millis): readonly Written[] {
    this.#last = look;
    if (look.latencyMillis !== null) this.#latencies.push(look.latencyMillis);
    if (look.loss !== null) this.#losses.push(look.loss);
    const { peer } = look;
    const fresh = look.decisions.filter(({ at }) => at > this.#decided);
    this.#decided = fresh.at(-1)?.at ?? this.#decided;
    const notes: DiaryNote[] = fresh.map(({ at, text }) => ({ at, text, code: codeOf(text, look) }));
    // A peer with a path that falls silent, or wakes, is no news.
    const standing = `${look.path ?? look.state} ${look.reasonCode ?? ""}`;
    if (
      standing !== this.#standing &&
      look.reason !== null &&
      !notes.some(({ text }) => text === look.reason)
    ) {
      notes.push({ at: now, text: look.reason, code: look.reasonCode ?? look.state });
    }
    this.#standing = standing;
    const way = wayOf(look);
    if (way !== this.#way) this.since = now;
    this.#way = way;
    return notes.map((note) => ({ kind: "note", peer, note }));
  }

  /** The minute's row, if there was traffic in it. */
  rows(): readonly Written[] {
    const { peer, state, path, rxBytes, txBytes } = this.#last;
    const received = rxBytes - this.#before.rxBytes;
    const sent = txBytes - this.#before.txBytes;
    if (received <= 0 && sent <= 0) return [];
    const row: DiaryRow = {
      at: this.minute,
      median: medianOf(this.#latencies),
      lowest: this.#latencies.length === 0 ? null : Math.min(...this.#latencies),
      highest: this.#latencies.length === 0 ? null : Math.max(...this.#latencies),
      loss: meanOf(this.#losses),
      state,
      path,
      rxBytes: Math.max(0, received),
      txBytes: Math.max(0, sent),
    };
    return [{ kind: "row", peer, row }];
  }
}

function isFewer(one: Bytes, other: Bytes): boolean {
  return one.rxBytes < other.rxBytes || one.txBytes < other.txBytes;
}

/** To be reached directly at another address is the same way; through other relays it is another. */
function wayOf({ kind, path, state }: Look): string {
  return kind === "direct" ? kind : (path ?? state);
}

/** A decision that is the present reason has its code; any other tells of the session. */
function codeOf(text: string, look: Look): string {
  return text === look.reason && look.reasonCode !== null ? look.reasonCode : "session";
}

const noBytes: Bytes = { rxBytes: 0, txBytes: 0 };
const minuteMillis: Millis = 60_000;
