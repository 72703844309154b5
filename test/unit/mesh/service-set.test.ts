import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ServiceSet } from "../../../src-main/mesh/service-set.ts";
import {
  allServices,
  difference,
  formatServices,
  intersection,
  noServices,
  serviceSet,
  union,
} from "../../../src-main/mesh/service-set.ts";
import { parseService } from "../../../src-shared/policy.ts";

const port = fc.integer({ min: 0, max: 12 });
const service = fc
  .tuple(fc.constantFrom("tcp", "udp"), fc.array(fc.tuple(port, port), { minLength: 1, maxLength: 4 }))
  .map(([protocol, ports]) => {
    const texts = ports.map(([one, other]) => `${Math.min(one, other)}-${Math.max(one, other)}`);
    return `${protocol}:${texts.join(",")}`;
  });
const some = fc
  .array(fc.oneof(service, fc.constantFrom("icmp", "protocol:47", "tcp", "udp")), { maxLength: 4 })
  .map(covered);

/** Points of the line on which every set above changes. */
const points = [...Array(16).keys(), 65_535]
  .flatMap((at) => [at, at + 65_536])
  .concat([131_072, 131_073 + 46, 131_073 + 47, 131_073 + 48]);

describe("sets of services", () => {
  it("are what sets are: union, intersection and difference agree with looking at every point", () => {
    fc.assert(
      fc.property(some, some, (one, other) => {
        for (const point of points) {
          const [a, b] = [has(one, point), has(other, point)];
          expect(has(union(one, other), point)).toBe(a || b);
          expect(has(intersection(one, other), point)).toBe(a && b);
          expect(has(difference(one, other), point)).toBe(a && !b);
        }
        expect(isTidy(union(one, other)) && isTidy(intersection(one, other))).toBe(true);
        expect(isTidy(difference(one, other))).toBe(true);
      }),
    );
  });

  it("are written as they are read", () => {
    fc.assert(
      fc.property(some, (set) => {
        const texts = formatServices(set);
        expect(union(covered(texts), noServices)).toEqual(union(set, noServices));
      }),
    );
    expect(formatServices(allServices)).toEqual(["any"]);
    expect(formatServices(covered(["tcp:80-90,22,23", "udp", "icmp"]))).toEqual([
      "tcp:22-23,80-90",
      "udp",
      "icmp",
    ]);
    expect(formatServices(difference(allServices, covered(["tcp", "icmp"])))).toEqual([
      "udp",
      "other protocols",
    ]);
  });
});

function covered(texts: readonly string[]): ServiceSet {
  return texts
    .map((text) => serviceSet(parseService(text) ?? { protocol: "any", ports: [] }))
    .reduce(union, noServices);
}

function has(set: ServiceSet, point: number): boolean {
  return set.some(([first, last]) => first <= point && point <= last);
}

/** In order, apart, none upside down. */
function isTidy(set: ServiceSet): boolean {
  return set.every(([first, last], at) => first <= last && (set[at - 1]?.[1] ?? -2) + 1 < first);
}
