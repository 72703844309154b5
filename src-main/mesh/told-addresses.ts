/** What of each node's own record can be tried from here. */
import type { Prefix } from "../../src-shared/address.ts";
import type { IdentityKey } from "../../src-shared/ids.ts";
import type { NodeRecord } from "../../src-shared/trust.ts";
import { triable } from "./candidate.ts";
import type { OwnCandidate } from "./effect.ts";

/** Computed once for each record. */
export class ToldAddresses {
  readonly #found = new Map<
    IdentityKey,
    { readonly node: NodeRecord; readonly found: readonly OwnCandidate[] }
  >();

  /** Addresses of a record that can be tried; `here` as of the last `clear`. */
  of(
    node: NodeRecord | null,
    here: { readonly ranges: readonly Prefix[]; readonly own: readonly OwnCandidate[] },
  ): readonly OwnCandidate[] {
    if (node === null) return [];
    const known = this.#found.get(node.identity);
    if (known?.node === node) return known.found;
    const found = triable(node.candidates, here);
    this.#found.set(node.identity, { node, found });
    return found;
  }

  /** Our own addresses or the network's ranges are others now. */
  clear(): void {
    this.#found.clear();
  }
}
