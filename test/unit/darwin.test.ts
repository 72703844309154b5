import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { removeRule, setRule } from "../../src-main/system/darwin-names.ts";
import { readInterfaces, readRoutes } from "../../src-main/system/darwin-text.ts";
import { formatAddress, formatPrefix } from "../../src-shared/address.ts";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "starmesh-resolver-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

const interfaces = `lo0: flags=8049<UP,LOOPBACK,RUNNING,MULTICAST> mtu 16384
\toptions=1203<RXCSUM,TXCSUM,TXSTATUS,SW_TIMESTAMP>
\tinet 127.0.0.1 netmask 0xff000000
\tinet6 ::1 prefixlen 128
\tinet6 fe80::1%lo0 prefixlen 64 scopeid 0x1
en0: flags=8863<UP,BROADCAST,SMART,RUNNING,SIMPLEX,MULTICAST> mtu 1500
\tether 02:00:5e:10:00:01
\tinet6 fe80::4a:1%en0 prefixlen 64 secured scopeid 0x4
\tinet 192.0.2.17 netmask 0xfffffe00 broadcast 192.0.3.255
\tinet6 2001:db8::17 prefixlen 64 autoconf secured
\tinet6 2001:db8::9a prefixlen 64 autoconf temporary
\tstatus: active
en1: flags=8963<UP,BROADCAST,SMART,RUNNING,PROMISC,SIMPLEX,MULTICAST> mtu 1500
\tether 02:00:5e:10:00:02
\tstatus: inactive
utun3: flags=8051<UP,POINTOPOINT,RUNNING,MULTICAST> mtu 1400
\tinet 10.9.1.1 --> 10.9.1.1 netmask 0xffffffff
`;

test("[E07] what ifconfig of macOS says is read: names, addresses, what carries", () => {
  const found = readInterfaces(interfaces).map(({ name, mac, up, loopback, mtu, addresses }) => ({
    text: `${name} ${mac} ${up} ${loopback} ${mtu}`,
    addresses: addresses.map(
      ({ address, prefix, temporary }) =>
        `${formatAddress(address)} ${formatPrefix(prefix)}${temporary ? " temporary" : ""}`,
    ),
  }));
  expect(found).toEqual([
    {
      text: "lo0 null true true 16384",
      addresses: ["127.0.0.1 127.0.0.0/8", "::1 ::1/128", "fe80::1 fe80::/64"],
    },
    {
      text: "en0 02:00:5e:10:00:01 true false 1500",
      addresses: [
        "fe80::4a:1 fe80::/64",
        "192.0.2.17 192.0.2.0/23",
        "2001:db8::17 2001:db8::/64",
        "2001:db8::9a 2001:db8::/64 temporary",
      ],
    },
    { text: "en1 02:00:5e:10:00:02 false false 1500", addresses: [] },
    { text: "utun3 null true false 1400", addresses: ["10.9.1.1 10.9.1.1/32"] },
  ]);
});

test("[E07] what netstat of macOS says of routes is read, its short forms too, without neighbours", () => {
  const text4 = `Routing tables

Internet:
Destination        Gateway            Flags               Netif Expire
default            192.0.2.1          UGScg                 en0
10.9/16            utun3              USc                 utun3
127                127.0.0.1          UCS                   lo0
192.0.2/23         link#4             UCS                   en0      !
192.0.2.1          2:0:5e:10:0:9      UHLWIir               en0   1187
224.0.0/4          link#4             UmCS                  en0      !
`;
  expect(readRoutes(text4, 4).map(routeText)).toEqual([
    "0.0.0.0/0 en0 192.0.2.1 static",
    "10.9.0.0/16 utun3 null static",
    "127.0.0.0/8 lo0 null static",
    "192.0.2.0/23 en0 null static",
  ]);
  const text6 = `Internet6:
Destination                             Gateway                         Flags               Netif Expire
default                                 fe80::1%en0                     UGcg                  en0
::1                                     ::1                             UHL                   lo0
2001:db8::/64                           link#4                          UC                    en0
fe80::%en0/64                           link#4                          UCI                   en0
`;
  expect(readRoutes(text6, 6).map(routeText)).toEqual([
    "::/0 en0 fe80::1 ",
    "2001:db8::/64 en0 null ",
    "fe80::/64 en0 null ",
  ]);
});

test("[E07] any text is read or left out, never thrown at", () => {
  const piece = fc.oneof(
    fc.string(),
    fc.constantFrom(
      "default",
      "10.9/16",
      "1.2.3.4.5",
      "fe80::%en0/64",
      "999/99",
      "UGSc",
      "en0",
      "\n",
      "\tinet ",
      " netmask 0xffffffff",
    ),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
      const text = pieces.join(" ");
      readInterfaces(text);
      for (const { prefix } of [...readRoutes(text, 4), ...readRoutes(text, 6)])
        expect(prefix.length).toBeLessThanOrEqual(prefix.family === 4 ? 32 : 128);
    }),
    { seed: 84, numRuns: 500 },
  );
});

test("[E07] a file for each domain names the server, and goes without touching those of others", () => {
  const rule = { way: "domains", name: "utun3", server: "10.9.255.254", everything: false } as const;
  writeFileSync(join(folder, "corp.example"), "nameserver 192.0.2.53\n");
  setRule({ ...rule, domains: ["home.mesh", "9.10.in-addr.arpa"] }, folder);
  setRule({ ...rule, domains: ["home.mesh"] }, folder);
  expect(readdirSync(folder)).toEqual(["corp.example", "home.mesh"]);
  expect(readFileSync(join(folder, "home.mesh"), "utf8")).toContain("nameserver 10.9.255.254\n");
  expect(() => setRule({ ...rule, domains: ["corp.example"] }, folder)).toThrow(/another program/);
  expect(() => setRule({ ...rule, domains: ["../home.mesh"] }, folder)).toThrow();
  removeRule("utun4", folder);
  removeRule("utun3", folder);
  removeRule("utun3", folder);
  expect(readdirSync(folder)).toEqual(["corp.example"]);
});

function routeText({
  prefix,
  interface: name,
  gateway,
  isStatic,
}: ReturnType<typeof readRoutes>[number]): string {
  return `${formatPrefix(prefix)} ${name} ${gateway === null ? "null" : formatAddress(gateway)} ${isStatic ? "static" : ""}`;
}
