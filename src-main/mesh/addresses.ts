/** Who gets which address and name in a network, and which range a new network takes. */
import type { Address, Prefix } from "../../src-shared/address.ts";
import {
  contains,
  formatAddress,
  formatPrefix,
  overlaps,
  parseAddress,
  parsePrefix,
} from "../../src-shared/address.ts";
import { fromBase64, toUtf8 } from "../../src-shared/bytes.ts";
import type { ErrorCode, ErrorData } from "../../src-shared/errors.ts";
import type { IdentityKey, Millis, NetworkId } from "../../src-shared/ids.ts";
import type { AddressInUse, HashOf } from "./membership.ts";

/** What somebody who wants to join asks for. */
export interface ReserveRequest {
  readonly identity: IdentityKey;
  readonly name: string;
  /** Chosen by hand; absent: any. */
  readonly address?: string | undefined;
}

/** An address that was somebody's: kept for it until `until`, or for as long as it is a member (null). */
export interface Lease {
  readonly identity: IdentityKey;
  readonly name: string;
  readonly address: string;
  readonly until: Millis | null;
}

/** Name and address to sign, or why not. */
export type Reserved =
  | { readonly ok: true; readonly name: string; readonly address: string }
  | { readonly ok: false; readonly code: ErrorCode; readonly data: ErrorData };

/**
 * The addresses of one network: in use, held for somebody who is joining, kept for somebody who left.
 *
 * The same identity gets the same address again: first its lease, else the first free one from a place that its key
 * alone decides.
 */
export class AddressBook {
  readonly #network: NetworkId;
  readonly #hashOf: HashOf;
  readonly #leases = new Map<IdentityKey, Lease>();
  readonly #holds = new Map<IdentityKey, Lease & { readonly until: Millis }>();

  constructor(network: NetworkId, hashOf: HashOf, leases: readonly Lease[] = []) {
    this.#network = network;
    this.#hashOf = hashOf;
    for (const lease of leases) this.#leases.set(lease.identity, lease);
  }

  /** Takes note of who has what now; whoever is gone keeps its address for 30 days. True when leases changed. */
  observe(inUse: readonly AddressInUse[], now: Millis): boolean {
    let changed = false;
    const present = new Set(inUse.map(({ identity }) => identity));
    for (const { identity, name, address } of inUse) {
      const known = this.#leases.get(identity);
      if (known?.address === address && known.name === name && known.until === null) continue;
      this.#leases.set(identity, { identity, name, address, until: null });
      changed = true;
    }
    for (const lease of this.#leases.values()) {
      if (lease.until === null && !present.has(lease.identity)) {
        this.#leases.set(lease.identity, { ...lease, until: now + keptAfterLeaving });
        changed = true;
      } else if (lease.until !== null && now >= lease.until) {
        this.#leases.delete(lease.identity);
        changed = true;
      }
    }
    return changed;
  }

