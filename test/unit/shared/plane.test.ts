import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { joinHostPort, nodeName } from "../../../src-shared/ids.ts";
import { firstFree, formatPorts, planeName, planeTarget } from "../../../src-shared/plane.ts";

const port = fc.integer({ min: 1, max: 65_535 });

describe("a plane", () => {
  it("[E16] is named by its port, in a form that networks take, and every port differently", () => {
    fc.assert(
      fc.property(port, port, (one, other) => {
        expect(nodeName.safeParse(planeName(one)).success).toBe(true);
        expect(planeName(one) === planeName(other)).toBe(one === other);
      }),
    );
  });

  it("[E16] HOST:PORT means the network of that port at that router, and no other text means any", () => {
    const host = fc.oneof(fc.domain(), fc.ipV4(), fc.ipV6());
    fc.assert(
      fc.property(host, port, (at, number) => {
        const text = joinHostPort(at, number);
        expect(planeTarget(text)).toEqual({ name: planeName(number), router: text });
      }),
    );
    for (const text of [
      "home",
      "vpn.example.org",
      "vpn.example.org:",
      "vpn:0",
      "vpn:70000",
      "starmesh://join/1/x",
      "",
    ])
      expect(planeTarget(text)).toBeNull();
    fc.assert(fc.property(fc.string(), (text) => void planeTarget(text)));
  });
});

describe("ports in words", () => {
  it("[E10] joins neighbours", () => {
    expect(formatPorts([])).toBe("");
    expect(formatPorts([8000])).toBe("8000");
    expect(formatPorts([8000, 8001, 8002, 8010, 8012, 8013])).toBe("8000–8002, 8010, 8012–8013");
  });

  it("[E10] loses none and invents none", () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: 1, max: 200 })), (some) => {
        const ports = [...some].sort((one, other) => one - other);
        const read = formatPorts(ports)
          .split(", ")
          .filter(Boolean)
          .flatMap((part) => {
            const [first = 0, last = first] = part.split("–").map(Number);
            return Array.from({ length: last - first + 1 }, (_, at) => first + at);
          });
        expect(read).toEqual(ports);
      }),
    );
  });

  it("[E10] the first that is open is the first that is not busy", () => {
    expect(firstFree({ bind: 8000, busy: [] })).toBe(8000);
    expect(firstFree({ bind: 8000, busy: [8000, 8001, 8003] })).toBe(8002);
  });
});
