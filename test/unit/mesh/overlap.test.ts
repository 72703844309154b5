import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { findOverlaps, freePrefix } from "../../../src-main/mesh/overlap.ts";
import { formatPrefix, overlaps, parsePrefix } from "../../../src-shared/address.ts";

const eth0 = (prefix: string) => ({ prefix, interface: "eth0" });

describe("[E15] addresses used twice", () => {
  it("are named, with free ones for the LAN behind a gateway", () => {
    const network = { ranges: ["10.66.0.0/16"], routes: ["192.168.1.0/24", "192.168.7.0/24"] };
    expect(findOverlaps(network, [eth0("192.168.1.0/24"), eth0("10.66.3.0/24")])).toEqual([
      { kind: "range", wanted: "10.66.0.0/16", local: eth0("10.66.3.0/24"), free: "10.9.0.0/16" },
      { kind: "route", wanted: "192.168.1.0/24", local: eth0("192.168.1.0/24"), free: "10.9.1.0/24" },
    ]);
    expect(findOverlaps(network, [eth0("172.16.0.0/12")])).toEqual([]);
  });

  it.each<[string, readonly string[], string | null]>([
    ["192.168.1.0/24", [], "10.9.1.0/24"],
    ["192.168.1.0/24", ["10.9.0.0/16"], "10.10.1.0/24"],
    ["192.168.1.128/25", [], "10.9.1.128/25"],
    ["192.168.0.0/16", ["10.9.4.0/24"], "10.10.0.0/16"],
    ["192.168.1.0/24", ["10.0.0.0/8"], "172.16.1.0/24"],
    ["192.168.1.0/24", ["10.0.0.0/8", "172.16.0.0/12"], null],
    ["192.168.1.0/24", ["0.0.0.0/0"], "10.9.1.0/24"],
    ["10.0.0.0/8", [], null],
    ["2001:db8::/64", [], null],
  ])("%s beside %j", (prefix, taken, free) => {
    expect(freePrefix(prefix, taken)).toBe(free);
  });

  it("finds only what is as long and overlaps nothing", () => {
    const some = fc
      .tuple(fc.bigInt({ min: 0n, max: 0xffffffffn }), fc.integer({ min: 9, max: 32 }))
      .map(([value, length]) =>
        formatPrefix({ family: 4, value: (value >> BigInt(32 - length)) << BigInt(32 - length), length }),
      );
    fc.assert(
      fc.property(some, fc.array(some, { maxLength: 8 }), (prefix, taken) => {
        const free = parsePrefix(freePrefix(prefix, taken) ?? "");
        if (free === null) return;
        expect(free.length).toBe(parsePrefix(prefix)?.length);
        for (const each of taken) {
          const other = parsePrefix(each);
          expect(other !== null && overlaps(free, other)).toBe(false);
        }
      }),
    );
  });
});
