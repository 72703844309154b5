import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { hasServer, nameServers, withoutServer, withServer } from "../../src-main/system/resolver-file.ts";

const ours = "127.83.77.53";
const usual = "# from DHCP\nsearch lan\nnameserver 192.168.1.1\nnameserver 2001:db8::53\noptions edns0\n";

describe("the file of name servers", () => {
  it("[Z38] names ours first and keeps all others, which are asked when ours is gone", () => {
    const text = withServer(usual, ours);
    const servers = text.split("\n").filter((line) => line.startsWith("nameserver"));
    expect(servers).toEqual(["nameserver 127.83.77.53", "nameserver 192.168.1.1", "nameserver 2001:db8::53"]);
    expect(nameServers(text)).toEqual(["192.168.1.1", "2001:db8::53"]);
    expect(hasServer(text, ours)).toBe(true);
    expect(hasServer(usual, ours)).toBe(false);
  });

  it("that names nobody means this machine, also beside ours", () => {
    expect(nameServers("")).toEqual(["127.0.0.1"]);
    expect(withServer("options edns0\n", ours)).toContain("nameserver 127.0.0.1\n");
  });

  it("[Z38] is what it was once ours is taken out, whatever it was", () => {
    const line = fc.oneof(
      fc.string(),
      fc.constantFrom("nameserver 1.2.3.4", " nameserver\t::1", "search a", "# x", ""),
    );
    fc.assert(
      fc.property(fc.array(line), (lines) => {
        const text = lines.join("\n");
        const once = withServer(text, ours);
        expect(withoutServer(once)).toBe(text);
        expect(withServer(once, ours)).toBe(once);
        expect(hasServer(once, ours)).toBe(true);
        expect(once.split("\n").filter((each) => /^\s*nameserver/.test(each))[0]).toBe(`nameserver ${ours}`);
      }),
    );
  });

  it("loses ours also from a text that others have changed round it", () => {
    const changed = `; new\n${withServer(usual, ours)}nameserver 9.9.9.9\n`;
    expect(withoutServer(changed)).toBe(`; new\n${usual}nameserver 9.9.9.9\n`);
  });
});
