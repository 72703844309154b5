/** Entries cut into portions that control messages inside sessions carry well. */
import type { Signed } from "../../src-shared/trust.ts";

/**
 * Portions of about 20 kB, in order. A larger entry is a portion of its own; one that no message carries is left out: members
 * have it from their routers. `beside`: bytes of the message that something else takes.
 */
export function* portions(entries: Iterable<Signed>, beside = 0): Iterable<readonly Signed[]> {
  let portion: Signed[] = [];
  let bytes = 0;
  for (const entry of entries) {
    const weight = weigh(entry);
    if (weight + beside > mostBytes) continue;
    if (portion.length > 0 && bytes + weight > usualBytes) {
      yield portion;
      portion = [];
      bytes = 0;
    }
    portion.push(entry);
    bytes += weight;
  }
  if (portion.length > 0) yield portion;
}

/** Bytes of an entry in a message; of small ones by rule of thumb. */
function weigh(entry: Signed): number {
  const rough = entry.body.length * 1.1 + 250;
  return rough < usualBytes / 2 ? rough : Buffer.byteLength(JSON.stringify(entry)) + 1;
}

const usualBytes = 20_000;
/** A message has 65,536 bytes at most. */
const mostBytes = 64_000;
