import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { toBase64, toBase64Url } from "../../../src-shared/bytes.ts";
import { AppError } from "../../../src-shared/errors.ts";
import { networkId } from "../../../src-shared/ids.ts";
import type { Invite, RouterLink } from "../../../src-shared/link.ts";
import {
  formatInvite,
  formatRouterLink,
  isLink,
  parseInvite,
  parseRouterLink,
} from "../../../src-shared/link.ts";

const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const address = fc.oneof(
  fc.tuple(fc.ipV4(), fc.integer({ min: 1, max: 65535 })).map(([host, port]) => `${host}:${port}`),
  fc.constantFrom("[2001:db8::7]:443", "vpn.example.org:7743", "[::1]:1"),
);
const addresses = fc.array(address, { minLength: 1, maxLength: 16 });
const invites: fc.Arbitrary<Invite> = fc
  .record({
    id: bytes(32),
    seed: bytes(32),
    pin: bytes(32),
    addresses,
    seconds: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  })
  .map(({ id, seed, pin, addresses: list, seconds }) => ({
    network: networkId.parse(toBase64Url(id)),
    seed,
    pin: toBase64(pin),
    addresses: list,
    expires: seconds * 1000,
  }));
const routerLinks: fc.Arbitrary<RouterLink> = fc
  .record({ pin: bytes(32), token: bytes(16), addresses })
  .map((link) => ({ ...link, pin: toBase64(link.pin) }));

function codeOf(work: () => unknown): string {
  try {
    work();
    return "fine";
  } catch (error) {
    return error instanceof AppError ? error.code : "crash";
  }
}

describe("links", () => {
  it("an invite is read back as it was written, with spaces round it too", () => {
    fc.assert(
      fc.property(invites, (invite) => {
        expect(parseInvite(` ${formatInvite(invite)}\n`)).toEqual(invite);
      }),
    );
  });

  it("a router's link is read back as it was written", () => {
    fc.assert(
      fc.property(routerLinks, (link) => {
        expect(parseRouterLink(formatRouterLink(link))).toEqual(link);
      }),
    );
  });

  it("[C15] an invite with one address is one line of under 284 characters", () => {
    fc.assert(
      fc.property(invites, (invite) => {
        expect(formatInvite({ ...invite, addresses: ["203.0.113.7:7743"] }).length).toBeLessThan(284);
      }),
    );
  });

  it("[C05] a line with a wrong character, or a part of it, is refused as garbled", () => {
    fc.assert(
      fc.property(invites, fc.nat(), fc.constantFrom(..."aZ09-_"), (invite, at, character) => {
        const line = formatInvite(invite);
        const start = "starmesh://join/1/".length;
        const place = start + (at % (line.length - start));
        const changed = line.slice(0, place) + character + line.slice(place + 1);
        if (changed !== line) expect(codeOf(() => parseInvite(changed))).toBe("link-garbled");
        expect(codeOf(() => parseInvite(line.slice(0, place)))).toBe("link-garbled");
      }),
    );
  });

  it("any text at all is read or refused with a code", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        for (const line of [text, `starmesh://join/1/${text}`, `starmesh://router/1/${text}`]) {
          expect(["link-garbled", "link-newer"]).toContain(codeOf(() => parseInvite(line)));
          expect(["link-garbled", "link-newer"]).toContain(codeOf(() => parseRouterLink(line)));
        }
      }),
    );
  });

  it("a link of a later version asks for an update", () => {
    expect(codeOf(() => parseInvite("starmesh://join/2/AAAA"))).toBe("link-newer");
  });

  it("one kind of link is not taken for the other", () => {
    fc.assert(
      fc.property(routerLinks, (link) => {
        const line = formatRouterLink(link);
        expect(isLink(line, "router")).toBe(true);
        expect(isLink(line, "join")).toBe(false);
        expect(codeOf(() => parseInvite(line.replace("router", "join")))).toBe("link-garbled");
      }),
    );
  });
});
