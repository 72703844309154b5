import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { encodeRequest } from "../../src-main/system/netlink.ts";
import type { Exchange } from "../../src-main/system/rtnetlink.ts";
import type { Rule, TableRoute } from "../../src-main/system/rule-messages.ts";
import {
  parseOwnRule,
  parseTableRoute,
  ruleExchange,
  tableRouteExchange,
} from "../../src-main/system/rule-messages.ts";
import { toPrefix } from "../../src-shared/address.ts";

const table = 21_325;
const family = fc.constantFrom<4 | 6>(4, 6);
const prefix = fc
  .tuple(family, fc.bigInt({ min: 0n, max: (1n << 32n) - 1n }), fc.nat(32))
  .map(([of, value, length]) => toPrefix({ family: of, value }, length));

describe("a rule", () => {
  const rule = fc
    .record({
      to: fc.option(
        prefix.filter(({ length }) => length > 0),
        { nil: undefined },
      ),
      family,
      priority: fc.nat(32_767),
      mark: fc.option(fc.integer({ min: 1, max: 0xffff_ffff }), { nil: undefined }),
      port: fc.option(fc.integer({ min: 1, max: 65_535 }), { nil: undefined }),
      protocol: fc.constantFrom<"udp" | "tcp">("udp", "tcp"),
      table: fc.option(fc.integer({ min: 1, max: 0xffff_ffff }), { nil: null }),
      suppress: fc.option(fc.nat(128), { nil: undefined }),
    })
    .map(
      ({ to, mark, port, protocol, suppress, ...rest }): Rule => ({
        ...rest,
        family: to?.family ?? rest.family,
        ...(to === undefined ? {} : { to }),
        ...(mark === undefined ? {} : { mark }),
        ...(port === undefined ? {} : { port, protocol }),
        ...(suppress === undefined ? {} : { suppress }),
      }),
    );

  it("is read as it was written", () => {
    fc.assert(
      fc.property(rule, (each) => {
        expect(parseOwnRule(bodyOf(ruleExchange(each, 32)))).toEqual(each);
      }),
    );
  });

  it("of somebody else is nothing to us, and neither is garbage", () => {
    const own = bodyOf(ruleExchange({ family: 4, priority: 7, table }, 32));
    const foreign = Uint8Array.from(own, (byte) => (byte === 83 ? 4 : byte));
    expect(parseOwnRule(foreign)).toBeNull();
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 120 }), (bytes) => {
        parseOwnRule(bytes);
        parseTableRoute(bytes, table);
      }),
    );
  });
});

describe("a route of a table", () => {
  const route = fc.record({
    prefix,
    to: fc.oneof(
      fc.integer({ min: 1, max: 1_000_000 }),
      fc.constantFrom<"unreachable" | "throw">("unreachable", "throw"),
    ),
    metric: fc.nat(0xffff_fffe),
  });

  it("is read as it was written, of its own table alone", () => {
    fc.assert(
      fc.property(route, (each: TableRoute) => {
        const body = bodyOf(tableRouteExchange(each, table, { type: 24 }));
        expect(parseTableRoute(body, table)).toEqual(each);
        expect(parseTableRoute(body, 254)).toBeNull();
      }),
    );
  });
});

/** What the kernel would tell of it. */
function bodyOf({ type, header, attributes = [] }: Exchange): Uint8Array {
  return encodeRequest({ type, flags: 0, sequence: 1, header, attributes }).slice(16);
}
