import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { openLogins, panelState } from "../../../src-main/server/logins.ts";
import { keptInMemory } from "../../contract/pipes.ts";

describe("panel log-ins", () => {
  it("find their cookie among any others, and no other cookie is one", () => {
    const logins = openLogins(keptInMemory());
    const cookie = `${logins.cookieName}=${logins.logIn(logins.makeToken().token)}`;
    const other = fc.oneof(
      fc.string(),
      fc.string({ unit: "binary" }),
      fc.constantFrom("", "=", `${logins.cookieName}=`),
    );
    fc.assert(
      fc.property(fc.array(other, { maxLength: 3 }), fc.array(other, { maxLength: 3 }), (before, after) => {
        expect(logins.admits([...before, ...after].join("; "))).toBe(false);
        const clean = [...before, cookie, ...after].map((each) => each.replaceAll(";", ""));
        expect(logins.admits(clean.join("; "))).toBe(true);
      }),
    );
    expect(logins.admits(undefined)).toBe(false);
  });

  it("take no token but those that were given out", () => {
    let now = 0;
    const logins = openLogins(keptInMemory(), () => (now += 3_600_000));
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[0-9a-f]{32}$/)), (token) => {
        expect(() => logins.logIn(token)).toThrow("This link was used or is older");
      }),
    );
  });

  it("stay bounded, the newest win", () => {
    const kept = keptInMemory();
    const logins = openLogins(kept, () => 1);
    const tokens = Array.from({ length: 20 }, () => logins.makeToken().token);
    expect(() => logins.logIn(tokens[0] ?? "")).toThrow();
    logins.logIn(tokens[19] ?? "");
    const cookies = Array.from({ length: 100 }, () => logins.logIn(logins.makeToken().token));
    expect(kept.state?.logins).toHaveLength(64);
    expect(logins.admits(`${logins.cookieName}=${cookies[99]}`)).toBe(true);
    expect(logins.admits(`${logins.cookieName}=${cookies[0]}`)).toBe(false);
    expect(panelState.safeParse(kept.state).success).toBe(true);
  });

  it("of two installs do not share a cookie's name", () => {
    const names = Array.from({ length: 20 }, () => openLogins(keptInMemory()).cookieName);
    expect(new Set(names).size).toBe(20);
    for (const name of names) expect(name).toMatch(/^starmesh-[0-9a-f]{8}$/);
  });
});
