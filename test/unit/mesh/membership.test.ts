import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Membership } from "../../../src-main/mesh/membership.ts";
import type { Entry } from "../../../src-shared/trust.ts";
import {
  day,
  entryOf,
  hashOf,
  identityOf,
  names,
  sessionOf,
  start,
  TestNetwork,
} from "../../fakes/entries.ts";

const net = new TestNetwork();

function merged(entries: readonly Entry[], now = start): Membership {
  const membership = new Membership(net.id, hashOf);
  membership.merge(entries, now);
  return membership;
}

describe("who counts as a member", () => {
  it("knows nobody before the network record has come", () => {
    const membership = merged([net.certificate("ann", 1)]);
    expect(membership.members()).toEqual([]);
    membership.merge([net.record()], start);
    expect(names(membership.members())).toEqual(["ann"]);
  });

  it("takes the issuer's word and an administrator's, nobody else's", () => {
    const entries = [
      net.record(),
      net.admin("ada", 1),
      net.certificate("bob", 2, {}, identityOf("ada")),
      net.certificate("eve", 3, {}, identityOf("bob")),
      net.certificate("mal", 4, {}, identityOf("nobody")),
    ];
    const membership = new Membership(net.id, hashOf);
    const result = membership.merge(entries, start);
    expect(names(membership.members())).toEqual(["ada", "bob"]);
    expect(result.refused).toEqual({ signer: 2 });
  });

  it("[E09] refuses entries of another network, and an issuer key that does not hash to the network's id", () => {
    const other = new TestNetwork("other");
    const membership = new Membership(net.id, hashOf);
    const foreign = { ...other.record().body, network: net.id };
    const result = membership.merge(
      [
        net.record(),
        other.certificate("eve", 1),
        entryOf("network", { ...foreign, version: 9 }, other.issuer),
      ],
      start,
    );
    expect(result.refused).toEqual({ network: 1, issuer: 1 });
    expect(membership.record?.version).toBe(1);
    expect(membership.members()).toEqual([]);
  });

  it("lets a chain arrive in any order", () => {
    const membership = new Membership(net.id, hashOf);
    membership.merge([net.certificate("cy", 3, {}, identityOf("bea"))], start);
    membership.merge([net.admin("bea", 2, {}, identityOf("ada"))], start);
    membership.merge([net.record()], start);
    expect(membership.members()).toEqual([]);
    membership.merge([net.admin("ada", 1)], start);
    expect(names(membership.members())).toEqual(["ada", "bea", "cy"]);
  });

  it("follows the highest serial, and direct before delegated", () => {
    const invite = net.delegation("invite");
    const membership = merged([
      net.record(),
      invite,
      net.delegated("invite", "ann", 1, { serial: 9 }),
      net.certificate("ann", 2, { serial: 2 }),
      net.certificate("ann", 3, { serial: 3 }),
    ]);
    expect(membership.member(identityOf("ann"))?.addresses).toEqual(["10.77.0.3"]);
  });

  it("drops certificates that have expired, and tells when the next does", () => {
    const membership = merged([
      net.record(),
      net.certificate("ann", 1),
      net.certificate("bob", 2, { expires: start + day }),
    ]);
    expect(membership.nextExpiry).toBe(start + day);
    const result = membership.merge([], start + day);
    expect(result.changed).toBe(true);
    expect(names(membership.members())).toEqual(["ann"]);
  });

  it("keeps a certificate that an administrator signed before its own one expired", () => {
    const ada = net.admin("ada", 1, { expires: start + 10 * day });
    const bob = net.certificate(
      "bob",
      2,
      { issued: start + day, expires: start + 300 * day },
      identityOf("ada"),
    );
    const late = net.certificate(
      "eve",
      3,
      { issued: start + 11 * day, expires: start + 300 * day },
      identityOf("ada"),
    );
    const membership = merged([net.record(), ada, bob, late], start + 20 * day);
    expect(names(membership.members())).toEqual(["bob"]);
  });
});

