/** A router's store that ends with the process: for tests, and where nothing may be written. */
import type { NetworkId } from "../../src-shared/ids.ts";
import type { Lease } from "../mesh/addresses.ts";
import type { RouterStore, StoreChange, StoredEntry, StoredNetwork } from "./store.ts";

interface Kept {
  readonly entries: Map<string, StoredEntry>;
  readonly reservations: Map<string, Lease>;
}

export function createMemoryStore(): RouterStore {
  const networks = new Map<NetworkId, Kept>();
  const settings = new Map<string, string>();
  return {
    load: async () => [...networks].map(([network, kept]) => stored(network, kept)),
    change: async (network, change) => {
      const kept = networks.get(network) ?? { entries: new Map(), reservations: new Map() };
      networks.set(network, kept);
      apply(kept, change);
    },
    forget: async (network) => void networks.delete(network),
    setting: async (name) => settings.get(name) ?? null,
    setSetting: async (name, value) => void settings.set(name, value),
    close: async () => undefined,
  };
}

function stored(network: NetworkId, kept: Kept): StoredNetwork {
  return { network, entries: [...kept.entries.values()], reservations: [...kept.reservations.values()] };
}

function apply(kept: Kept, change: StoreChange): void {
  for (const hash of change.drop ?? []) kept.entries.delete(hash);
  for (const entry of change.put ?? []) kept.entries.set(entry.hash, entry);
  for (const identity of change.free ?? []) kept.reservations.delete(identity);
  for (const reservation of change.reserve ?? []) kept.reservations.set(reservation.identity, reservation);
}
