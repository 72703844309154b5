/** Entries cut into messages that stay well below what either side takes. */
import type { Signed } from "../../src-shared/trust.ts";

/** Slices of at most 1,000 entries and about 256 KB, in order; a single larger entry is a slice of its own. */
export function sliceEntries(entries: readonly Signed[]): readonly Signed[][] {
  const slices: Signed[][] = [];
  let size = longestSlice;
  for (const entry of entries) {
    const weight = 2 * entry.body.length + entryOverhead;
    const last = slices.at(-1);
    if (last === undefined || size + weight > longestSlice || last.length >= mostEntries) {
      slices.push([entry]);
      size = weight;
    } else {
      last.push(entry);
      size += weight;
    }
  }
  return slices;
}

const longestSlice = 262_144;
const mostEntries = 1000;
const entryOverhead = 200;
