import fc from "fast-check";
import { expect, test } from "vitest";
import { categoryWords } from "../../src-main/system/windows-category.ts";
import { admissionWords } from "../../src-main/system/windows-firewall.ts";
import { policyKey } from "../../src-main/system/windows-names.ts";
import {
  addressRow,
  families,
  familyRow,
  readAddressRow,
  readInterfaceRow,
  readRouteRow,
  routeRow,
  rowLayout,
  settleFamilyRow,
} from "../../src-main/system/windows-rows.ts";
import { pipeRules } from "../../src-main/system/windows-security.ts";
import type { Address } from "../../src-shared/address.ts";
import { formatPrefix, parseAddress, parsePrefix, toPrefix } from "../../src-shared/address.ts";

const addresses: fc.Arbitrary<Address> = fc.oneof(
  fc.bigInt(0n, (1n << 32n) - 1n).map((value) => ({ family: 4 as const, value })),
  fc.bigInt(0n, (1n << 128n) - 1n).map((value) => ({ family: 6 as const, value })),
);
const settings = { seed: 83, numRuns: 300 };

test("[E07] an address that is asked of Windows reads as the same one", () => {
  fc.assert(
    fc.property(addresses, fc.bigInt(0n, (1n << 64n) - 1n), (address, luid) => {
      const length = address.family === 4 ? 32 : 128;
      const row = addressRow(luid, address, length);
      expect(readAddressRow(row)?.address).toMatchObject({ address, prefix: { ...address, length } });
      expect(row.readBigUInt64LE(rowLayout.address.luid)).toBe(luid);
    }),
    settings,
  );
});

test("[E07] a route that is asked of Windows reads as the same one, directly connected and set by a program", () => {
  fc.assert(
    fc.property(addresses, fc.integer({ min: 0, max: 128 }), (address, bits) => {
      const prefix = toPrefix(address, Math.min(bits, address.family === 4 ? 32 : 128));
      const row = readRouteRow(routeRow(7n, prefix));
      expect(row).toMatchObject({ prefix, gateway: null, metric: 0, protocol: 3, loopback: false });
    }),
    settings,
  );
});

test("[E07] a gateway is told from a route that has none", () => {
  const row = routeRow(7n, parsePrefix("0.0.0.0/0") ?? toPrefix({ family: 4, value: 0n }, 0));
  row.set([families.ipv4, 0, 0, 0, 192, 168, 1, 1], rowLayout.route.nextHop);
  const read = readRouteRow(row);
  expect(read?.gateway).toEqual(parseAddress("192.168.1.1"));
  expect(read === null ? "" : formatPrefix(read.prefix)).toBe("0.0.0.0/0");
});

test("[E07] rows of any bytes are read or refused, never thrown at", () => {
  const { interface: one, address, route } = rowLayout;
  const lengths = [0, 8, one.bytes, address.bytes, route.bytes];
  const rows = fc
    .constantFrom(...lengths)
    .chain((length) => fc.uint8Array({ minLength: length, maxLength: length }))
    .map((bytes) => Buffer.from(bytes));
  fc.assert(
    fc.property(rows, (row) => {
      const read = [readInterfaceRow(row), readAddressRow(row), readRouteRow(row)];
      expect(
        read.map((each, at) => each === null || [one, address, route][at]?.bytes === row.length),
      ).toEqual([true, true, true]);
    }),
    settings,
  );
});

test("[E07] an interface of ours has the least metric, its MTU and no router to ask", () => {
  const row = familyRow(5n, 6).fill(0xff, 40);
  settleFamilyRow(row, 1400);
  const at = rowLayout.family;
  expect(row.readUInt16LE(at.family)).toBe(families.ipv6);
  expect(
    [at.metric, at.sitePrefixLength, at.routerDiscovery, at.dadTransmits].map((each) =>
      row.readUInt32LE(each),
    ),
  ).toEqual([0, 0, 0, 0]);
  expect(row.readUInt8(at.automaticMetric)).toBe(0);
  expect(row.readUInt32LE(at.mtu)).toBe(1400);
});

test("[E07] the rule of a network's names has one key, and each network its own", () => {
  expect(policyKey("starmesh0")).toMatch(/\\DnsPolicyConfig\\\{[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}\}$/);
  expect(policyKey("starmesh0")).toBe(policyKey("starmesh0"));
  expect(policyKey("starmesh0")).not.toBe(policyKey("starmesh1"));
});

test("[E07] what comes to an address of ours or to this program is let in, whatever kind of network it comes by", () => {
  const always = "dir=in action=allow profile=any enable=yes";
  const spoken = (address: string | null) =>
    admissionWords({ name: "x", address }).map((words) => words.join(" "));
  expect(spoken("10.9.1.1")).toEqual([
    `advfirewall firewall add rule name=Starmesh x localip=10.9.1.1 ${always}`,
  ]);
  expect(spoken(null)).toEqual(
    ["udp", "tcp"].map(
      (protocol) =>
        `advfirewall firewall add rule name=Starmesh x program=${process.execPath} protocol=${protocol} ${always}`,
    ),
  );
});

test("[E07] an interface is called private by its name, whatever that is", () => {
  fc.assert(
    fc.property(fc.string(), (name) => {
      const script = categoryWords(name).at(-1) ?? "";
      // To PowerShell a quote that is doubled is one of the text.
      const quoted = [...script.matchAll(/-InterfaceAlias '((?:[^']|'')*)'/g)].map(([, text = ""]) => text);
      expect(quoted.map((text) => text.replaceAll("''", "'"))).toEqual([name, name]);
      expect(script).toMatch(/-NetworkCategory Private$/);
    }),
    settings,
  );
});

test("[E07] the pipe is for the system, administrators and the users named, each once, and for nobody from outside", () => {
  expect(pipeRules(["S-1-5-21-1-2-3-1001", "S-1-5-21-1-2-3-1001"])).toBe(
    "D:P(D;;GA;;;NU)(A;;GA;;;SY)(A;;GA;;;BA)(A;;GRGW;;;S-1-5-21-1-2-3-1001)",
  );
});
