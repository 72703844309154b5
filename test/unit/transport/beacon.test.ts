import { randomBytes } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Beacon } from "../../../src-main/transport/beacon.ts";
import { BeaconOrder, beaconKey, openBeacon, sealBeacon } from "../../../src-main/transport/beacon.ts";
import { sessionKey } from "../../../src-shared/ids.ts";

const now = 1_700_000_000_000;
const key = beaconKey(new Uint8Array(32).fill(7));
const sender = sessionKey.parse(Buffer.alloc(32, 1).toString("base64"));
const beacon = (change: Partial<Beacon> = {}): Beacon => ({
  from: sender,
  port: 7743,
  at: now,
  answers: false,
  ...change,
});

describe("a sealed beacon", () => {
  it("is read by who has the network's key, by nobody else", () => {
    const sealed = sealBeacon(key, beacon());
    expect(openBeacon(key, sealed)).toEqual(beacon());
    expect(openBeacon(beaconKey(randomBytes(32)), sealed)).toBeNull();
    expect(Buffer.from(sealed).includes(sender)).toBe(false);
    // The same words are never the same bytes.
    expect(sealBeacon(key, beacon())).not.toEqual(sealed);
  });

  it("is refused when a bit of it is another, or it is cut, or anything else", () => {
    const sealed = sealBeacon(key, beacon());
    fc.assert(
      fc.property(fc.nat(sealed.length - 1), fc.nat(7), (at, bit) => {
        const changed = Uint8Array.from(sealed);
        changed[at] = (changed[at] ?? 0) ^ (1 << bit);
        expect(openBeacon(key, changed)).toBeNull();
        expect(openBeacon(key, sealed.subarray(0, at))).toBeNull();
      }),
    );
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 600 }), (bytes) => {
        expect(openBeacon(key, bytes)).toBeNull();
        expect(openBeacon(key, Buffer.concat([Buffer.from("SB1"), bytes]))).toBeNull();
      }),
    );
  });
});

describe("beacons of one sender", () => {
  it("count once, in their order, and not when they are of long ago", () => {
    const order = new BeaconOrder();
    expect(order.takes(beacon(), now)).toBe(true);
    expect(order.takes(beacon(), now)).toBe(false);
    expect(order.isNewest(beacon(), now)).toBe(true);
    expect(order.takes(beacon({ at: now + 1 }), now)).toBe(true);
    expect(order.takes(beacon(), now)).toBe(false);
    expect(order.isNewest(beacon(), now)).toBe(false);
    expect(order.takes(beacon({ at: now + 2 }), now + 700_000)).toBe(false);
    expect(order.takes(beacon({ at: now + 700_000 }), now)).toBe(false);
  });
});
