import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Membership } from "../../../src-main/mesh/membership.ts";
import type { Entry } from "../../../src-shared/trust.ts";
import { entryOf, hashOf, identityOf, names, sessionOf, start } from "../../fakes/entries.ts";
import { merged, net } from "./membership-bench.ts";

describe("the set", () => {
  const entries = [...buildNetwork()];

  it("is the same whatever the order and the portions in which entries come", () => {
    const whole = merged(entries, start + 100);
    expect(names(whole.members()).length).toBeGreaterThan(5);
    fc.assert(
      fc.property(
        fc.shuffledSubarray(entries, { minLength: entries.length }),
        fc.array(fc.nat(entries.length)),
        (order, cuts) => {
          const membership = new Membership(net.id, hashOf);
          const edges = [0, ...cuts.sort((one, other) => one - other), entries.length];
          for (const [at, edge] of edges.entries())
            membership.merge(order.slice(edges[at - 1] ?? 0, edge), start + 100);
          expect(membership.digestInput()).toBe(whole.digestInput());
          expect(summary(membership)).toEqual(summary(whole));
        },
      ),
      { numRuns: 150 },
    );
  });

  it("comes out the same of an exchange between two machines that hold different parts", () => {
    const whole = merged(entries, start + 100);
    fc.assert(
      fc.property(fc.subarray(entries), fc.subarray(entries), (ones, others) => {
        const one = merged(ones, start + 100);
        const other = merged(others, start + 100);
        // Twice: what was no more than a claim in the first round may count after it.
        for (let round = 0; round < 2; round++) {
          const toOther = one.missing(other.hashes());
          const toOne = other.missing(one.hashes());
          one.merge(toOne, start + 100);
          other.merge(toOther, start + 100);
        }
        one.merge(entries, start + 100);
        other.merge(entries, start + 100);
        expect(one.digest()).toBe(whole.digest());
        expect(other.digest()).toBe(whole.digest());
      }),
      { numRuns: 100 },
    );
  });

  it("holds when it is stored and read again", () => {
    const whole = merged(entries, start + 100);
    expect(merged(whole.entries(), start + 100).digest()).toBe(whole.digest());
  });

  it("answers a merge of what it holds with no change", () => {
    const membership = merged(entries, start + 100);
    expect(membership.merge(entries, start + 100).changed).toBe(false);
  });

  it("names whom a change touches, and computes the same as if it began anew", () => {
    const membership = merged([net.record(), net.certificate("ann", 1), net.certificate("bob", 2)]);
    const result = membership.merge([net.certificate("cy", 2)], start);
    expect(result.touched).toEqual(new Set([identityOf("bob"), identityOf("cy")]));
    const node = membership.merge([net.node("ann", 5, ["192.0.2.1:7743"])], start);
    expect([node.touched, node.told]).toEqual([new Set(), new Set([identityOf("ann")])]);
    expect(membership.member(identityOf("ann"))?.node?.version).toBe(5);
  });

  it("keeps the newest record of a node, and none of somebody who is no member", () => {
    const membership = merged([
      net.record(),
      net.certificate("ann", 1),
      net.node("ann", 7),
      net.node("ann", 6),
      net.node("eve", 9),
    ]);
    expect(membership.entriesOf("node").map(({ body }) => body.version)).toEqual([7]);
    const forged = entryOf("node", net.node("ann", 99).body, identityOf("eve"));
    expect(membership.merge([forged], start).refused).toEqual({ signer: 1 });
  });

  it("carries an epoch key for members and open invites only", () => {
    const membership = merged([
      net.record(),
      net.delegation("open"),
      net.delegation("shut"),
      net.close("shut", []),
      net.certificate("ann", 1),
      net.certificate("bob", 2),
      net.revocation("bob", start + 1),
      net.epoch(1, sessionOf("ann")),
      net.epoch(1, sessionOf("bob")),
      net.epoch(1, sessionOf("seal of open"), identityOf("open")),
      net.epoch(1, sessionOf("seal of shut"), identityOf("shut")),
      net.epoch(1, sessionOf("ann"), null, identityOf("ann")),
    ]);
    expect(membership.entriesOf("epoch").map(({ body }) => body.to)).toEqual([
      sessionOf("ann"),
      sessionOf("seal of open"),
    ]);
  });

  it("bounds what it holds of entries that count for nothing", () => {
    const membership = merged([net.record(), net.certificate("ann", 1)]);
    for (let at = 0; at < 60; at++) {
      const flood = Array.from({ length: 200 }, (_, step) =>
        net.certificate(`stranger ${at} ${step}`, 9, {}, identityOf("nobody")),
      );
      membership.merge(flood, start);
    }
    expect(membership.held).toBeLessThan(8300);
    expect(names(membership.members())).toEqual(["ann"]);
  });

  it("gives whoever must check a certificate its whole chain", () => {
    const membership = merged([
      net.record(),
      net.admin("ada", 1),
      net.delegation("adas", {}, identityOf("ada")),
      net.delegated("adas", "bob", 2),
      net.certificate("cy", 3),
    ]);
    const proof = membership.proofOf(identityOf("bob"));
    expect(proof.map(({ kind }) => kind).sort()).toEqual(["certificate", "certificate", "delegation"]);
    const stranger = merged([net.record(), ...proof]);
    expect(names(stranger.members())).toEqual(["ada", "bob"]);
  });
});

