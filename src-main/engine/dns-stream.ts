/** Messages of the domain name system over a stream: each behind its length in two bytes (RFC 1035 §4.2.2). */
import { concatBytes } from "../../src-shared/bytes.ts";

/** The whole messages of what has come, and the rest that waits for more. */
export function takeFramed(
  before: Uint8Array,
  chunk: Uint8Array,
): { readonly messages: readonly Uint8Array[]; readonly rest: Uint8Array } {
  const bytes = before.length === 0 ? chunk : concatBytes(before, chunk);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const messages: Uint8Array[] = [];
  let at = 0;
  while (bytes.length - at >= 2) {
    const length = view.getUint16(at);
    if (bytes.length - at - 2 < length) break;
    messages.push(bytes.subarray(at + 2, at + 2 + length));
    at += 2 + length;
  }
  return { messages, rest: bytes.slice(at) };
}

/** A message with its length before it. */
export function framed(message: Uint8Array): Uint8Array {
  return concatBytes(Uint8Array.of(message.length >> 8, message.length & 255), message);
}
