import { describe, expect, it } from "vitest";
import { reachFindings } from "../../../src-main/handlers/reach-findings.ts";
import { isKnownLine } from "../../../src-renderer/words/lines.ts";
import type { RouterReachStatus } from "../../../src-shared/router-status.ts";

type Facts = Omit<RouterReachStatus, "findings">;
type Door = Facts["doors"][number];

const address = "203.0.113.2:7743";
const reached: Door = {
  protocol: "https",
  address,
  transports: ["tls", "wss"],
  state: "reached",
  reachedBy: ["a", "b"],
  missedBy: [],
};
const missed: Door = {
  protocol: "udp",
  address,
  transports: ["udp"],
  state: "missed",
  reachedBy: [],
  missedBy: ["a", "b"],
};
const facts: Facts = {
  asked: [
    { name: "a", from: "198.51.100.2", answered: true },
    { name: "b", from: "198.51.100.6", answered: true },
  ],
  doors: [reached],
  recorded: [address],
  untested: [],
  seen: [],
};
const router = { publicAddresses: [address], lanOnly: false };

const cases: readonly [string, string, Partial<Facts>, Partial<typeof router>][] = [
  ["reach-open", "good", {}, {}],
  ["reach-missed", "bad", { doors: [reached, missed] }, {}],
  ["reach-missed", "bad", { doors: [missed] }, {}],
  ["reach-missed", "bad", { doors: [{ ...reached, state: "missed", reachedBy: [], missedBy: ["a"] }] }, {}],
  ["reach-partly", "note", { doors: [{ ...reached, state: "partly", missedBy: ["c"] }] }, {}],
  ["reach-refused", "bad", { doors: [{ ...reached, state: "refused" }] }, {}],
  ["reach-stranger", "bad", { doors: [{ ...reached, state: "stranger" }] }, {}],
  ["reach-untried", "note", { doors: [{ ...reached, state: "untried" }] }, {}],
  ["reach-untested", "note", { untested: ["quic"] }, {}],
  ["reach-nobody", "note", { asked: [], doors: [] }, {}],
  ["reach-silent", "note", { asked: [{ name: "a", from: "198.51.100.2", answered: false }] }, {}],
  ["reach-private", "bad", {}, { lanOnly: true, publicAddresses: ["192.168.1.2:7743"] }],
  ["reach-unknown", "note", {}, { publicAddresses: [address, "vpn.example.org:443"] }],
  ["reach-seen", "good", { seen: ["203.0.113.2"] }, {}],
  ["reach-elsewhere", "note", { seen: ["198.51.100.99"] }, {}],
];

describe("a router's owner is told", () => {
  it.each(cases)("%s: %s", (code, level, change, settings) => {
    const found = reachFindings({ ...facts, ...change }, { ...router, ...settings });
    const finding = found.find((each) => each.code === code);
    expect(finding?.level).toBe(level);
    expect(finding?.advice === null).toBe(level === "good");
    for (const { text, advice } of found) {
      expect(isKnownLine(text), text).toBe(true);
      expect(advice === null || isKnownLine(advice), advice ?? "").toBe(true);
    }
  });

  it("which port to open, and what it costs until then", () => {
    const [, finding] = reachFindings({ ...facts, doors: [reached, missed] }, router);
    expect(finding?.text).toBe("UDP 203.0.113.2:7743 from outside: not reached by a, b.");
    expect(finding?.advice).toMatch(
      /^Open UDP port 7743 in the firewall of this machine.* over TCP, more slowly\.$/,
    );
  });

  it("nothing of ports that nobody tried, and nothing of what a name leads to", () => {
    expect(reachFindings({ ...facts, asked: [] }, router).map(({ code }) => code)).toEqual(["reach-nobody"]);
    const named = { publicAddresses: ["vpn.example.org:7743"], lanOnly: false };
    const codes = reachFindings({ ...facts, recorded: named.publicAddresses, seen: ["192.0.2.9"] }, named);
    expect(codes.map(({ code }) => code)).toEqual(["reach-open"]);
  });
});
