import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { contains, parseAddress, parsePrefix } from "../../../src-shared/address.ts";
import { toBase64, toBase64Url } from "../../../src-shared/bytes.ts";
import { identityKey, networkId } from "../../../src-shared/ids.ts";
import { ulaAddress, ulaPrefix } from "../../../src-shared/ula.ts";

const hash = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("base64");
const key = fc.uint8Array({ minLength: 32, maxLength: 32 });
const network = key.map((bytes) => networkId.parse(toBase64Url(bytes)));
const identity = key.map((bytes) => identityKey.parse(toBase64(bytes)));

describe("unique local addresses", () => {
  it("every member's lies in subnet 0 of its network's prefix, by the book", () => {
    fc.assert(
      fc.property(network, identity, (net, member) => {
        const text = ulaPrefix(net, hash);
        const prefix = parsePrefix(text);
        const address = parseAddress(ulaAddress(net, member, hash));
        if (prefix === null || address === null) throw new Error(text);
        expect(text).toMatch(/^fd.*\/48$/);
        expect(contains(prefix, address)).toBe(true);
        // What the derivation says, said again with Node's own means.
        const own = createHash("sha256").update("starmesh/1 ula").update(Buffer.from(net, "base64url"));
        const host = createHash("sha256").update("starmesh/1 host").update(Buffer.from(net, "base64url"));
        const bytes = [
          "fd",
          own.digest("hex").slice(0, 10),
          "0000",
          host.update(Buffer.from(member, "base64")).digest("hex").slice(0, 16),
        ];
        expect(address.value).toBe(BigInt(`0x${bytes.join("")}`));
      }),
    );
  });

  it("differ from network to network and from member to member", () => {
    fc.assert(
      fc.property(network, network, identity, identity, (one, other, ann, bob) => {
        fc.pre(one !== other && ann !== bob);
        expect(ulaPrefix(one, hash)).not.toBe(ulaPrefix(other, hash));
        expect(ulaAddress(one, ann, hash)).not.toBe(ulaAddress(one, bob, hash));
        expect(ulaAddress(one, ann, hash)).not.toBe(ulaAddress(other, ann, hash));
      }),
    );
  });

  it("are what they are: one network and member as computed once and for all", () => {
    const net = networkId.parse(toBase64Url(new Uint8Array(32).fill(1)));
    const member = identityKey.parse(toBase64(new Uint8Array(32).fill(2)));
    expect(ulaPrefix(net, hash)).toMatchInlineSnapshot(`"fde7:90d6:d87b::/48"`);
    expect(ulaAddress(net, member, hash)).toMatchInlineSnapshot(`"fde7:90d6:d87b:0:928d:e950:116:c5f0"`);
  });
});
