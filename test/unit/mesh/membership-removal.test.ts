import { describe, expect, it } from "vitest";
import { identityOf, names, sessionOf, start } from "../../fakes/entries.ts";
import { merged, net } from "./membership-bench.ts";

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
