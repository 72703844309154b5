/** Addresses as 16 bytes, IPv4 ones mapped into IPv6 (RFC 4291 §2.5.5.2). */
import type { Address } from "../../src-shared/address.ts";

export function writeAddress({ family, value }: Address): Uint8Array {
  const whole = family === 4 ? mapped | value : value;
  return Uint8Array.from({ length: 16 }, (_, at) => Number((whole >> BigInt(8 * (15 - at))) & 255n));
}

/** Of exactly 16 bytes. */
export function readAddress(bytes: Uint8Array): Address {
  const value = bytes.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  return value >> 32n === mapped >> 32n ? { family: 4, value: value & 0xffff_ffffn } : { family: 6, value };
}

const mapped = 0xffffn << 32n;
