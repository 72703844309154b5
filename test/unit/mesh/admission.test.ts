import { describe, expect, it } from "vitest";
import { canAdmit, closable, reissues } from "../../../src-main/mesh/admission.ts";
import { Membership } from "../../../src-main/mesh/membership.ts";
import type { Entry, EntryOf } from "../../../src-shared/trust.ts";
import { day, hashOf, identityOf, sessionOf, start, TestNetwork } from "../../fakes/entries.ts";

const net = new TestNetwork();
const record = net.record();
const invite = net.delegation("invite", { count: 2 });

function merged(...entries: readonly Entry[]): Membership {
  const membership = new Membership(net.id, hashOf);
  membership.merge(entries, start);
  return membership;
}

function code(membership: Membership, entry: EntryOf<"certificate">, now = start): string {
  const admission = canAdmit(membership, entry, now);
  return admission.ok ? (admission.pending ? "pending" : "ok") : admission.code;
}

describe("admission", () => {
  it("takes in who holds an invite, and gives an identical repeat the same answer", () => {
    const ann = net.delegated("invite", "ann", 1);
    const membership = merged(record, invite);
    expect(code(membership, ann)).toBe("ok");
    membership.merge([ann], start);
    expect(code(membership, ann)).toBe("ok");
    expect(code(membership, ann, start + 2 * day)).toBe("ok");
  });

  it("refuses a used, an expired and a withdrawn invite, each with its reason", () => {
    const full = merged(record, invite, net.delegated("invite", "ann", 1), net.delegated("invite", "bob", 2));
    expect(code(full, net.delegated("invite", "cy", 3))).toBe("invite-used");
    expect(code(merged(record, invite), net.delegated("invite", "cy", 3), start + 2 * day)).toBe(
      "invite-expired",
    );
    const withdrawn = merged(record, invite, net.close("invite", []));
    expect(code(withdrawn, net.delegated("invite", "cy", 3))).toBe("invite-withdrawn");
    const closed = merged(record, invite, net.close("invite", ["ann", "bob"]));
    expect(code(closed, net.delegated("invite", "cy", 3))).toBe("invite-used");
  });

  it("[C07] refuses an address that is taken, naming its owner, and one outside the range", () => {
    const membership = merged(record, invite, net.certificate("ann", 1));
    expect(canAdmit(membership, net.delegated("invite", "bob", 1), start)).toEqual({
      ok: false,
      code: "address-taken",
      data: { address: "10.77.0.1", owner: "ann" },
    });
    const outside = net.delegated("invite", "bob", 1, { addresses: ["192.168.1.1"] });
    expect(canAdmit(membership, outside, start)).toEqual({
      ok: false,
      code: "address-outside",
      data: { address: "192.168.1.1", range: "10.77.0.0/16" },
    });
  });

  it("refuses a taken name, a taken key, a second key of one machine, and whoever was removed", () => {
    const membership = merged(record, invite, net.certificate("ann", 1), net.revocation("old", start + 5));
    expect(code(membership, net.delegated("invite", "bob", 2, { name: "ANN" }))).toBe("not-allowed");
    expect(code(membership, net.delegated("invite", "bob", 2, { sessionKey: sessionOf("ann") }))).toBe(
      "not-allowed",
    );
    expect(code(membership, net.delegated("invite", "ann", 1, { sessionKey: sessionOf("new") }))).toBe(
      "already-member",
    );
    expect(code(membership, net.delegated("invite", "old", 3))).toBe("revoked");
  });

  it("refuses what nobody stands behind, and rights that an invite cannot give", () => {
    const membership = merged(record, invite);
    expect(code(membership, net.certificate("eve", 3, {}, identityOf("nobody")))).toBe("not-allowed");
    const issuing = net.delegated("invite", "eve", 3, {
      rights: { relay: true, gateway: null, issue: true },
    });
    expect(code(membership, issuing)).toBe("not-allowed");
  });

  it("lets those wait whom an administrator must approve", () => {
    const membership = merged(net.record({ approval: true }), invite);
    expect(code(membership, net.delegated("invite", "ann", 1))).toBe("pending");
  });

  it("takes in whoever signs with the secret's issuer key", () => {
    expect(code(merged(net.record({ secret: true })), net.certificate("ann", 1))).toBe("ok");
  });
});

describe("what an administrator has left to sign", () => {
  it("is a direct certificate for delegated ones, half-spent ones and those of a removed administrator", () => {
    const membership = merged(
      record,
      invite,
      net.admin("ada", 1, { expires: start + 1000 * day }),
      net.delegated("invite", "bob", 2),
      net.certificate("cy", 3),
      net.certificate("dan", 4, {}, identityOf("ada")),
    );
    expect(reissues(membership, start).map(({ entry, cause }) => [entry.body.name, cause])).toEqual([
      ["bob", "delegated"],
    ]);
    membership.merge([net.revocation("ada", start + 1)], start + 1);
    expect(
      reissues(membership, start + 183 * day).map(({ entry, cause }) => [entry.body.name, cause]),
    ).toEqual([
      ["bob", "delegated"],
      ["cy", "half-life"],
      ["dan", "orphaned"],
    ]);
  });

  it("is the close record of invites that are over", () => {
    const membership = merged(record, invite, net.delegation("other"), net.delegated("invite", "ann", 1));
    expect(closable(membership, start)).toEqual([]);
    membership.merge([net.delegated("invite", "bob", 2)], start);
    expect(closable(membership, start).map(({ admitted }) => admitted)).toEqual([
      [identityOf("ann"), identityOf("bob")],
    ]);
    expect(closable(membership, start + 2 * day)).toHaveLength(2);
    membership.merge([net.close("invite", ["ann", "bob"]), net.close("other", [])], start);
    expect(closable(membership, start + 2 * day)).toEqual([]);
  });
});
