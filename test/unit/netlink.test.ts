import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { encodeRequest, nameBytes, parseErrorNumber, parseMessages } from "../../src-main/system/netlink.ts";
import {
  addressHeader,
  linkHeader,
  parseAddressRecord,
  parseLink,
  parseRouteRecord,
  routeHeader,
  rtnetlink,
} from "../../src-main/system/route-messages.ts";

const { IFA_ADDRESS, IFA_FLAGS, IFA_LOCAL, IFLA_AF_SPEC, IFLA_IFNAME, IFLA_MTU, RTA_DST, RTA_OIF } =
  rtnetlink;

describe("netlink codec", () => {
  it("refuses garbage and never throws", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const before = bytes.slice();
        for (const parse of [
          parseMessages,
          parseErrorNumber,
          parseLink,
          parseAddressRecord,
          parseRouteRecord,
        ]) {
          parse(bytes);
        }
        expect(bytes).toEqual(before);
      }),
      { numRuns: 2000 },
    );
  });

  it("never reads a whole record out of a cut one", () => {
    const whole = body(linkHeader(7, 1, 1), [
      { type: IFLA_MTU, value: 1400 },
      { type: IFLA_IFNAME, value: nameBytes("starmesh0") },
    ]);
    expect(parseLink(whole)).toMatchObject({ index: 7, mtu: 1400, name: "starmesh0" });
    for (let length = 0; length < whole.length - 3; length++) {
      expect(parseLink(whole.subarray(0, length))).toBeNull();
    }
  });

  it("reads the messages that it writes", () => {
    const request = fc.record({
      type: fc.nat(0xffff),
      flags: fc.nat(0xffff),
      sequence: fc.nat(0xffff_ffff),
      header: fc.nat(8).chain((words) => fc.uint8Array({ minLength: words * 4, maxLength: words * 4 })),
    });
    fc.assert(
      fc.property(fc.array(request, { maxLength: 5 }), (requests) => {
        const datagram = requests.flatMap((each) => [...encodeRequest({ ...each, attributes: [] })]);
        const messages = parseMessages(Uint8Array.from(datagram));
        expect(messages?.map(({ body: header, ...rest }) => ({ ...rest, header: header.slice() }))).toEqual(
          requests,
        );
      }),
    );
  });

  it("reads addresses of both families with their length", () => {
    const octets = fc
      .constantFrom(4, 16)
      .chain((size) => fc.uint8Array({ minLength: size, maxLength: size }));
    fc.assert(
      fc.property(octets, fc.nat(128), fc.nat(0x3ff), (address, length, flags) => {
        const family = address.length === 4 ? 4 : 6;
        const record = parseAddressRecord(
          body(addressHeader(family, length, 9), [
            { type: IFA_ADDRESS, value: address },
            { type: IFA_LOCAL, value: address },
            { type: IFA_FLAGS, value: flags },
          ]),
        );
        if (length > address.length * 8) expect(record).toBeNull();
        else expect(record).toEqual({ index: 9, length, flags, address });
      }),
    );
  });

  it("reads a route and refuses a destination of the wrong size", () => {
    const destination = Uint8Array.of(10, 9, 0, 0);
    const attributes = [
      { type: RTA_DST, value: destination },
      { type: RTA_OIF, value: 3 },
    ];
    expect(parseRouteRecord(body(routeHeader(4, 16, 83), attributes))).toMatchObject({
      family: 4,
      length: 16,
      destination,
      output: 3,
      protocol: 83,
      table: rtnetlink.RT_TABLE_MAIN,
      type: rtnetlink.RTN_UNICAST,
      gateway: null,
    });
    expect(parseRouteRecord(body(routeHeader(6, 16, 83), attributes))).toBeNull();
    expect(parseRouteRecord(body(routeHeader(4, 33, 83), attributes))).toBeNull();
  });

  it("nests and pads attributes", () => {
    const bytes = body(new Uint8Array(), [
      { type: IFLA_AF_SPEC, value: [{ type: 10, value: [{ type: 8, value: Uint8Array.of(1) }] }] },
    ]);
    expect([...bytes]).toEqual([16, 0, 26, 0x80, 12, 0, 10, 0x80, 5, 0, 8, 0, 1, 0, 0, 0]);
  });

  it("tells an acknowledgement from an error", () => {
    expect(parseErrorNumber(Uint8Array.of(0, 0, 0, 0))).toBe(0);
    expect(parseErrorNumber(Uint8Array.of(0xef, 0xff, 0xff, 0xff))).toBe(17);
    expect(parseErrorNumber(Uint8Array.of(1, 2, 3))).toBeNull();
  });
});

function body(header: Uint8Array, attributes: Parameters<typeof encodeRequest>[0]["attributes"]): Uint8Array {
  return encodeRequest({ type: 1, flags: 0, sequence: 0, header, attributes }).subarray(16);
}