  /** Holds a name and an address for 60 s. Asking again prolongs the same hold. */
  reserve(
    request: ReserveRequest,
    facts: { readonly ranges: readonly string[]; readonly inUse: readonly AddressInUse[] },
    now: Millis,
  ): Reserved {
    const { identity } = request;
    for (const hold of this.#holds.values()) if (now >= hold.until) this.#holds.delete(hold.identity);
    const others = facts.inUse.filter((one) => one.identity !== identity);
    const held = [...this.#holds.values()].filter((one) => one.identity !== identity);
    const kept = [...this.#leases.values()].filter(
      (one) => one.identity !== identity && one.until !== null && now < one.until,
    );
    const ranges = facts.ranges.flatMap((range) => parsePrefix(range) ?? []);
    const address =
      request.address === undefined
        ? this.#free(identity, { ranges, taken: [...others, ...held, ...kept] })
        : chosen(request.address, { ranges, others, waiting: [...held, ...kept] });
    if (typeof address !== "string") return address;
    const name = freeName(request.name, [...others, ...held]);
    this.#holds.set(identity, { identity, name, address, until: now + holdFor });
    return { ok: true, name, address };
  }

  /** Everything to keep on disk. */
  leases(): readonly Lease[] {
    return [...this.#leases.values()];
  }

  #free(
    identity: IdentityKey,
    {
      ranges,
      taken,
    }: { readonly ranges: readonly Prefix[]; readonly taken: readonly { readonly address: string }[] },
  ): string | Reserved {
    const unavailable = new Set(taken.map(({ address }) => address));
    const wished = this.#holds.get(identity)?.address ?? this.#leases.get(identity)?.address;
    if (wished !== undefined && !unavailable.has(wished) && isUsable(ranges, wished)) return wished;
    for (const range of ranges) {
      const { first, count } = hostsOf(range);
      const start = this.#seed(identity) % count;
      // At most `taken` addresses are passed over before a free one, or the range is full.
      for (let step = 0n; step < count && step <= BigInt(unavailable.size); step++) {
        const address = formatAddress({ family: range.family, value: first + ((start + step) % count) });
        if (!unavailable.has(address)) return address;
      }
    }
    return { ok: false, code: "range-full", data: { range: ranges.map(formatPrefix).join(", ") } };
  }

  #seed(identity: IdentityKey): bigint {
    const bytes = fromBase64(this.#hashOf(toUtf8(`${this.#network} ${identity}`))) ?? new Uint8Array();
    return bytes.subarray(0, 8).reduce((seed, byte) => (seed << 8n) | BigInt(byte), 0n);
  }
}

/** A prefix that this machine uses already, and on which interface. */
export interface LocalPrefix {
  readonly prefix: string;
  readonly interface: string;
}

/** Whether an address can be a member's: inside, and neither the range's own address, nor the resolver's, nor its broadcast one. */
export function isUsableIn(range: Prefix | null, address: Address): boolean {
  if (range === null || !contains(range, address)) return false;
  const { first, count } = hostsOf(range);
  return address.value >= first && address.value < first + count;
}

/** Address at which each member's own machine answers for the network's names: the last of a range; null where it has none. */
export function resolverAddress(range: Prefix): Address | null {
  const bits = 32 - range.length;
  if (range.family !== 4 || bits < fewestResolverBits) return null;
  return { family: 4, value: range.value + (1n << BigInt(bits)) - 2n };
}

/** Tells whether an address can be a member's in any of the ranges; quick for IPv4, since every member is asked about. */
export function usableIn(ranges: readonly Prefix[]): (address: string) => boolean {
  const spans = ranges.flatMap((range) => {
    const { first, count } = hostsOf(range);
    return range.family === 4 ? [{ first: Number(first), end: Number(first + count) }] : [];
  });
  return (text) => {
    const value = quad(text);
    if (value !== null) return spans.some(({ first, end }) => value >= first && value < end);
    return isUsable(ranges, text);
  };
}

/** The name itself, or with `-2`, `-3` … where others have it. At most 63 characters. */
export function freeName(name: string, others: readonly { readonly name: string }[]): string {
  const taken = new Set(others.map((other) => folded(other.name)));
  for (let number = 1; ; number++) {
    const ending = number === 1 ? "" : `-${number}`;
    const text = `${name.slice(0, longestName - ending.length).replace(unfinished, "")}${ending}`;
    if (!taken.has(folded(text))) return text;
  }
}

/** Whether two names are one to a reader: case and Unicode form aside. */
export function sameName(one: string, other: string): boolean {
  return folded(one) === folded(other);
}

function folded(name: string): string {
  return name.normalize("NFC").toLowerCase();
}

/** The local prefixes that contain, equal or lie inside the range. Routes to everywhere are no obstacle. */
export function overlapping(range: string, locals: readonly LocalPrefix[]): readonly LocalPrefix[] {
  const wanted = parsePrefix(range);
  if (wanted === null) return [];
  return locals.filter(({ prefix }) => {
    const local = parsePrefix(prefix);
    return local !== null && local.length > shortestLocal && overlaps(wanted, local);
  });
}

/**
 * The range of a new network: a private /16 of 10.0.0.0/8 by chance that no local prefix overlaps; where that is full,
 * of 172.16.0.0/12, then a /24 of 192.168.0.0/16. Null when nothing private is left.
 */
export function newRange(locals: readonly LocalPrefix[], random: () => number): string | null {
  const families = [
    { count: 256, of: (at: number) => `10.${at}.0.0/16` },
    { count: 16, of: (at: number) => `172.${16 + at}.0.0/16` },
    { count: 256, of: (at: number) => `192.168.${at}.0/24` },
  ];
  for (const { count, of } of families) {
    const start = Math.floor(random() * count);
    for (let step = 0; step < count; step++) {
      const range = of((start + step) % count);
      if (overlapping(range, locals).length === 0) return range;
    }
  }
  return null;
}

/** A range given by hand in its usual form; null unless it is private IPv4 from /8 to /29. */
export function parseRange(text: string): string | null {
  const range = text.includes("/") ? parsePrefix(text) : null;
  if (range === null || range.family !== 4 || range.length < 8 || range.length > 29) return null;
  const inside = privateRanges.some((wide) => wide.length <= range.length && contains(wide, range));
  return inside ? formatPrefix(range) : null;
}

function chosen(
  text: string,
  facts: {
    readonly ranges: readonly Prefix[];
    readonly others: readonly { readonly address: string; readonly name: string }[];
    readonly waiting: readonly { readonly address: string; readonly name: string }[];
  },
): string | Reserved {
  const parsed = parseAddress(text);
  const address = parsed === null ? text : formatAddress(parsed);
  if (!isUsable(facts.ranges, address)) {
    return {
      ok: false,
      code: "address-outside",
      data: { address, range: facts.ranges.map(formatPrefix).join(", ") },
    };
  }
  const owner = [...facts.others, ...facts.waiting].find((one) => one.address === address);
  if (owner !== undefined) return { ok: false, code: "address-taken", data: { address, owner: owner.name } };
  return address;
}

function isUsable(ranges: readonly Prefix[], text: string): boolean {
  const address = parseAddress(text);
  return address !== null && ranges.some((range) => isUsableIn(range, address));
}

/** Dotted decimal as a number; null for anything else. */
function quad(text: string): number | null {
  let value = 0;
  let part = -1;
  let parts = 0;
  for (let at = 0; at <= text.length; at++) {
    const digit = at < text.length ? text.charCodeAt(at) - 48 : -2;
    if (digit >= 0 && digit <= 9) {
      if (part === 0) return null;
      part = Math.max(part, 0) * 10 + digit;
      if (part > 255) return null;
    } else if (digit === -2 && part >= 0) {
      value = value * 256 + part;
      part = -1;
      parts++;
    } else {
      return null;
    }
  }
  return parts === 4 ? value : null;
}

/** First address for members and how many there are. */
function hostsOf(range: Prefix): { readonly first: bigint; readonly count: bigint } {
  const bits = (range.family === 4 ? 32 : 128) - range.length;
  const size = 1n << BigInt(bits);
  if (bits < 2) return { first: range.value, count: size };
  return { first: range.value + 1n, count: size - (resolverAddress(range) === null ? 2n : 3n) };
}

/** Smaller ranges have no address to spare. */
const fewestResolverBits = 3;
const holdFor: Millis = 60_000;
const keptAfterLeaving: Millis = 30 * 86_400_000;
const longestName = 63;
/** What a cut name may not end in: a dot, a hyphen, half a character. */
const unfinished = /[.\uD800-\uDBFF-]+$/;
/** Prefixes this short or shorter are routes to everywhere (a default route, or its two halves), not neighbours. */
const shortestLocal = 1;
const privateRanges = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"].flatMap(
  (text) => parsePrefix(text) ?? [],
);
