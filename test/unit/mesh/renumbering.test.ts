import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isUsableIn } from "../../../src-main/mesh/addresses.ts";
import { Renumbering } from "../../../src-main/mesh/renumbering.ts";
import type { Prefix } from "../../../src-shared/address.ts";
import { formatAddress, parseAddress, parsePrefix } from "../../../src-shared/address.ts";
import { policy } from "../../../src-shared/policy.ts";
import { identityOf } from "../../fakes/entries.ts";

const ann = { identity: identityOf("ann"), address: "10.1.0.7" };
const bob = { identity: identityOf("bob"), address: "10.1.3.9" };

describe("[P28] a network that moves to another range", () => {
  it("leaves everybody its place where there is room, and gives others the next free one", () => {
    const wide = way("10.60.0.0/16", [ann, bob]);
    expect([...wide.addresses.values()]).toEqual(["10.60.0.7", "10.60.3.9"]);
    const narrow = way("192.168.9.0/28", [ann, bob]);
    expect([...narrow.addresses.values()]).toEqual(["192.168.9.7", "192.168.9.1"]);
  });

  it("says for whom there is no room", () => {
    const crowd = Array.from({ length: 6 }, (_, at) => ({
      identity: identityOf(`m${at}`),
      address: `10.1.0.${at + 1}`,
    }));
    const full = way("192.168.9.0/29", crowd);
    expect(full.addresses.size).toBe(5);
    expect(full.homeless).toEqual([identityOf("m5")]);
  });

  it("takes along what is written by address, and nothing else", () => {
    const moved = way("10.60.0.0/16", [ann, bob]);
    expect(
      moved.policy(
        policy.parse({
          default: "none",
          groups: { some: ["10.1.3.9", "bob"] },
          rules: [{ from: ["10.1.0.0/16", "192.168.5.0/24"], to: ["10.1.4.0/24", "any", "10.1.3.9/32"] }],
          tests: [{ from: "10.1.0.7", to: "bob", port: 22, expect: "accept" }],
        }),
      ),
    ).toMatchObject({
      groups: { some: ["10.60.3.9", "bob"] },
      rules: [{ from: ["10.60.0.0/16", "192.168.5.0/24"], to: ["10.60.4.0/24", "any", "10.60.3.9/32"] }],
      tests: [{ from: "10.60.0.7", to: "bob" }],
    });
    expect(
      moved.names([
        { kind: "address", name: "printer", address: "10.1.3.9" },
        { kind: "address", name: "nas", address: "192.168.5.2" },
        { kind: "alias", name: "www", of: "nas" },
      ]),
    ).toEqual([
      { kind: "address", name: "printer", address: "10.60.3.9" },
      { kind: "address", name: "nas", address: "192.168.5.2" },
      { kind: "alias", name: "www", of: "nas" },
    ]);
  });

  it("gives no address twice, none that is taken or unusable, and one to all while there are enough", () => {
    const ranges = fc.constantFrom(
      "10.1.0.0/16",
      "10.1.128.0/17",
      "10.60.0.0/24",
      "192.168.9.0/28",
      "172.16.0.0/12",
    );
    const hosts = fc.uniqueArray(fc.integer({ min: 1, max: 65_533 }), { maxLength: 20 });
    fc.assert(
      fc.property(ranges, hosts, hosts, (range, members, others) => {
        const moving = members.map((host) => ({
          identity: identityOf(`m${host}`),
          address: formatAddress({ family: 4, value: prefix("10.1.0.0/16").value + BigInt(host) }),
        }));
        const taken = new Set(
          others.map((host) => formatAddress({ family: 4, value: prefix(range).value + BigInt(host % 14) })),
        );
        const found = way(range, moving, taken);
        const given = [...found.addresses.entries()];
        expect(new Set(given.map(([, address]) => address)).size).toBe(given.length);
        expect(found.addresses.size + found.homeless.length).toBe(moving.length);
        for (const [identity, text] of given) {
          const address = parseAddress(text);
          expect(address !== null && isUsableIn(prefix(range), address)).toBe(true);
          const own = moving.find((each) => each.identity === identity)?.address;
          expect(text === own || !taken.has(text)).toBe(true);
        }
        if (range !== "192.168.9.0/28") expect(found.homeless).toEqual([]);
      }),
      { numRuns: 300, seed: 28 },
    );
  });
});

function way(
  to: string,
  members: readonly { readonly identity: ReturnType<typeof identityOf>; readonly address: string }[],
  taken: ReadonlySet<string> = new Set(),
) {
  return new Renumbering({ from: prefix("10.1.0.0/16"), to: prefix(to) }, members, taken);
}

function prefix(text: string): Prefix {
  const parsed = parsePrefix(text);
  if (parsed === null) throw new Error(text);
  return parsed;
}
