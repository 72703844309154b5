/** What a node learns and others may not hear from a router, passed on inside sessions: once to each, in portions. */
import type { SessionKey } from "../../src-shared/ids.ts";
import type { Entry, Signed } from "../../src-shared/trust.ts";
import { controlKind } from "../../src-shared/wire.ts";
import type { Network } from "../mesh/network.ts";
import { portions } from "./portions.ts";
import type { SessionRequests } from "./requests.ts";

export interface GossipOptions {
  readonly machine: Pick<Network, "acquaintances" | "relays" | "lacksRouter">;
  readonly requests: Pick<SessionRequests, "send">;
  readonly log: (event: string, error: unknown) => void;
}

interface News {
  readonly entry: Entry;
  /** Who told it; null for what came from elsewhere. */
  readonly from: SessionKey | null;
}

/** Collects for a moment, then tells. */
export class Gossip {
  readonly #options: GossipOptions;
  #news: News[] = [];
  #timer: NodeJS.Timeout | null = null;

  constructor(options: GossipOptions) {
    this.#options = options;
  }

  /** Entries that were new here. */
  heard(entries: readonly Entry[], from: SessionKey | null): void {
    for (const entry of entries) if (entry.kind !== "epoch") this.#news.push({ entry, from });
    if (this.#news.length > 0) this.#timer ??= setTimeout(() => this.#tell(), pauseMillis);
  }

  /** What was heard so far is no news, or nobody is to be told any more. */
  forget(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    this.#news = [];
  }

  #tell(): void {
    const news = this.#news;
    this.#news = [];
    this.#timer = null;
    const { machine } = this.#options;
    const standing = machine.acquaintances();
    const relays = this.#relays();
    for (const key of standing) {
      if (!machine.lacksRouter(key)) continue;
      // Where somebody is, is for relays, who are asked for it; who is a member, and who no longer, is for all.
      const told = news.filter(
        ({ entry, from }) => from !== key && (entry.kind !== "node" || relays.has(key)),
      );
      for (const portion of portions(told.map(({ entry }) => entry.signed))) this.#send(key, portion);
    }
  }

  #relays(): ReadonlySet<SessionKey> {
    const { relays } = this.#options.machine;
    return relays.ownCost === null ? relays.kept() : new Set(relays.links().map(({ key }) => key));
  }

  #send(key: SessionKey, entries: readonly Signed[]): void {
    const { requests, log } = this.#options;
    requests
      .send(key, controlKind.state, { digest: "", entries })
      .catch((error: unknown) => log("gossip", error));
  }
}

const pauseMillis = 300;
