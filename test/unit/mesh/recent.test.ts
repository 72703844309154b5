import { describe, expect, it } from "vitest";
import { Recent } from "../../../src-main/mesh/recent.ts";
import { sessionOf } from "../../fakes/entries.ts";

const hour = 3_600_000;
const peers = Array.from({ length: 20 }, (_, at) => sessionOf(`peer-${at}`));
const [bob = sessionOf("bob"), cy = sessionOf("cy")] = peers;

describe("[C17] peers that were used lately", () => {
  it("are kept in reach for a day after the last packet, once that is wished", () => {
    const recent = new Recent();
    recent.used([bob], 0);
    expect(recent.keeping(bob, 1)).toBeNull();
    recent.wish(true);
    expect(recent.keeping(bob, 23 * hour)).toMatchObject({ calls: true });
    expect(recent.keeping(bob, 24 * hour)).toBeNull();
    expect(recent.keeping(cy, 1)).toBeNull();
    recent.forget(bob);
    expect(recent.keeping(bob, 1)).toBeNull();
  });

  it("are the sixteen used last", () => {
    const recent = new Recent();
    recent.wish(true);
    recent.used(peers.slice(0, 16), 0);
    recent.used([bob], 1000);
    recent.used(peers.slice(16), 2000);
    const kept = peers.filter((peer) => recent.keeping(peer, 3000) !== null);
    expect(kept).toEqual([bob, ...peers.slice(5)]);
  });
});
