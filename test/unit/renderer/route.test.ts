import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Route } from "../../../src-renderer/state/route.ts";
import { formatRoute, networkParts, parseRoute, tokenOf } from "../../../src-renderer/state/route.ts";

const name = fc.string({ minLength: 1, maxLength: 60, unit: "grapheme" });
const anyRoute: fc.Arbitrary<Route> = fc.oneof(
  fc.constantFrom("home", "networks", "create", "graph", "router", "settings").map((page) => ({ page })),
  name.map((invite) => ({ page: "join" as const, invite })),
  fc.record({ page: fc.constantFrom(...networkParts), network: name }),
  fc.record({ network: name, peer: name }).map((given) => ({ page: "peer" as const, ...given })),
) as fc.Arbitrary<Route>;

describe("routes", () => {
  it("come back from their address as they were", () => {
    fc.assert(
      fc.property(anyRoute, (route) => {
        expect(parseRoute(formatRoute(route))).toEqual(route);
      }),
    );
  });

  it("lead home from whatever is not understood", () => {
    for (const hash of ["", "#", "#/", "#/nowhere", "#token=abc", "#/%"]) {
      expect(parseRoute(hash)).toEqual({ page: "home" });
    }
    fc.assert(
      fc.property(fc.string(), (hash) => {
        expect(typeof parseRoute(hash).page).toBe("string");
      }),
    );
  });
});

describe("the token of a panel link", () => {
  it("is taken from the fragment, and nothing else is", () => {
    expect(tokenOf("#token=0123456789abcdef")).toBe("0123456789abcdef");
    for (const hash of ["", "#/router", "#token=", "#token=short", "#/x#token=0123456789abcdef"]) {
      expect(tokenOf(hash)).toBeNull();
    }
  });
});
