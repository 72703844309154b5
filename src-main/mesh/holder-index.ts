/** Who claims a session key or an address: nearly always one, so that one costs no list. */
import type { IdentityKey } from "../../src-shared/ids.ts";

/** Claimed thing → identities that claim it. */
export class HolderIndex {
  readonly #holders = new Map<string, IdentityKey | readonly IdentityKey[]>();

  holders(claimed: string): readonly IdentityKey[] {
    const found = this.#holders.get(claimed);
    return found === undefined ? [] : typeof found === "string" ? [found] : found;
  }

  /** The one that claims it; null when nobody does, or several do. */
  sole(claimed: string): IdentityKey | null {
    const found = this.#holders.get(claimed);
    return typeof found === "string" ? found : null;
  }

  add(claimed: string, identity: IdentityKey): void {
    const found = this.#holders.get(claimed);
    if (found === undefined || found === identity) {
      this.#holders.set(claimed, identity);
      return;
    }
    const others = this.holders(claimed).filter((one) => one !== identity);
    this.#holders.set(claimed, [...others, identity]);
  }

  remove(claimed: string, identity: IdentityKey): void {
    if (this.#holders.get(claimed) === identity) {
      this.#holders.delete(claimed);
      return;
    }
    const [first, ...others] = this.holders(claimed).filter((one) => one !== identity);
    if (first === undefined) this.#holders.delete(claimed);
    else this.#holders.set(claimed, others.length === 0 ? first : [first, ...others]);
  }

  clear(): void {
    this.#holders.clear();
  }
}
