/** What is on disk of one network, so that only the difference is written. */
import type { IdentityKey, NetworkId } from "../../src-shared/ids.ts";
import type { Entry } from "../../src-shared/trust.ts";
import type { Lease } from "../mesh/addresses.ts";
import type { RouterStore } from "./store.ts";

export class KeptState {
  readonly #network: NetworkId;
  readonly #store: RouterStore;
  #entries: Map<string, Entry>;
  #leases: Map<IdentityKey, Lease>;

  /** `entries` and `leases` are there already. */
  constructor(network: NetworkId, store: RouterStore, state: KeptEntries) {
    this.#network = network;
    this.#store = store;
    this.#entries = byHash(state.entries);
    this.#leases = byIdentity(state.leases);
  }

  /** Whether an entry is there, or on its way. */
  has(hash: string): boolean {
    return this.#entries.has(hash);
  }

  entries(): Iterable<Entry> {
    return this.#entries.values();
  }

  /** Makes the disk hold exactly this. */
  async save(state: KeptEntries): Promise<void> {
    const entries = byHash(state.entries);
    const leases = byIdentity(state.leases);
    const put = [...entries.values()].filter(({ hash }) => !this.#entries.has(hash));
    const reserve = [...leases.values()].filter((lease) => this.#leases.get(lease.identity) !== lease);
    const change = {
      put: put.map(({ hash, signed }) => ({ hash, signed })),
      drop: [...this.#entries.keys()].filter((hash) => !entries.has(hash)),
      reserve,
      free: [...this.#leases.keys()].filter((identity) => !leases.has(identity)),
    };
    this.#entries = entries;
    this.#leases = leases;
    try {
      await this.#store.change(this.#network, change);
    } catch (error) {
      // Not there: the next change writes them again.
      for (const { hash } of put) this.#entries.delete(hash);
      for (const { identity } of reserve) this.#leases.delete(identity);
      throw error;
    }
  }
}

interface KeptEntries {
  readonly entries: readonly Entry[];
  readonly leases: readonly Lease[];
}

function byHash(entries: readonly Entry[]): Map<string, Entry> {
  return new Map(entries.map((entry) => [entry.hash, entry]));
}

function byIdentity(leases: readonly Lease[]): Map<IdentityKey, Lease> {
  return new Map(leases.map((lease) => [lease.identity, lease]));
}
