import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import type { Seen } from "../../../src-main/mesh/nat.ts";
import { mappingOf, needsFreshSocket, reflexiveOf } from "../../../src-main/mesh/nat.ts";

const own = new Set(["192.168.1.5", "2001:db8::5"]);
const outer = "203.0.113.7";
/** One answer per server, each from its own. */
const seen = (...addresses: readonly string[]): Seen[] =>
  addresses.map((address, at) => ({ server: `198.51.100.${at + 1}:7743`, address }));
const ports = (...list: readonly number[]) => seen(...list.map((port) => `${outer}:${port}`));

describe("what servers see", () => {
  const cases: readonly (readonly [string, Seen[], Seen[], string, number])[] = [
    ["nothing is known without an answer", [], [], "unknown", 0],
    ["one answer does not tell how ports are chosen", ports(4000), [], "unknown", 0],
    ["own addresses alone mean no NAT", seen("192.168.1.5:7743", "192.168.1.5:7743"), [], "none", 0],
    ["one port for two servers is independent of them", ports(4000, 4000), [], "independent", 0],
    ["ports that step by one are sequential", ports(4000, 4001), ports(4100, 4101, 4102), "sequential", 1],
    [
      "a port that somebody else took is a longer step",
      ports(4000, 4002),
      ports(4100, 4102, 4106),
      "sequential",
      2,
    ],
    ["steps go down, too", ports(4000, 3999), ports(4100, 4099), "sequential", -1],
    ["far ports are random", ports(4000, 51_000), ports(4100, 9000), "random", 0],
    ["steps that turn are random", ports(4000, 4001), ports(4100, 4110, 4105), "random", 0],
    [
      "a server on the LAN says nothing about the NAT",
      [...seen("192.168.1.5:7743"), ...ports(4000, 4000)],
      [],
      "independent",
      0,
    ],
    [
      "a second way out is no other mapping",
      [...ports(4000, 4000), ...seen("198.51.100.200:9")],
      [],
      "independent",
      0,
    ],
    [
      "IPv6 without NAT does not hide the NAT of IPv4",
      [...seen("[2001:db8::5]:7743"), ...ports(1, 2)],
      [],
      "random",
      0,
    ],
  ];
  test.each(cases)("[C10] %s", (_title, main, fresh, mapping, step) => {
    expect(mappingOf({ main, fresh, own })).toEqual({ mapping, step });
  });

  it("[C10] asks a fresh socket only when the one in use has several outer ports", () => {
    expect(needsFreshSocket({ main: ports(4000, 4000), own })).toBe(false);
    expect(needsFreshSocket({ main: ports(4000, 4001), own })).toBe(true);
    expect(needsFreshSocket({ main: [...ports(4000), ...seen("192.168.1.5:1")], own })).toBe(false);
  });

  it("[C10 W12 W27] lists outer addresses of both families, those most agree on first, none of its own", () => {
    const main = [...seen("192.168.1.5:7743", "[2001:db8::9]:7743"), ...ports(4001, 4000, 4000, 4002, 4003)];
    expect(reflexiveOf({ main, own })).toEqual([
      `${outer}:4000`,
      `${outer}:4001`,
      `${outer}:4002`,
      "[2001:db8::9]:7743",
    ]);
  });

  it("[C10] always finds the step of a NAT that counts, whatever it skips", () => {
    const skips = fc.array(fc.integer({ min: 0, max: 12 }), { minLength: 2, maxLength: 5 });
    fc.assert(
      fc.property(
        fc.integer({ min: 2000, max: 60_000 }),
        fc.integer({ min: 1, max: 4 }),
        skips,
        (start, step, skipped) => {
          const list = [start];
          for (const skip of skipped) list.push((list.at(-1) ?? start) + step * (1 + skip));
          const found = mappingOf({ main: ports(1, 2), fresh: ports(...list), own });
          expect(found.mapping).toBe("sequential");
          expect(found.step % step).toBe(0);
          expect(found.step).toBe(step * (1 + Math.min(...skipped)));
        },
      ),
    );
  });
});
