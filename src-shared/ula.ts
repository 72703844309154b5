/** Unique local IPv6 addresses (RFC 4193) of a network and its members: derived, so that nobody has to give them out. */
import { formatAddress, formatPrefix } from "./address.ts";
import { concatBytes, fromBase64, toUtf8 } from "./bytes.ts";
import type { IdentityKey, NetworkId } from "./ids.ts";

/** SHA-256, base64. */
type HashOf = (bytes: Uint8Array) => string;

/** `fd…/48`: the first 40 bits of SHA-256("starmesh/1 ula" ‖ network id) behind the octet fd. */
export function ulaPrefix(network: NetworkId, hash: HashOf): string {
  return formatPrefix({ family: 6, value: prefixValue(network, hash), length: prefixBits });
}

/**
 * A member's address in it: in its subnet 0, with the first 64 bits of SHA-256("starmesh/1 host" ‖ network id ‖ identity) as
 * interface identifier.
 */
export function ulaAddress(network: NetworkId, identity: IdentityKey, hash: HashOf): string {
  const host = leading(hashed(hash, "starmesh/1 host", network, identity), 64);
  return formatAddress({ family: 6, value: prefixValue(network, hash) | host });
}

function prefixValue(network: NetworkId, hash: HashOf): bigint {
  const global = leading(hashed(hash, "starmesh/1 ula", network), 40);
  return ((0xfdn << 40n) | global) << BigInt(128 - prefixBits);
}

function hashed(hash: HashOf, label: string, ...keys: readonly string[]): Uint8Array {
  const parts = keys.map((key) => fromBase64(key) ?? new Uint8Array());
  return fromBase64(hash(concatBytes(toUtf8(label), ...parts))) ?? new Uint8Array(32);
}

function leading(bytes: Uint8Array, bits: number): bigint {
  return bytes.subarray(0, bits / 8).reduce((value, byte) => (value << 8n) | BigInt(byte), 0n);
}

const prefixBits = 48;
