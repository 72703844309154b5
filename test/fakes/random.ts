/** Chance that repeats itself: the same seed gives the same world. */
import { toBase64, toBase64Url } from "../../src-shared/bytes.ts";

/** A seeded source of chance. */
export interface Random {
  /** 0 ≤ value < 1. */
  next(): number;
  /** A value between two, the upper one excluded. */
  between(low: number, high: number): number;
  /** One of several. */
  pick<Value>(values: readonly [Value, ...Value[]]): Value;
  bytes(length: number): Uint8Array;
  /** 32 bytes as base64, like any key. */
  key(): string;
  /** 32 bytes as base64url, like a network's id. */
  id(): string;
}

/** A 32-bit counter run through an integer mixer: small, fast, and good enough for a fake. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  const next = () => {
    state = (state + 0x9e3779b9) >>> 0;
    let mixed = state;
    mixed = Math.imul(mixed ^ (mixed >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32;
  };
  const bytes = (length: number) => Uint8Array.from({ length }, () => Math.floor(next() * 256));
  return {
    next,
    between: (low, high) => low + next() * (high - low),
    pick: (values) => values[Math.floor(next() * values.length)] ?? values[0],
    bytes,
    key: () => toBase64(bytes(32)),
    id: () => toBase64Url(bytes(32)),
  };
}
