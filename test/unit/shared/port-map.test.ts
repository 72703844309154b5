import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { portMap, usualPlace } from "../../../src-shared/port-map.ts";

describe("where a mapped port is taken, and where it leads", () => {
  test.each([
    ["8080", "0.0.0.0:8080"],
    ["203.0.113.5:80", "203.0.113.5:80"],
    ["[::]:80", "[::]:80"],
    ["[2001:DB8:0::1]:80", "[2001:db8::1]:80"],
    ["203.0.113.5:080", "203.0.113.5:80"],
    ["0", null],
    ["65536", null],
    ["203.0.113.5", null],
    ["203.0.113:80", null],
    ["web.mesh:80", null],
    ["[fe80::1%eth0]:80", null],
    ["", null],
  ])("%s is %s", (text, expected) => {
    expect(usualPlace(text)).toBe(expected);
  });

  test("what is taken reads as itself, and nothing throws", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^[[\]0-9a-f:.]{0,30}$/)), (text) => {
        const place = usualPlace(text);
        const map = portMap.safeParse({ protocol: "tcp", listen: text, target: text });
        expect(map.success).toBe(place !== null && place === text);
        if (place !== null) expect(usualPlace(place)).toBe(place);
      }),
    );
  });
});
