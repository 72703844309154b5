/** What the nodes of a large world hold of the network's state, held once for all of them. */
import type { Merged } from "../../../src-main/mesh/membership.ts";
import { Membership } from "../../../src-main/mesh/membership.ts";
import type { IdentityKey } from "../../../src-shared/ids.ts";
import type { Entry } from "../../../src-shared/trust.ts";

/**
 * Thousands of nodes come to hold the same entries: each of them is told what a batch changed for it, though another
 * has brought the batch in. So each may know an entry some hundred milliseconds before it hears of it.
 */
export class CommonMembership extends Membership {
  readonly #known = new WeakMap<readonly Entry[], Merged>();

  override merge(entries: readonly Entry[], now: number): Merged {
    if (entries.length === 0) return super.merge(entries, now);
    const known = this.#known.get(entries);
    if (known !== undefined) return known;
    const { refused } = super.merge(entries, now);
    const merged = { ...changes(entries), refused };
    this.#known.set(entries, merged);
    return merged;
  }
}

/** What a batch means to whoever did not know it. */
function changes(entries: readonly Entry[]): Omit<Merged, "refused"> {
  const touched = new Set<IdentityKey>();
  const told = new Set<IdentityKey>();
  let isWhole = false;
  for (const entry of entries) {
    if (entry.kind === "certificate" || entry.kind === "revocation") touched.add(entry.body.identity);
    else if (entry.kind === "node") told.add(entry.body.identity);
    else isWhole = true;
  }
  return { changed: true, touched: isWhole ? null : touched, told };
}