function summary(membership: Membership): unknown {
  return membership
    .members()
    .map(({ identity, rank, addresses, lost, sessionKey, node }) => ({
      identity,
      rank,
      addresses,
      lost,
      sessionKey,
      node,
    }))
    .sort((one, other) => (one.identity < other.identity ? -1 : 1));
}

/** A network with something of everything whose outcome does not hang on who came first. */
function buildNetwork(): readonly Entry[] {
  const ada = identityOf("ada");
  const bea = identityOf("bea");
  return [
    net.record(),
    net.record({ version: 3, name: "ours" }, ada),
    net.record({ version: 4, name: "theirs" }, identityOf("eve")),
    net.admin("ada", 1),
    net.admin("bea", 2, {}, ada),
    net.certificate("cy", 3, {}, bea),
    net.certificate("cy", 4, { serial: 2 }, ada),
    net.certificate("dan", 4, {}, ada),
    net.delegation("invite", { count: 3 }, bea),
    net.delegated("invite", "fay", 6),
    net.delegated("invite", "gus", 7),
    net.certificate("gus", 7, { serial: 2 }, ada),
    net.delegation("closed", { count: 5 }, ada),
    net.delegated("closed", "hal", 8),
    net.delegated("closed", "ida", 9),
    net.close("closed", ["hal"], ada),
    net.certificate("jon", 10),
    net.revocation("jon", start + 3, bea),
    net.certificate("jon", 11, { sessionKey: sessionOf("jon again"), issued: start + 5 }),
    net.certificate("kim", 12),
    net.revocation("kim", start + 6, identityOf("kim"), "left"),
    net.admin("lea", 13),
    net.certificate("max", 14, {}, identityOf("lea")),
    net.revocation("dan", start + 7, identityOf("lea")),
    net.revocation("lea", start + 8, ada),
    net.node("fay", 3, ["192.0.2.3:1"]),
    net.node("fay", 4, ["192.0.2.3:2"]),
    net.node("jon", 2),
    net.epoch(1, sessionOf("fay"), null, ada),
    net.epoch(2, sessionOf("fay"), null, ada),
    net.epoch(2, sessionOf("kim"), null, ada),
    net.certificate("gate", 15, { rights: { relay: true, gateway: [], issue: false } }, bea),
    net.certificate(
      "phone",
      16,
      { kind: "stock", gateway: identityOf("gate"), rights: { relay: false, gateway: null, issue: false } },
      identityOf("gate"),
    ),
    net.certificate("mal", 17, {}, identityOf("eve")),
  ];
}
