import { describe, expect, it } from "vitest";
import { Membership } from "../../../src-main/mesh/membership.ts";
import { Relays } from "../../../src-main/mesh/relays.ts";
import { entryOf, hashOf, identityOf, sessionOf, start, TestNetwork } from "../../fakes/entries.ts";

const net = new TestNetwork();
const relayNames = ["nas", "oslo", "rome", "bonn", "kiel"];

/** Ann's relays, in a network where five members relay and all of them answer her. */
function relays(): { readonly relays: Relays; readonly membership: Membership } {
  const membership = new Membership(net.id, hashOf);
  const members = [...relayNames, "bob"].map((name, at) => net.certificate(name, at + 2));
  const records = relayNames.map((name) => {
    const { body } = net.node(name, 1);
    return entryOf("node", { ...body, relay: { cost: 1 } }, identityOf(name));
  });
  membership.merge([net.record(), net.certificate("ann", 1), ...members, ...records], start);
  const found = new Relays({
    self: identityOf("ann"),
    random: () => 0.5,
    member: (identity) => membership.member(identity),
    link: (key) => ({
      endpoint: `${relayNames.findIndex((name) => sessionOf(name) === key)}.0.0.1:1`,
      rttMillis: 20,
    }),
  });
  found.learn(relayNames.map(identityOf));
  for (let second = 0; second < 120; second++) found.settle(start + second * 1000);
  return { relays: found, membership };
}

describe("[P23] a relay that the user chose", () => {
  it("is kept in reach besides the nearest, and asked first", () => {
    const { relays: found, membership } = relays();
    const bob = membership.member(identityOf("bob"));
    const kept = found.kept();
    const far = relayNames.find((name) => !kept.has(sessionOf(name))) ?? "";
    expect(found.asked(bob, far)).not.toContain(sessionOf(far));
    expect(found.keeping(membership.member(identityOf(far)))).toBe(null);

    found.setChosen([far.toUpperCase()]);
    found.settle(start + 121_000);
    expect(found.kept()).toEqual(new Set([...kept, sessionOf(far)]));
    expect(found.keeping(membership.member(identityOf(far)))).toMatchObject({ calls: true });
    expect(found.asked(bob, far)[0]).toBe(sessionOf(far));

    found.setChosen([]);
    expect(found.settle(start + 122_000).gone).toEqual([sessionOf(far)]);
    expect(found.kept()).toEqual(kept);
  });
});
