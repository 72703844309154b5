/** IP addresses and prefixes: parsing, order, containment, overlap. */

/** An address as a number with its family. */
export interface Address {
  readonly family: 4 | 6;
  readonly value: bigint;
}

/** All addresses that share the first `length` bits of `value`. */
export interface Prefix extends Address {
  readonly length: number;
}

/** An IPv4 or IPv6 address; null for anything else, zones included. */
export function parseAddress(text: string): Address | null {
  const value4 = parse4(text);
  if (value4 !== null) return { family: 4, value: value4 };
  const value6 = parse6(text);
  return value6 === null ? null : { family: 6, value: value6 };
}

/** `address/length`, or a bare address as a prefix of its own; host bits are kept out. Null for anything else. */
export function parsePrefix(text: string): Prefix | null {
  const [addressText = "", lengthText, ...rest] = text.split("/");
  const address = parseAddress(addressText);
  if (address === null || rest.length > 0) return null;
  const bits = address.family === 4 ? 32 : 128;
  if (lengthText !== undefined && !/^\d{1,3}$/.test(lengthText)) return null;
  const length = lengthText === undefined ? bits : Number(lengthText);
  return length > bits ? null : toPrefix(address, length);
}

/** The prefix of a length round an address. */
export function toPrefix(address: Address, length: number): Prefix {
  const host = BigInt((address.family === 4 ? 32 : 128) - length);
  return { family: address.family, value: (address.value >> host) << host, length };
}

/** Shortest usual text; RFC 5952 for IPv6. */
export function formatAddress(address: Address): string {
  if (address.family === 4) {
    return [24n, 16n, 8n, 0n].map((shift) => String((address.value >> shift) & 255n)).join(".");
  }
  const groups = Array.from({ length: 8 }, (_, at) =>
    Number((address.value >> BigInt(112 - 16 * at)) & 0xffffn),
  );
  const gap = longestZeroRun(groups);
  const text = (from: number, to: number) =>
    groups
      .slice(from, to)
      .map((group) => group.toString(16))
      .join(":");
  return gap.length < 2 ? text(0, 8) : `${text(0, gap.start)}::${text(gap.start + gap.length, 8)}`;
}

/** `address/length`. */
export function formatPrefix(prefix: Prefix): string {
  return `${formatAddress(prefix)}/${prefix.length}`;
}

/** Whether the address lies inside. */
export function contains(prefix: Prefix, address: Address): boolean {
  if (prefix.family !== address.family) return false;
  const host = BigInt((prefix.family === 4 ? 32 : 128) - prefix.length);
  return prefix.value >> host === address.value >> host;
}

/** Whether one contains the other, or they are equal. */
export function overlaps(one: Prefix, other: Prefix): boolean {
  return one.length <= other.length ? contains(one, other) : contains(other, one);
}

/** Loopback, link-local, private, shared (RFC 6598) or unique local: not reachable from the internet. */
export function isPrivate(address: Address): boolean {
  return privatePrefixes.some((prefix) => contains(prefix, address));
}

/** 127.0.0.0/8 or ::1. */
export function isLoopback(address: Address): boolean {
  return loopbackPrefixes.some((prefix) => contains(prefix, address));
}

/** 169.254.0.0/16 or fe80::/10. */
export function isLinkLocal(address: Address): boolean {
  return linkLocalPrefixes.some((prefix) => contains(prefix, address));
}

function parse4(text: string): bigint | null {
  const parts = text.split(".");
  if (parts.length !== 4) return null;
  let value = 0n;
  for (const part of parts) {
    if (!/^(0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255) return null;
    value = (value << 8n) | BigInt(part);
  }
  return value;
}

function parse6(text: string): bigint | null {
  const last = text.slice(text.lastIndexOf(":") + 1);
  const mapped = last.includes(".") ? parse4(last) : null;
  if (last.includes(".") && (mapped === null || !text.includes(":"))) return null;
  const plain =
    mapped === null
      ? text
      : `${text.slice(0, -last.length)}${(mapped >> 16n).toString(16)}:${(mapped & 0xffffn).toString(16)}`;
  const halves = plain.split("::");
  if (halves.length > 2) return null;
  const groups = halves.map((half) => (half === "" ? [] : half.split(":")));
  const [head = [], tail = []] = groups;
  const missing = 8 - head.length - tail.length;
  if (halves.length === 2 ? missing < 1 : missing !== 0) return null;
  let value = 0n;
  for (const group of [...head, ...Array<string>(halves.length === 2 ? missing : 0).fill("0"), ...tail]) {
    if (!/^[0-9a-fA-F]{1,4}$/.test(group)) return null;
    value = (value << 16n) | BigInt(`0x${group}`);
  }
  return value;
}

function longestZeroRun(groups: readonly number[]): { readonly start: number; readonly length: number } {
  let best = { start: 0, length: 0 };
  for (let start = 0; start < groups.length; start++) {
    let length = 0;
    while (groups[start + length] === 0) length++;
    if (length > best.length) best = { start, length };
  }
  return best;
}

function prefixes(...texts: readonly string[]): readonly Prefix[] {
  return texts.map((text) => parsePrefix(text)).filter((prefix) => prefix !== null);
}

const loopbackPrefixes = prefixes("127.0.0.0/8", "::1/128");
const linkLocalPrefixes = prefixes("169.254.0.0/16", "fe80::/10");
const privatePrefixes = [
  ...loopbackPrefixes,
  ...linkLocalPrefixes,
  ...prefixes("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7"),
];