describe("invites", () => {
  const invite = net.delegation("invite", { count: 2, tags: ["office"] });

  it("admits within limits: time, tags, rights, how long", () => {
    const membership = merged([
      net.record(),
      invite,
      net.delegated("invite", "ann", 1, { tags: ["office"] }),
      net.delegated("invite", "late", 2, { issued: start + day + 1 }),
      net.delegated("invite", "tagged", 3, { tags: ["bosses"] }),
      net.delegated("invite", "issuing", 4, { rights: { relay: true, gateway: null, issue: true } }),
      net.delegated("invite", "routing", 5, {
        rights: { relay: true, gateway: ["10.0.0.0/8"], issue: false },
      }),
      net.delegated("invite", "lasting", 6, { expires: start + 365 * day }),
    ]);
    expect(names(membership.members())).toEqual(["ann"]);
    expect(membership.entriesOf("certificate")).toHaveLength(1);
  });

  it("keeps those seen first when more use it than it admits, until the close record decides", () => {
    const third = net.delegated("invite", "cy", 3);
    const membership = merged([
      net.record(),
      invite,
      net.delegated("invite", "ann", 1),
      net.delegated("invite", "bob", 2),
    ]);
    expect(membership.merge([third], start).refused).toEqual({ used: 1 });
    expect(names(membership.members())).toEqual(["ann", "bob"]);
    expect(membership.judge(third, start).refused).toBe("used");
    membership.merge([net.close("invite", ["bob", "cy"])], start);
    expect(names(membership.members())).toEqual(["bob", "cy"]);
  });

  it("does not free a place by removing whom it admitted", () => {
    const membership = merged([
      net.record(),
      invite,
      net.delegated("invite", "ann", 1),
      net.delegated("invite", "bob", 2),
    ]);
    membership.merge([net.revocation("ann", start + 5)], start + 5);
    membership.merge([net.delegated("invite", "cy", 3)], start + 6);
    expect(names(membership.members())).toEqual(["bob"]);
    expect(membership.admittedBy(identityOf("invite"))).toHaveLength(3);
  });

  it("refuses everybody else once it is closed, in either order", () => {
    const entries = [
      net.record(),
      invite,
      net.delegated("invite", "ann", 1),
      net.delegated("invite", "bob", 2),
    ];
    const close = net.close("invite", ["ann"]);
    expect(names(merged([...entries, close]).members())).toEqual(["ann"]);
    expect(names(merged([close, ...entries]).members())).toEqual(["ann"]);
  });

  it("counts for no peer under approval until an administrator signs directly", () => {
    const membership = merged([net.record({ approval: true }), invite, net.delegated("invite", "ann", 1)]);
    expect(membership.members()).toEqual([]);
    expect(names(membership.pending())).toEqual(["ann"]);
    expect(membership.addressesInUse()).toHaveLength(1);
    membership.merge([net.certificate("ann", 1, { serial: 2 })], start);
    expect(names(membership.members())).toEqual(["ann"]);
    expect(membership.pending()).toEqual([]);
  });

  it("does not let a second holder of the invite put another key under a member's identity", () => {
    const membership = merged([
      net.record(),
      invite,
      net.delegated("invite", "ann", 1),
      net.delegated("invite", "ann", 1, { serial: 2, sessionKey: sessionOf("thief") }),
    ]);
    expect(membership.member(identityOf("ann"))?.sessionKey).toBe(sessionOf("ann"));
  });

  it("ends with the administrator who gave it, but for those whom a close record names", () => {
    const entries = [
      net.record(),
      net.admin("ada", 1),
      net.delegation("adas", {}, identityOf("ada")),
      net.delegated("adas", "bob", 2),
      net.delegated("adas", "cy", 3),
      net.revocation("ada", start + 5),
    ];
    expect(names(merged(entries).members())).toEqual([]);
    expect(names(merged([...entries, net.close("adas", ["cy"])]).members())).toEqual(["cy"]);
  });
});

