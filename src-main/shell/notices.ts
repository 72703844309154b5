/** Decides what is worth a notification: who asks to join, who joined, and what stays wrong for a while. */
import type { NetworkStatus, Status } from "../../src-shared/status.ts";
import type { EngineState } from "./engine-link.ts";
import { problemOf } from "./tray-menu.ts";

/** Something to be told; `names` in the order in which they came. */
export type Notice =
  | { readonly kind: "asked" | "joined"; readonly network: NetworkStatus; readonly names: readonly string[] }
  /** One English line. */
  | { readonly kind: "problem"; readonly text: string };

/** Hears every state and answers with what is new in it. Times are milliseconds of a clock that only goes forward. */
export class Notices {
  #before: Status | null = null;
  /** When each network, by its id, came online: who is there at first has not joined just now. */
  readonly #onlineSince = new Map<string, number>();
  readonly #asked = new Map<string, ReadonlySet<string>>();
  #problem: { readonly text: string; readonly since: number; told: boolean } | null = null;

  hear(state: EngineState, now: number): readonly Notice[] {
    if (state.kind !== "running") {
      this.#before = null;
      this.#onlineSince.clear();
      return [];
    }
    const { status } = state;
    const news = status.networks.flatMap((network) => [
      ...this.#requests(network),
      ...this.#arrivals(network, status, now),
    ]);
    this.#before = status;
    return [...news, ...this.#trouble(problemOf(state), now)];
  }

  #requests(network: NetworkStatus): readonly Notice[] {
    const before = this.#asked.get(network.id) ?? new Set();
    this.#asked.set(network.id, new Set(network.waiting));
    const names = network.waiting.filter((name) => !before.has(name));
    return names.length === 0 ? [] : [{ kind: "asked", network, names }];
  }

  #arrivals(network: NetworkStatus, status: Status, now: number): readonly Notice[] {
    if (network.state !== "online") {
      this.#onlineSince.delete(network.id);
      return [];
    }
    const since = this.#onlineSince.get(network.id) ?? now;
    this.#onlineSince.set(network.id, since);
    const before = this.#before;
    if (before === null || now - since < settlingMillis) return [];
    const known = new Set(keysIn(before, network));
    const waited = new Set(before.networks.find(({ id }) => id === network.id)?.waiting);
    const names = status.peers
      .filter((peer) => peer.network === network.name && !known.has(peer.publicKey))
      // Whom the user let in just now, the user knows.
      .filter((peer) => !waited.has(peer.name))
      .map((peer) => peer.name);
    return names.length === 0 ? [] : [{ kind: "joined", network, names }];
  }

  /** Once for each, and only what does not pass by itself. */
  #trouble(text: string | null, now: number): readonly Notice[] {
    if (text === null) {
      this.#problem = null;
      return [];
    }
    if (this.#problem?.text !== text) this.#problem = { text, since: now, told: false };
    if (this.#problem.told || now - this.#problem.since < patienceMillis) return [];
    this.#problem.told = true;
    return [{ kind: "problem", text }];
  }
}

function keysIn(status: Status, network: NetworkStatus): readonly string[] {
  return status.peers.filter((peer) => peer.network === network.name).map((peer) => peer.publicKey);
}

const settlingMillis = 30_000;
const patienceMillis = 10_000;
