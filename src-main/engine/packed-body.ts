/** Bodies of signed entries that are long, as they travel and are signed: brotli (RFC 7932) in base64 behind a mark. */
import { brotliCompressSync, brotliDecompressSync, constants } from "node:zlib";
import { fromBase64, toBase64 } from "../../src-shared/bytes.ts";

/** The body as it is signed: packed where that makes it much shorter to carry. */
export function packBody(text: string): string {
  if (text.length < leastPacked) return text;
  const packed = brotliCompressSync(text, {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: quality,
      // A policy on trial carries the former one, too: far back, and almost the same.
      [constants.BROTLI_PARAM_LGWIN]: constants.BROTLI_MAX_WINDOW_BITS,
      [constants.BROTLI_PARAM_SIZE_HINT]: text.length,
    },
  });
  return `${mark}${toBase64(packed)}`;
}

/** The text of a body, packed or not; null for what is packed wrongly or would be too long. */
export function unpackBody(body: string): string | null {
  if (!body.startsWith(mark)) return body;
  const packed = fromBase64(body.slice(mark.length));
  if (packed === null) return null;
  try {
    return brotliDecompressSync(packed, { maxOutputLength: mostUnpacked }).toString("utf8");
  } catch {
    return null;
  }
}

/** Bytes of a body's text at most. */
export const mostUnpacked = 4 * 1024 * 1024;
/** No JSON text begins like this. */
const mark = "br1:";
const leastPacked = 4096;
const quality = 9;
