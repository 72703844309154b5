import { describe, expect, it } from "vitest";
import { Membership } from "../../../src-main/mesh/membership.ts";
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
import { merged, net } from "./membership-bench.ts";

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
