import { isIP } from "node:net";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  contains,
  formatAddress,
  formatPrefix,
  isLoopback,
  isPrivate,
  overlaps,
  parseAddress,
  parsePrefix,
} from "../../../src-shared/address.ts";
import { fromBase64, fromUtf8, toBase64, toBase64Url, toUtf8 } from "../../../src-shared/bytes.ts";
import { hostPort, joinHostPort, splitHostPort } from "../../../src-shared/ids.ts";

function prefix(text: string) {
  const parsed = parsePrefix(text);
  if (parsed === null) throw new Error(text);
  return parsed;
}

describe("addresses", () => {
  it("takes exactly what Node takes for an address, zones aside", () => {
    const near = fc.stringMatching(/^[0-9a-f:.]{1,24}$/);
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6(), near, fc.string()), (text) => {
        if (!text.includes("%")) expect(parseAddress(text)?.family ?? 0).toBe(isIP(text));
      }),
      { numRuns: 2000 },
    );
  });

  it("a written address is read back", () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (text) => {
        const address = parseAddress(text);
        expect(address).not.toBeNull();
        if (address !== null) expect(parseAddress(formatAddress(address))).toEqual(address);
      }),
    );
  });

  it.each([
    ["2001:db8:0:0:0:0:2:1", "2001:db8::2:1"],
    ["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
    ["0:0:0:0:0:0:0:0", "::"],
    ["2001:0:0:1:0:0:0:1", "2001:0:0:1::1"],
    ["::FFFF:192.0.2.1", "::ffff:c000:201"],
  ])("%s is shortened to %s", (long, short) => {
    const address = parseAddress(long);
    expect(address === null ? null : formatAddress(address)).toBe(short);
  });

  it("a prefix loses its host bits", () => {
    expect(formatPrefix(prefix("10.1.2.3/16"))).toBe("10.1.0.0/16");
    expect(formatPrefix(prefix("2001:db8::1/32"))).toBe("2001:db8::/32");
    for (const bad of ["10.0.0.0/33", "10.0.0.0/", "10.0.0.0/1/2", "10.0.0/8", "::/129"])
      expect(parsePrefix(bad)).toBeNull();
  });

  it("two prefixes overlap exactly when one holds the other's first address", () => {
    const prefixes = fc
      .tuple(fc.ipV4(), fc.integer({ min: 0, max: 32 }))
      .map(([host, length]) => prefix(`${host}/${length}`));
    fc.assert(
      fc.property(prefixes, prefixes, (one, other) => {
        expect(overlaps(one, other)).toBe(contains(one, other) || contains(other, one));
        expect(overlaps(one, other)).toBe(overlaps(other, one));
      }),
    );
  });

  it("knows which addresses the internet does not reach", () => {
    const of = (text: string) => prefix(text);
    for (const text of [
      "10.1.2.3",
      "192.168.0.1",
      "172.31.0.1",
      "100.64.0.1",
      "169.254.1.1",
      "fd00::1",
      "fe80::1",
      "::1",
    ])
      expect(isPrivate(of(text)), text).toBe(true);
    for (const text of ["203.0.113.1", "172.32.0.1", "2001:db8::1", "100.128.0.1"])
      expect(isPrivate(of(text)), text).toBe(false);
    expect(isLoopback(of("127.9.9.9"))).toBe(true);
    expect(isLoopback(of("128.0.0.1"))).toBe(false);
  });
});

describe("host and port", () => {
  it("are split as they were joined", () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.ipV4(), fc.ipV6(), fc.domain()),
        fc.integer({ min: 1, max: 65535 }),
        (host, port) => {
          expect(splitHostPort(joinHostPort(host, port))).toEqual({ host, port });
        },
      ),
    );
  });

  it.each(["host", "host:0", "host:65536", ":7743", "::1:7743", "a b:1", "[1.2.3.4:7"])(
    "%s is neither",
    (text) => {
      expect(hostPort.safeParse(text).success).toBe(false);
    },
  );
});

describe("bytes as text", () => {
  it("base64 is what Node makes, and read back", () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(toBase64(bytes)).toBe(Buffer.from(bytes).toString("base64"));
        expect(toBase64Url(bytes)).toBe(Buffer.from(bytes).toString("base64url"));
        expect(fromBase64(toBase64(bytes))).toEqual(bytes);
        expect(fromBase64(toBase64Url(bytes))).toEqual(bytes);
      }),
    );
  });

  it("what no encoder makes is refused", () => {
    for (const text of ["A", "AB", "AAA*", "AA===", "====", "A A="])
      expect(fromBase64(text), text).toBeNull();
  });

  it("UTF-8 is read back, and refused when it is none", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (text) => {
        expect(fromUtf8(toUtf8(text))).toBe(text);
      }),
    );
    expect(fromUtf8(new Uint8Array([0xff, 0xfe]))).toBeNull();
  });
});
