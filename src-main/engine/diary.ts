/** The diary of one state folder: looks at peers now and then, keeps what it saw, and tells it again. */
import { join } from "node:path";
import type { Millis } from "../../src-shared/ids.ts";
import type { PeerView } from "../mesh/peer-view.ts";
import type { PeerNote } from "./diary-file.ts";
import { DiaryRecorder } from "./diary-recorder.ts";
import type { DiaryPeer, DiaryRow } from "./diary-rows.ts";
import { downSample } from "./diary-rows.ts";
import { DiaryStore } from "./diary-store.ts";
import type { Log } from "./surroundings.ts";

export interface DiaryOptions {
  /** State folder. */
  readonly folder: string;
  readonly log: Log;
  readonly now: () => Millis;
}

/** IP bytes of a peer since the engine started. */
export interface PeerBytes {
  readonly rxBytes: number;
  readonly txBytes: number;
}

/** What is asked for. */
export interface DiaryRequest {
  /** All that there are when absent. */
  readonly peer: DiaryPeer | null;
  /** Id of the network; any when absent. */
  readonly network?: string | undefined;
  readonly since: Millis;
  readonly until: Millis;
  /** At most so many spans. */
  readonly points: number;
}

export interface DiaryPages {
  /** Length of each span. */
  readonly span: Millis;
  readonly rows: readonly DiaryRow[];
  readonly notes: readonly PeerNote[];
}

export class Diary {
  readonly #now: () => Millis;
  readonly #store: DiaryStore;
  readonly #recorders = new Map<string, DiaryRecorder>();
  #looked: Millis = 0;
  #written: Millis;

  constructor({ folder, log, now }: DiaryOptions) {
    this.#now = now;
    this.#written = now();
    this.#store = new DiaryStore({ path: join(folder, "diary.db"), log });
  }

  /** Whether it is time to look again: while nothing happens, much later than after `news`. */
  isDue(news: boolean): boolean {
    const now = this.#now();
    if (Math.abs(now - this.#looked) < (news ? lookEvery : restEvery)) return false;
    this.#looked = now;
    return true;
  }

  /** Takes the peers of a network that are more than a name. */
  look(network: string, views: readonly PeerView[], bytesOf: (key: string) => PeerBytes | null): void {
    const known = this.#recorders.get(network);
    if (known === undefined && views.length === 0) return;
    const recorder = known ?? new DiaryRecorder();
    this.#recorders.set(network, recorder);
    const looks = views.map((view) => {
      // The counters know more than is wanted here.
      const { rxBytes, txBytes } = bytesOf(view.sessionKey) ?? noBytes;
      return {
        peer: { network, key: view.sessionKey, name: view.certificate.name },
        state: view.state,
        path: view.path === null ? null : wayOf(view.path),
        kind: view.path?.kind ?? null,
        latencyMillis: view.path?.latencyMillis ?? null,
        loss: view.path?.loss ?? null,
        reason: view.path?.reason ?? view.reason,
        reasonCode: view.reasonCode,
        decisions: view.decisions,
        rxBytes,
        txBytes,
      };
    });
    this.#store.add(recorder.look(looks, this.#now()));
    const age = Math.abs(this.#now() - this.#written);
    if (age >= writeEvery) void this.#write();
  }

  /** When a peer came to be reached as it is, as far as this start of the engine knows. */
  since({ network, key }: Pick<DiaryPeer, "network" | "key">): Millis | null {
    return this.#recorders.get(network)?.since(key) ?? null;
  }

  async read({ peer, network, since, until, points }: DiaryRequest): Promise<DiaryPages> {
    const span = Math.max(minuteMillis, Math.ceil((until - since) / points / minuteMillis) * minuteMillis);
    const whose = {
      since,
      until,
      ...(network === undefined ? {} : { network }),
      ...(peer === null ? {} : { network: peer.network, key: peer.key }),
    };
    const notes = await this.#store.notes(whose, mostNotes);
    // Spans begin at round times, so that they stay the same from one look to the next.
    const first = Math.floor(since / span) * span;
    const rows = peer === null ? [] : await this.#store.rows({ ...whose, since: first });
    return { span, rows: downSample(rows, { since: first, span }), notes };
  }

  /** Peers that it remembers by this name, or by a key that begins so. */
  find(name: string): Promise<readonly DiaryPeer[]> {
    return this.#store.find(name);
  }

  /** Writes the last minute, and closes the file. */
  async close(): Promise<void> {
    for (const recorder of this.#recorders.values()) this.#store.add(recorder.end());
    this.#recorders.clear();
    await this.#store.close(this.#now());
  }

  #write(): Promise<void> {
    this.#written = this.#now();
    return this.#store.write(this.#now());
  }
}

/** `direct 192.0.2.7:7743` or `via nas, oslo`. */
function wayOf(path: NonNullable<PeerView["path"]>): string {
  return path.kind === "direct" ? `direct ${path.remote}` : `via ${path.via.join(", ")}`;
}

const noBytes: PeerBytes = { rxBytes: 0, txBytes: 0 };
const lookEvery: Millis = 5000;
const restEvery: Millis = 30_000;
const writeEvery: Millis = 60_000;
const minuteMillis: Millis = 60_000;
const mostNotes = 1000;
