/** Bytes as text: base64, base64url, hexadecimal and UTF-8, alike in Node and in a browser. */

/** Base64 with padding, as WireGuard writes keys. */
export function toBase64(bytes: Uint8Array): string {
  const text = encode(bytes, standardAlphabet);
  return text + "=".repeat((4 - (text.length % 4)) % 4);
}

/** Base64url without padding. */
export function toBase64Url(bytes: Uint8Array): string {
  return encode(bytes, urlAlphabet);
}

/** Bytes of base64 or base64url, padded or not; null for anything else, non-canonical endings included. */
export function fromBase64(text: string): Uint8Array | null {
  const body = text.replace(/=+$/, "");
  if (body.length % 4 === 1 || text.length - body.length > 2) return null;
  const bytes = new Uint8Array(Math.floor((body.length * 3) / 4));
  let held = 0;
  let bits = 0;
  let at = 0;
  for (const character of body) {
    const value = values.get(character);
    if (value === undefined) return null;
    held = (held << 6) | value;
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      bytes[at++] = (held >> bits) & 0xff;
      held &= (1 << bits) - 1;
    }
  }
  return held === 0 ? bytes : null;
}

/** UTF-8 bytes of a text. */
export function toUtf8(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

/** Text of UTF-8 bytes; null when they are not UTF-8. */
export function fromUtf8(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}

/** One array out of several. */
export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** CRC-32 (IEEE 802.3), against copying errors only. */
export function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  return (crc ^ 0xffffffff) >>> 0;
}

function encode(bytes: Uint8Array, alphabet: string): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += 3) {
    const group = ((bytes[at] ?? 0) << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0);
    const characters = Math.min(4, Math.ceil(((bytes.length - at) * 8) / 6));
    for (let index = 0; index < characters; index++) text += alphabet[(group >> (18 - 6 * index)) & 63] ?? "";
  }
  return text;
}

const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const standardAlphabet = `${letters}+/`;
const urlAlphabet = `${letters}-_`;
const values = new Map(
  [...`${letters}+/`]
    .map((character, value) => [character, value] as const)
    .concat([
      ["-", 62],
      ["_", 63],
    ]),
);
