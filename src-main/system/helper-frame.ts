/**
 * How a request to the helper or its answer lies in a stream of bytes, as `drivers/helper/src/frame.rs` has it: a head (version,
 * number of descriptors, two zeros, four bytes of length), then the body. Descriptors go with the first byte of their frame.
 */

/** A body with its descriptors, which are the receiver's to close. */
export interface Frame {
  readonly bytes: Uint8Array;
  readonly descriptors: readonly number[];
}

/** Bytes of the longest body. */
export const longestBody = 128 * 1024;
/** Descriptors that may go with one frame. */
export const mostDescriptors = 4;

/** A frame as it is sent; null where none can hold it. */
export function encodeFrame(body: Uint8Array, descriptors = 0): Uint8Array | null {
  if (body.length === 0 || body.length > longestBody || descriptors > mostDescriptors) return null;
  const frame = Buffer.alloc(headBytes + body.length);
  frame.writeUInt8(version, 0);
  frame.writeUInt8(descriptors, 1);
  frame.writeUInt32BE(body.length, 4);
  frame.set(body, headBytes);
  return frame;
}

/** Puts frames together from what a stream gives, which is asked for `wanted` bytes at most each time. */
export class FrameReader {
  #part = Buffer.alloc(headBytes);
  #filled = 0;
  #head: { readonly descriptors: number } | null = null;
  #descriptors: readonly number[] = [];

  /** How much may be read on: never beyond the frame that is being read, so that descriptors are surely its own. */
  get wanted(): number {
    return this.#part.length - this.#filled;
  }

  /** A whole frame, or that it goes on; `broken` where it is none: then nothing that follows can be understood. */
  push(bytes: Uint8Array, descriptors: readonly number[]): Frame | "more" | "broken" {
    this.#descriptors = [...this.#descriptors, ...descriptors];
    if (bytes.length > this.wanted) return "broken";
    this.#part.set(bytes, this.#filled);
    this.#filled += bytes.length;
    if (this.wanted > 0) return "more";
    if (this.#head === null) {
      const head = readHead(this.#part);
      if (head === null) return "broken";
      this.#begin(head.length, head);
      return "more";
    }
    const frame = { bytes: this.#part, descriptors: this.#descriptors };
    if (this.#head.descriptors !== frame.descriptors.length) return "broken";
    this.#begin(headBytes, null);
    this.#descriptors = [];
    return frame;
  }

  /** Descriptors of a frame that will not become whole. */
  get left(): readonly number[] {
    return this.#descriptors;
  }

  #begin(length: number, head: { readonly descriptors: number } | null): void {
    this.#part = Buffer.alloc(length);
    this.#filled = 0;
    this.#head = head;
  }
}

function readHead(bytes: Buffer): { readonly descriptors: number; readonly length: number } | null {
  const descriptors = bytes.readUInt8(1);
  const length = bytes.readUInt32BE(4);
  if (bytes.readUInt8(0) !== version || bytes.readUInt16BE(2) !== 0) return null;
  if (length === 0 || length > longestBody || descriptors > mostDescriptors) return null;
  return { descriptors, length };
}

const version = 1;
const headBytes = 8;
