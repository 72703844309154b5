/** A network moves to another range: which address each member gets there, and what rules and names written by address become. */
import type { Address, Prefix } from "../../src-shared/address.ts";
import {
  contains,
  formatAddress,
  formatPrefix,
  parseAddress,
  parsePrefix,
} from "../../src-shared/address.ts";
import type { IdentityKey } from "../../src-shared/ids.ts";
import type { NameEntry } from "../../src-shared/names.ts";
import type { Policy } from "../../src-shared/policy.ts";
import { isUsableIn } from "./addresses.ts";

/** Who has an address to take along. */
export interface Moving {
  readonly identity: IdentityKey;
  /** Null: it has none in the old range. */
  readonly address: string | null;
}

/** The way from one range to another. Both are IPv4. */
export class Renumbering {
  /** The new address of each member. */
  readonly addresses: ReadonlyMap<IdentityKey, string>;
  /** Members for whom there is no room. */
  readonly homeless: readonly IdentityKey[];
  readonly #from: Prefix;
  readonly #to: Prefix;
  readonly #moved = new Map<string, string>();

  /**
   * Each keeps its place in the range where it can; else it gets the next free one. `taken`: addresses of the new range that
   * nobody may get.
   */
  constructor(
    way: { readonly from: Prefix; readonly to: Prefix },
    members: readonly Moving[],
    taken: ReadonlySet<string>,
  ) {
    this.#from = way.from;
    this.#to = way.to;
    const addresses = new Map<IdentityKey, string>();
    const used = new Set(taken);
    const give = (identity: IdentityKey, text: string) => {
      addresses.set(identity, text);
      used.add(text);
    };
    for (const { identity, address } of members) {
      const same = address === null ? null : this.#samePlace(address);
      if (same !== null && (same === address || !used.has(same))) give(identity, same);
    }
    const free = this.#places();
    for (const { identity } of members) {
      if (addresses.has(identity)) continue;
      for (let next = free.next(); !next.done; next = free.next()) {
        if (used.has(next.value)) continue;
        give(identity, next.value);
        break;
      }
    }
    this.addresses = addresses;
    this.homeless = members.flatMap(({ identity }) => (addresses.has(identity) ? [] : [identity]));
    for (const { identity, address } of members) {
      const given = addresses.get(identity);
      if (address !== null && given !== undefined) this.#moved.set(address, given);
    }
  }

  /** An address or prefix as it is written in rules and names, in the new range; the same text where it is not of the old one. */
  text(text: string): string {
    const prefix = parsePrefix(text);
    if (prefix === null || !contains(this.#from, prefix) || prefix.length < this.#from.length) return text;
    const isAddress = prefix.length === 32;
    const given = isAddress ? this.#moved.get(formatAddress(prefix)) : undefined;
    if (given !== undefined) return text.includes("/") ? `${given}/32` : given;
    if (prefix.length === this.#from.length && !isAddress) return formatPrefix(this.#to);
    const value = this.#shifted(prefix.value);
    if (value === null || prefix.length < this.#to.length) return text;
    const shifted = { family: 4, value } as const;
    return text.includes("/") ? `${formatAddress(shifted)}/${prefix.length}` : formatAddress(shifted);
  }

  policy(policy: Policy): Policy {
    const list = (texts: readonly string[]) => texts.map((text) => this.text(text));
    return {
      ...policy,
      groups: Object.fromEntries(Object.entries(policy.groups).map(([name, group]) => [name, list(group)])),
      rules: policy.rules.map((rule) => ({ ...rule, from: list(rule.from), to: list(rule.to) })),
      tests: policy.tests.map((test) => ({ ...test, from: this.text(test.from), to: this.text(test.to) })),
    };
  }

  names(names: readonly NameEntry[]): NameEntry[] {
    return names.map((entry) =>
      entry.kind === "address" ? { ...entry, address: this.text(entry.address) } : entry,
    );
  }

  #samePlace(text: string): string | null {
    const address = parseAddress(text);
    const value =
      address?.family === 4 && contains(this.#from, address) ? this.#shifted(address.value) : null;
    const same: Address | null = value === null ? null : { family: 4, value };
    return same !== null && isUsableIn(this.#to, same) ? formatAddress(same) : null;
  }

  /** Null: it lies beyond the end of the new range. */
  #shifted(value: bigint): bigint | null {
    const place = value - this.#from.value;
    return place < 1n << BigInt(32 - this.#to.length) ? this.#to.value + place : null;
  }

  *#places(): Generator<string> {
    const end = this.#to.value + (1n << BigInt(32 - this.#to.length));
    for (let value = this.#to.value; value < end; value++)
      if (isUsableIn(this.#to, { family: 4, value })) yield formatAddress({ family: 4, value });
  }
}
