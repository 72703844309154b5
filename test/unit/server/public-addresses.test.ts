import { describe, expect, it } from "vitest";
import { ownAddresses, publicAddresses } from "../../../src-main/server/public-addresses.ts";

const own = ["127.0.0.1", "::1", "192.168.1.5", "fe80::1", "2001:db8::5", "203.0.113.9", "169.254.3.3"];
const facts = { hosts: [], listen: "::", port: 7743, own };

describe("addresses a router tells", () => {
  it("[E12] are those given by hand, with the port where none is given", () => {
    expect(
      publicAddresses({
        ...facts,
        hosts: ["vpn.example.org", "203.0.113.1:443", "2001:db8::1", "[2001:db8::2]:5"],
      }),
    ).toEqual({
      addresses: ["vpn.example.org:7743", "203.0.113.1:443", "[2001:db8::1]:7743", "[2001:db8::2]:5"],
      lanOnly: false,
    });
    expect(publicAddresses({ ...facts, hosts: ["10.0.0.5"] }).lanOnly).toBe(true);
  });

  it("else all of the machine that others can use, public ones first", () => {
    expect(publicAddresses(facts)).toEqual({
      addresses: ["203.0.113.9:7743", "[2001:db8::5]:7743", "192.168.1.5:7743"],
      lanOnly: false,
    });
  });

  it("are those of the family listened on, or the one address", () => {
    expect(publicAddresses({ ...facts, listen: "0.0.0.0" }).addresses).toEqual([
      "203.0.113.9:7743",
      "192.168.1.5:7743",
    ]);
    expect(publicAddresses({ ...facts, listen: "192.168.1.5" })).toEqual({
      addresses: ["192.168.1.5:7743"],
      lanOnly: true,
    });
  });

  it("are private alone on a LAN, and loopback without any network", () => {
    expect(publicAddresses({ ...facts, own: ["192.168.1.5", "10.0.0.2"] })).toEqual({
      addresses: ["192.168.1.5:7743", "10.0.0.2:7743"],
      lanOnly: true,
    });
    expect(publicAddresses({ ...facts, own: ["127.0.0.1"] })).toEqual({
      addresses: ["127.0.0.1:7743"],
      lanOnly: true,
    });
  });

  it("are never more than a link holds", () => {
    const many = Array.from({ length: 60 }, (_, at) => `203.0.113.${at + 1}`);
    expect(publicAddresses({ ...facts, own: many }).addresses).toHaveLength(16);
  });

  it("come from the interfaces of this machine", () => {
    expect(ownAddresses()).toContain("127.0.0.1");
  });
});
