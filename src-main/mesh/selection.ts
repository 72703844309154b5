/** Whom the selectors of one policy mean among the members of now. */
import type { Address, Prefix } from "../../src-shared/address.ts";
import {
  contains,
  formatAddress,
  formatPrefix,
  parseAddress,
  parsePrefix,
} from "../../src-shared/address.ts";
import type { IdentityKey } from "../../src-shared/ids.ts";
import type { Policy } from "../../src-shared/policy.ts";
import { parseSelector } from "../../src-shared/policy.ts";

/** A member as a policy sees it. */
export interface Subject {
  readonly identity: IdentityKey;
  readonly name: string;
  readonly tags: readonly string[];
  readonly addresses: readonly string[];
  /** Prefixes that it routes, as other members know them. */
  readonly routes: readonly string[];
  /** The gateway that serves it, of a stock client; null of a node. */
  readonly gateway: IdentityKey | null;
}

/** A policy and whom its names meant when it was signed. */
export interface BoundPolicy {
  readonly policy: Policy;
  /** By name in lower case. */
  readonly members: Readonly<Record<string, IdentityKey>>;
}

/** What some selectors come to. */
export interface Chosen {
  /** Everything; the rest is of no account then. */
  readonly any: boolean;
  readonly subjects: ReadonlySet<Subject>;
  readonly prefixes: readonly Prefix[];
  /** Addresses of the subjects, in their usual text. */
  readonly addresses: ReadonlySet<string>;
}

/** Resolves selectors; each list of them once. */
export class Selection {
  readonly #groups: ReadonlyMap<string, readonly string[]>;
  readonly #bound: ReadonlyMap<string, IdentityKey>;
  readonly #everybody: readonly Subject[];
  readonly #byIdentity: ReadonlyMap<IdentityKey, Subject>;
  readonly #byName = new Map<string, Subject[]>();
  readonly #known = new Map<string, Chosen>();

  constructor({ policy, members }: BoundPolicy, everybody: readonly Subject[]) {
    this.#groups = new Map(Object.entries(policy.groups));
    this.#bound = new Map(Object.entries(members));
    this.#everybody = everybody;
    this.#byIdentity = new Map(everybody.map((subject) => [subject.identity, subject]));
    for (const subject of everybody) {
      const name = subject.name.toLowerCase();
      const others = this.#byName.get(name);
      if (others === undefined) this.#byName.set(name, [subject]);
      else others.push(subject);
    }
  }

  /** Whom several selectors mean together. */
  choose(texts: readonly string[]): Chosen {
    const key = texts.join(",");
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const subjects = new Set<Subject>();
    const prefixes: Prefix[] = [];
    const any = texts.map((text) => this.#add(text, subjects, prefixes)).includes(true);
    const addresses = new Set([...subjects].flatMap((subject) => subject.addresses.map(usualText)));
    const chosen = { any, subjects, prefixes, addresses };
    this.#known.set(key, chosen);
    return chosen;
  }

  /**
   * The member of a name: the one that was meant when the policy was signed, whatever it is called now. A name that was
   * nobody's then is its bearer's, as long as there is just one.
   */
  member(name: string): Subject | null {
    const lower = name.toLowerCase();
    const bound = this.#bound.get(lower);
    if (bound !== undefined) return this.#byIdentity.get(bound) ?? null;
    const [only, second] = this.#byName.get(lower) ?? [];
    return only === undefined || second !== undefined ? null : only;
  }

  /** Takes in what one selector means; whether it is everything. */
  #add(text: string, subjects: Set<Subject>, prefixes: Prefix[]): boolean {
    const selector = parseSelector(text);
    switch (selector?.kind) {
      case undefined:
        return false;
      case "any":
        return true;
      case "prefix":
        prefixes.push(selector.prefix);
        return false;
      case "tag":
        for (const subject of this.#everybody)
          if (subject.tags.includes(selector.name)) subjects.add(subject);
        return false;
      case "group":
        for (const each of this.#groups.get(selector.name) ?? []) this.#add(each, subjects, prefixes);
        return false;
      case "member": {
        const member = this.member(selector.name);
        if (member !== null) subjects.add(member);
        return false;
      }
    }
  }
}

/** Whether an address is among what was chosen; who asks often gives its usual text, too. */
export function isChosen(
  { any, addresses, prefixes }: Chosen,
  address: Address,
  text = formatAddress(address),
): boolean {
  return any || addresses.has(text) || prefixes.some((prefix) => contains(prefix, address));
}

/** The chosen addresses and prefixes as text, subjects limited to those that fit. Of `any` there is no such list. */
export function prefixTexts(chosen: Chosen, fits: (subject: Subject) => boolean = () => true): string[] {
  return [
    ...[...chosen.subjects].filter(fits).flatMap(({ addresses }) => addresses.map(asPrefix)),
    ...chosen.prefixes.map(formatPrefix),
  ];
}

/** `10.1.2.3/32`. */
function asPrefix(address: string): string {
  const prefix = parsePrefix(address);
  return prefix === null ? address : formatPrefix(prefix);
}

function usualText(address: string): string {
  const parsed = parseAddress(address);
  return parsed === null ? address : formatAddress(parsed);
}