describe("removal", () => {
  const crowd = [net.record(), net.admin("ada", 1), net.certificate("bob", 2), net.certificate("cy", 3)];

  it("is heard from the issuer, an administrator and the member itself only", () => {
    expect(names(merged([...crowd, net.revocation("cy", start + 1, identityOf("ada"))]).members())).toEqual([
      "ada",
      "bob",
    ]);
    expect(
      names(merged([...crowd, net.revocation("cy", start + 1, identityOf("bob"))]).members()),
    ).toHaveLength(3);
    const left = net.revocation("cy", start + 1, identityOf("cy"), "left");
    expect(names(merged([...crowd, left]).members())).toEqual(["ada", "bob"]);
    const lie = net.revocation("cy", start + 1, identityOf("cy"), "removed");
    expect(names(merged([...crowd, lie]).members())).toHaveLength(3);
  });

  it("holds against the same certificate again, and against a higher serial of the same key", () => {
    const membership = merged([...crowd, net.revocation("bob", start + 1)]);
    membership.merge(
      [net.certificate("bob", 2), net.certificate("bob", 2, { serial: 7, issued: start + 2 })],
      start + 3,
    );
    expect(membership.isRevoked(sessionOf("bob"))).toBe(true);
    expect(names(membership.members())).toEqual(["ada", "cy"]);
  });

  it("[C09] lets the same machine come back with a new key", () => {
    const membership = merged([...crowd, net.revocation("bob", start + 1)]);
    membership.merge(
      [net.certificate("bob", 2, { sessionKey: sessionOf("bob again"), issued: start + 2 })],
      start + 3,
    );
    expect(membership.member(identityOf("bob"))?.sessionKey).toBe(sessionOf("bob again"));
  });

  it("takes with it what a removed administrator signed, its removals excepted", () => {
    const ada = identityOf("ada");
    const membership = merged([
      ...crowd,
      net.certificate("dan", 4, {}, ada),
      net.revocation("bob", start + 1, ada),
      net.revocation("ada", start + 2),
      net.revocation("cy", start + 3, ada),
    ]);
    expect(names(membership.members())).toEqual(["cy"]);
    expect(membership.orphans().map(({ body }) => body.name)).toEqual(["dan"]);
  });

  it("keeps what an administrator signed who left", () => {
    const ada = identityOf("ada");
    const entries = [
      ...crowd,
      net.certificate("dan", 4, {}, ada),
      net.revocation("ada", start + 2, ada, "left"),
    ];
    const membership = merged(entries, start + 3);
    expect(names(membership.members())).toEqual(["bob", "cy", "dan"]);
    membership.merge([net.certificate("eve", 5, { issued: start + 3 }, ada)], start + 3);
    expect(names(membership.members())).toEqual(["bob", "cy", "dan"]);
  });

  it("lets the first of two administrators who remove each other stay", () => {
    const both = [net.record(), net.admin("ada", 1), net.admin("bea", 2)];
    const first = net.revocation("bea", start + 1, identityOf("ada"));
    const second = net.revocation("ada", start + 2, identityOf("bea"));
    expect(names(merged([...both, first, second]).members())).toEqual(["ada"]);
    expect(names(merged([second, first, ...both]).members())).toEqual(["ada"]);
  });

  it("of a gateway ends the stock clients that it serves", () => {
    const gate = net.certificate("gate", 1, { rights: { relay: true, gateway: [], issue: false } });
    const stock = {
      kind: "stock" as const,
      gateway: identityOf("gate"),
      rights: { relay: false, gateway: null, issue: false },
    };
    const phone = net.certificate("phone", 9, stock, identityOf("gate"));
    const forged = net.certificate("fake", 8, { ...stock, gateway: identityOf("bob") }, identityOf("bob"));
    const membership = merged([net.record(), phone, gate, net.certificate("bob", 2), forged]);
    expect(names(membership.members())).toEqual(["bob", "gate", "phone"]);
    membership.merge([net.revocation("gate", start + 1)], start + 1);
    expect(names(membership.members())).toEqual(["bob"]);
  });
});

describe("conflicts", () => {
  it("refuses a session key that another identity already holds", () => {
    const membership = merged([
      net.record(),
      net.certificate("ann", 1),
      net.certificate("eve", 2, { sessionKey: sessionOf("ann") }),
    ]);
    expect(names(membership.members())).toEqual(["ann"]);
    expect(membership.memberOf(sessionOf("ann"))?.certificate.name).toBe("ann");
  });

  it("[C07] gives an address to the direct certificate, else to the lower hash; the loser gets no traffic", () => {
    const entries = [
      net.record(),
      net.delegation("invite"),
      net.certificate("ann", 1),
      net.delegated("invite", "bob", 1),
    ];
    const membership = merged(entries);
    expect(membership.member(identityOf("ann"))?.addresses).toEqual(["10.77.0.1"]);
    expect(membership.member(identityOf("bob"))?.addresses).toEqual([]);
    expect(membership.member(identityOf("bob"))?.lost).toEqual([
      { address: "10.77.0.1", to: identityOf("ann") },
    ]);

    const equals = [net.record(), net.certificate("cy", 5), net.certificate("dan", 5)];
    const winners = [equals, [...equals].reverse()].map((order) =>
      merged(order)
        .members()
        .filter(({ addresses }) => addresses.length > 0)
        .map(({ identity }) => identity),
    );
    const rank = (name: string) => hashOf(Buffer.from(`${net.id}10.77.0.5${identityOf(name)}`));
    expect(winners[0]).toEqual([identityOf(rank("cy") < rank("dan") ? "cy" : "dan")]);
    expect(winners[1]).toEqual(winners[0]);
  });

  it("gives no traffic to addresses outside the ranges, nor to the range's own and broadcast ones", () => {
    const membership = merged([
      net.record(),
      net.certificate("ann", 1, { addresses: ["10.78.0.1"] }),
      net.certificate("bob", 2, { addresses: ["10.77.0.0"] }),
      net.certificate("cy", 3, { addresses: ["10.77.255.255"] }),
    ]);
    expect(membership.members().flatMap(({ addresses }) => addresses)).toEqual([]);
  });

  it("takes the record of the highest version, of two with one version that of the lower hash", () => {
    const one = net.record({ version: 2, name: "one" });
    const two = net.record({ version: 2, name: "two" });
    const lower = one.hash < two.hash ? "one" : "two";
    expect(merged([net.record(), one, two]).record?.name).toBe(lower);
    expect(merged([two, one, net.record()]).record?.name).toBe(lower);
  });
});

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
