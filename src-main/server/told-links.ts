/** Who is linked to whom in one hosted network, as the members tell; in memory only, and never more than shown. */
import { createHash } from "node:crypto";
import type { SessionKey } from "../../src-shared/ids.ts";
import type { ControlAnswer, ToldLink } from "../../src-shared/wire.ts";

export class ToldLinks {
  readonly #told = new Map<SessionKey, readonly ToldLink[]>();

  /** Takes a member's links; they replace what it told before. */
  tell(from: SessionKey, links: readonly ToldLink[]): void {
    this.#told.set(from, links);
  }

  /**
   * All links among those who count. Where both ends told of one, the end with the lower key has the word. What a
   * member told is forgotten when it is not online any more.
   */
  answer(
    have: string | null,
    who: { readonly isMember: (key: SessionKey) => boolean; readonly isOnline: (key: SessionKey) => boolean },
  ): ControlAnswer<"graph"> {
    for (const key of this.#told.keys()) if (!who.isOnline(key)) this.#told.delete(key);
    const indices = new Map<SessionKey, number>();
    const indexOf = (key: SessionKey) => {
      const index = indices.get(key) ?? indices.size;
      indices.set(key, index);
      return index;
    };
    const links: { a: number; b: number; via: string[]; ms: number | null }[] = [];
    const seen = new Set<string>();
    const tellers = [...this.#told].sort(([one], [other]) => (one < other ? -1 : 1));
    let room = mostBytes;
    for (const [from, told] of tellers) {
      for (const { to, via, ms } of told) {
        const pair = from < to ? `${from} ${to}` : `${to} ${from}`;
        if (from === to || seen.has(pair) || !who.isMember(to)) continue;
        room -= perLink + Buffer.byteLength(JSON.stringify(via));
        if (links.length >= mostLinks || room < 0) continue;
        seen.add(pair);
        links.push({ a: indexOf(from), b: indexOf(to), via: [...via], ms });
      }
    }
    const graph = { keys: [...indices.keys()], links };
    const version = createHash("sha256").update(JSON.stringify(graph)).digest("base64url").slice(0, 12);
    return { version, graph: version === have ? null : graph };
  }
}

const mostLinks = 4096;
/** What an answer may come to, two keys for each link counted; nodes take messages of 1 MiB. */
const mostBytes = 700_000;
const perLink = 140;
