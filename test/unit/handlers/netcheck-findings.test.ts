import { describe, expect, it, test } from "vitest";
import { findingsOf } from "../../../src-main/handlers/netcheck-findings.ts";
import { isKnownLine } from "../../../src-renderer/words/lines.ts";
import type { Netcheck } from "../../../src-shared/status.ts";

type Facts = Omit<Netcheck, "findings">;
type Router = Facts["routers"][number];

const router: Router = {
  address: "198.51.100.7:7743",
  control: true,
  controlMs: 20,
  udp: true,
  udpMs: 19,
  linkMs: null,
  transport: "udp",
  reflexive: "203.0.113.7:7743",
  answers: "router",
  tcp443: "refused",
  clockSkewMs: 400,
  mtu: 1400,
};
const facts: Facts = {
  interfaces: [],
  udpPort: 7743,
  routers: [router],
  stun: [],
  nat: { mapping: "independent", step: 0, portMapping: null, udp: true },
  portMapping: { state: "open", protocol: "pcp", endpoints: ["203.0.113.7:7743"] },
  ipv6: { address: true, outside: "[2001:db8::7]:7743" },
  overlaps: [],
  tun: { ok: true, detail: null },
  hardwareAes: true,
};

const overlap: Facts["overlaps"][number] = {
  network: "home",
  kind: "range",
  wanted: "10.66.0.0/16",
  local: "10.66.3.0/24",
  interface: "eth0",
  advice:
    "Members with these addresses are not reached from here. Use another LAN range here, or let an administrator move the network: starmesh network renumber home 10.9.0.0/16",
  map: null,
  move: "10.9.0.0/16",
};

function codes(change: Partial<Facts>, level: string): readonly string[] {
  return findingsOf({ ...facts, ...change })
    .filter((finding) => finding.level === level)
    .map(({ code }) => code);
}

describe("netcheck says what its facts mean", () => {
  it("[C10] with nothing to do where all is well", () => {
    const found = findingsOf(facts);
    expect(found.map(({ level }) => level)).toEqual(found.map(() => "good"));
    expect(found.every(({ advice }) => advice === null)).toBe(true);
  });

  const bad: readonly (readonly [string, Partial<Facts>])[] = [
    ["captive-portal", { routers: [{ ...router, control: false, answers: "stranger" }] }],
    ["router-silent", { routers: [{ ...router, control: false, answers: "silent", tcp443: "silent" }] }],
    ["router-refuses", { routers: [{ ...router, control: false }] }],
    [
      "udp-blocked",
      { routers: [{ ...router, udp: false, transport: null }], nat: { ...facts.nat, udp: false } },
    ],
    ["clock-skew", { routers: [{ ...router, clockSkewMs: -90_000 }] }],
    ["overlap", { overlaps: [overlap] }],
    ["tun", { tun: { ok: false, detail: "No right." } }],
  ];
  test.each(bad)("%s, and what to do about it", (code, change) => {
    expect(codes(change, "bad")).toEqual([code]);
    expect(findingsOf({ ...facts, ...change }).find((each) => each.code === code)?.advice).toBeTruthy();
  });

  const notes: readonly (readonly [string, Partial<Facts>])[] = [
    [
      "udp-blocked-link",
      { routers: [{ ...router, udp: false, transport: "tls" }], nat: { ...facts.nat, udp: false } },
    ],
    ["nat-random", { nat: { ...facts.nat, mapping: "random" } }],
    ["nat-sequential", { nat: { ...facts.nat, mapping: "sequential", step: -2 } }],
    ["nat-unknown", { nat: { ...facts.nat, mapping: "unknown" } }],
    ["mapping-refused", { portMapping: { state: "refused", protocol: null, endpoints: [] } }],
    ["mapping-off", { portMapping: { state: "off", protocol: null, endpoints: [] } }],
    ["ipv6-none", { ipv6: { address: false, outside: null } }],
    ["mtu-small", { routers: [{ ...router, mtu: 1200 }] }],
  ];
  test.each(notes)("%s as something to know", (code, change) => {
    expect(codes(change, "note")).toEqual([code]);
    expect(codes(change, "bad")).toEqual([]);
  });

  const changes = [...bad.filter(([code]) => code !== "tun"), ...notes].map(([, change]) => change);
  test("[C10] in lines that the panel knows in every language", () => {
    for (const change of [facts, ...changes])
      for (const { text, advice } of findingsOf({ ...facts, ...change })) {
        expect(isKnownLine(text), text).toBe(true);
        expect(advice === null || isKnownLine(advice), advice ?? "").toBe(true);
      }
  });
});
