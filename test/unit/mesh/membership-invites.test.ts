import { describe, expect, it } from "vitest";
import { day, identityOf, names, sessionOf, start } from "../../fakes/entries.ts";
import { merged, net } from "./membership-bench.ts";

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
