/** What a router keeps: its networks with their entries and reservations, and its settings. */
import type { IdentityKey, NetworkId } from "../../src-shared/ids.ts";
import type { Signed } from "../../src-shared/trust.ts";
import type { Lease } from "../mesh/addresses.ts";

/**
 * Where a router's state lives. Every write is whole and on disk when its promise resolves, or rejects and changed
 * nothing; writes take effect in the order of their calls.
 */
export interface RouterStore {
  /** Every network with all that is kept for it. */
  load(): Promise<readonly StoredNetwork[]>;
  /** Changes one network, in one transaction; a network that is not there yet begins with it. */
  change(network: NetworkId, change: StoreChange): Promise<void>;
  /** Forgets a network with everything in it. */
  forget(network: NetworkId): Promise<void>;
  /** A setting by name; null when it was never set. */
  setting(name: string): Promise<string | null>;
  setSetting(name: string, value: string): Promise<void>;
  /** Waits for what is being written. Nothing may be called afterwards. */
  close(): Promise<void>;
}

export interface StoredNetwork {
  readonly network: NetworkId;
  readonly entries: readonly StoredEntry[];
  readonly reservations: readonly Lease[];
}

export interface StoredEntry {
  /** As in `Entry`. */
  readonly hash: string;
  readonly signed: Signed;
}

/** Additions replace what has the same key; removals of what is not there are nothing. Removals go first. */
export interface StoreChange {
  readonly put?: readonly StoredEntry[];
  /** Hashes. */
  readonly drop?: readonly string[];
  readonly reserve?: readonly Lease[];
  readonly free?: readonly IdentityKey[];
}
