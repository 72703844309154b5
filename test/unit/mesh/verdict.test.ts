import { describe, expect, it } from "vitest";
import type { Candidate } from "../../../src-main/mesh/candidate.ts";
import { lost, newCandidate, proved } from "../../../src-main/mesh/candidate.ts";
import type { PathInUse, VerdictFacts } from "../../../src-main/mesh/verdict.ts";
import { verdictOf } from "../../../src-main/mesh/verdict.ts";
import type { NatFacts } from "../../../src-shared/trust.ts";
import { evidenceTexts, remedyTexts, verdictTexts } from "../../../src-shared/verdict.ts";

const now = 1_000_000_000;
const home = "192.168.1.5:7743";
const outside = "203.0.113.7:7743";
const channel = "198.51.100.1:7743#7";

function at(endpoint: string, rttMillis: number, change: Partial<Candidate> = {}): Candidate {
  const kind = endpoint.includes("#") ? "relay" : endpoint.startsWith("192.168.") ? "lan" : "reflexive";
  return { ...proved(newCandidate({ endpoint, kind }, now - 60_000), rttMillis, now - 60_000), ...change };
}

function silent(endpoint: string): Candidate {
  return newCandidate({ endpoint, kind: endpoint === home ? "lan" : "reflexive" }, now - 180_000);
}

function nat(mapping: NatFacts["mapping"], change: Partial<NatFacts> = {}): NatFacts {
  return { mapping, step: 0, portMapping: null, udp: true, ...change };
}

function over(active: Candidate, change: Partial<PathInUse> = {}): PathInUse {
  const via = active.kind === "relay" ? ["oslo"] : [];
  return { active, via, shared: 1, standby: null, relayCost: 0, isChosen: true, ...change };
}

function facts(change: Partial<VerdictFacts>): VerdictFacts {
  return {
    name: "bob",
    now,
    state: change.path == null ? "unreachable" : "connected",
    reason: null,
    own: false,
    path: null,
    candidates: change.path == null ? [] : [change.path.active],
    sessionSince: change.path == null ? null : now - 180_000,
    pin: null,
    only: null,
    here: { nat: undefined, outside: ["192.0.2.1"], port: 7743, mayMapPorts: true },
    there: { nat: undefined, outside: ["203.0.113.7"] },
    neighbour: null,
    overlap: null,
    stock: null,
    ...change,
  };
}

/** Through a relay, though both addresses of the peer have been tried. */
function relayed(change: Partial<VerdictFacts> = {}): VerdictFacts {
  const active = at(channel, 165);
  return facts({
    reason: "relay-direct-unanswered",
    path: over(active),
    candidates: [silent(home), silent(outside), active],
    ...change,
  });
}

/** This end, or the other, behind a NAT. */
function ends(here: NatFacts | undefined, there: NatFacts | undefined): Pick<VerdictFacts, "here" | "there"> {
  const own = { outside: ["192.0.2.1"], port: 7743, mayMapPorts: true };
  return { here: { ...own, nat: here }, there: { outside: ["203.0.113.7"], nat: there } };
}

const direct = { via: null, direct: true, spread: "auto" } as const;
const viaNas = { via: "nas", direct: false, spread: "auto" } as const;
const nas = { name: "nas", rttMillis: 25 };

interface Case {
  readonly name: string;
  readonly facts: VerdictFacts;
  /** The verdict; the remedy with its target and gain, or null. */
  readonly says: string;
  readonly helps: readonly [text: string, target: string | null, gainMs: number | null] | null;
  readonly evidence?: readonly string[];
}

const cases: readonly Case[] = [
  {
    name: "on the local network",
    facts: facts({ path: over(at(home, 0.6), { standby: { via: [], latencyMillis: 12 } }) }),
    says: "bob is on the same local network; there is no shorter way.",
    helps: null,
    evidence: ["The path in use takes 0.6 ms there and back.", "A second direct path is kept ready (12 ms)."],
  },
  {
    name: "direct, a relay standing by",
    facts: facts({
      path: over(at(outside, 24), { standby: { via: ["oslo"], latencyMillis: 65 } }),
      candidates: [at(outside, 24), silent(home), at(channel, 65)],
    }),
    says: "Packets go straight to bob; no better way is known.",
    helps: null,
    evidence: [
      "1 of 2 addresses of bob answer.",
      "The path in use takes 24 ms there and back.",
      "A second path is kept ready through oslo (65 ms).",
    ],
  },
  {
    name: "direct over two lines",
    facts: facts({ path: over(at(outside, 24), { shared: 2 }) }),
    says: "Packets go straight to bob, shared among 2 paths that are equally good.",
    helps: null,
  },
  {
    name: "direct over a bad line",
    facts: facts({ path: over(at(outside, 24, { loss: 0.1, lossOut: 0.14, lossIn: 0.01 })) }),
    says: "Packets go straight to bob, but 10 % of them get lost.",
    helps: ["Try a cable instead of Wi-Fi, or another line.", null, null],
    evidence: [
      "14 % get lost on the way to bob.",
      "The path in use takes 24 ms there and back.",
      "There is no second path to fall back to.",
    ],
  },
  {
    name: "[P16] direct over a link",
    facts: facts({ path: over(at("tls/203.0.113.7:443", 24)), reason: "direct-link" }),
    says: "Packets go straight to bob over TLS on port 443, because plain UDP gets no answer there.",
    helps: ["Open a UDP port in the firewall of one end.", null, null],
  },
  {
    name: "[P16] direct over a link that carries more",
    facts: facts({ path: over(at("tls/203.0.113.7:443", 24)), reason: "direct-for-room" }),
    says: "Packets go straight to bob over TLS on port 443, because plain UDP carries less there.",
    helps: null,
  },
  {
    name: "[P13] direct over the link for lossy lines",
    facts: facts({
      path: over(at(`kcp/${outside}`, 24)),
      candidates: [at(`kcp/${outside}`, 24), at(outside, 24, { lineLoss: 0.052 })],
    }),
    says: "Packets go straight to bob over KCP, which makes up for losses: without it 5 % of them are lost on the line.",
    helps: ["Try a cable instead of Wi-Fi, or another line.", null, null],
  },
  {
    name: "[P16] through a relay over a link",
    facts: facts({ path: over(at("wss/198.51.100.1:443#5", 90)), reason: "relay-link" }),
    says: "Packets go through oslo over WSS on port 443, because UDP to it is blocked here.",
    helps: ["Let UDP to port 443 of oslo through here; it is quicker than WSS.", "here", null],
  },
  {
    name: "[W23] over the transport that was chosen for all",
    facts: facts({ path: over(at("tls/203.0.113.7:443", 24)), only: "tls" }),
    says: "You chose TLS for bob: nothing is sent to it by another transport.",
    helps: ["Let Starmesh choose the transport again (starmesh set --transport auto).", "here", null],
  },
  {
    name: "[W23] not at all over the transport that was chosen for it",
    facts: facts({
      only: "quic",
      pin: { via: null, direct: false, transport: "quic", spread: "auto" },
    }),
    says: "You chose QUIC for bob, which does not answer that way; nothing is sent by another.",
    helps: ["Let Starmesh choose the path again.", "here", null],
  },
  {
    name: "bad on the way back",
    facts: facts({ path: over(at(outside, 24, { loss: 0.03, lossOut: 0, lossIn: 0.06 })) }),
    says: "Packets go straight to bob, but 3 % of them get lost.",
    helps: ["Try a cable instead of Wi-Fi, or another line.", null, null],
    evidence: [
      "6 % get lost on the way back.",
      "The path in use takes 24 ms there and back.",
      "There is no second path to fall back to.",
    ],
  },
  {
    name: "direct over a narrow line",
    facts: facts({ path: over(at(outside, 24, { mtu: 1180 })) }),
    says: "Packets go straight to bob, but the line carries at most 1180 bytes at once: larger packets travel in two parts.",
    helps: null,
    evidence: [
      "The path in use takes 24 ms there and back.",
      "Packets of up to 1180 bytes pass whole.",
      "There is no second path to fall back to.",
    ],
  },
  {
    name: "direct by choice",
    facts: facts({
      pin: direct,
      path: over(at(outside, 90)),
      candidates: [at(outside, 90), at(channel, 40)],
    }),
    says: "You chose the direct path to bob.",
    helps: ["Let Starmesh choose the path again.", "here", 50],
  },
  {
    name: "through a relay by choice, rightly",
    facts: facts({
      pin: viaNas,
      path: over(at(channel, 40), { via: ["nas"] }),
      candidates: [at(channel, 40), at(outside, 120)],
    }),
    says: "You chose to reach bob through nas.",
    helps: null,
    evidence: [
      "The path in use takes 40 ms there and back.",
      "The direct path takes 120 ms there and back.",
      "There is no second path to fall back to.",
    ],
  },
  {
    name: "the chosen relay is dead, another one carries",
    facts: facts({ pin: viaNas, path: over(at(channel, 40), { isChosen: false }) }),
    says: "You chose nas, which does not answer; packets go through oslo until it does.",
    helps: ["Let Starmesh choose the path again.", "here", null],
  },
  {
    name: "the chosen relay is dead, the direct path carries",
    facts: facts({ pin: viaNas, path: over(at(outside, 40), { isChosen: false }) }),
    says: "You chose nas, which does not answer; packets go straight to bob until it does.",
    helps: ["Let Starmesh choose the path again.", "here", null],
  },
  {
    name: "the direct path was chosen and is dead",
    facts: facts({ pin: direct, path: over(at(channel, 40), { isChosen: false }) }),
    says: "You chose the direct path to bob, which does not answer; packets go through oslo until it does.",
    helps: ["Let Starmesh choose the path again.", "here", null],
  },
  {
    name: "at first",
    facts: relayed({ reason: "relay-first" }),
    says: "Packets go through oslo while the addresses of bob are being tried.",
    helps: null,
  },
  {
    name: "[P16] a relay carries more",
    facts: relayed({ reason: "relay-for-room" }),
    says: "Going through oslo carries more than the direct path to bob.",
    helps: null,
  },
  {
    name: "a relay is quicker",
    facts: relayed({
      reason: "relay-faster",
      path: over(at(channel, 40), { relayCost: 20 }),
      candidates: [at(channel, 40), at(outside, 130)],
    }),
    says: "Going through oslo is quicker than the direct path to bob.",
    helps: null,
    evidence: [
      "The path in use takes 40 ms there and back.",
      "The direct path takes 130 ms there and back.",
      "oslo asks to be counted 20 ms slower than it is.",
      "There is no second path to fall back to.",
    ],
  },
  {
    name: "the direct path broke",
    facts: relayed({
      reason: "relay-direct-lost",
      candidates: [lost(at(outside, 24), now - 5000), at(channel, 165)],
    }),
    says: "The direct path to bob broke and is being tried again; until it answers, packets go through oslo.",
    helps: ["Connect anew.", "here", 141],
    evidence: [
      "Other addresses of bob tried for 3 min without an answer: 1.",
      "Paths that broke within the last two minutes: 1.",
      "The path in use takes 165 ms there and back.",
      "The direct path took 24 ms while it worked.",
      "There is no second path to fall back to.",
    ],
  },
  {
    name: "both NATs are symmetric",
    facts: relayed(ends(nat("random"), nat("sequential", { step: 2 }))),
    says: "Packets go through oslo: the NATs at both ends are symmetric. They take another port for every destination, so that neither end can be told where to send.",
    helps: [
      "Switch on UPnP or NAT-PMP in the internet router here, or forward UDP port 7743 to this machine.",
      "here",
      null,
    ],
    evidence: [
      "The NAT here is symmetric: any port for each destination.",
      "The internet router here opens no port.",
      "The NAT at bob is symmetric: the next port for each destination.",
      "The internet router at bob opens no port.",
      "Other addresses of bob tried for 3 min without an answer: 2.",
      "The path in use takes 165 ms there and back.",
      "There is no second path to fall back to.",
    ],
  },
  {
    name: "both NATs are symmetric, and a member beside the peer answers directly",
    facts: relayed({ ...ends(nat("random"), nat("random")), neighbour: nas }),
    says: "Packets go through oslo: the NATs at both ends are symmetric. They take another port for every destination, so that neither end can be told where to send.",
    helps: [
      "Switch on UPnP or NAT-PMP in the internet router here, or let nas relay, which is where bob is.",
      "here",
      140,
    ],
  },
  {
    name: "port mapping is switched off here",
    facts: relayed({
      ...ends(nat("random"), nat("random")),
      here: { nat: nat("random"), outside: [], port: 7743, mayMapPorts: false },
    }),
    says: "Packets go through oslo: the NATs at both ends are symmetric. They take another port for every destination, so that neither end can be told where to send.",
    helps: ["Let Starmesh ask the internet router here to open a port.", "here", null],
  },
  {
    name: "the NAT here is symmetric",
    facts: relayed(ends(nat("random"), nat("independent"))),
    says: "Packets go through oslo: the NAT here is symmetric, it takes another port for every destination, and the one at bob lets nobody in whom it does not know.",
    helps: [
      "Switch on UPnP or NAT-PMP in the internet router here, or forward UDP port 7743 to this machine.",
      "here",
      null,
    ],
  },
  {
    name: "the NAT there is symmetric, this one has a port open",
    facts: relayed(ends(nat("independent", { portMapping: "upnp" }), nat("random"))),
    says: "Packets go through oslo: the NAT at bob is symmetric, it takes another port for every destination, and the one here lets nobody in whom it does not know.",
    helps: [
      "Switch on UPnP or NAT-PMP in the internet router of bob, or forward a UDP port to it.",
      "bob",
      null,
    ],
  },
  {
    name: "no NAT here, a member beside the peer",
    facts: relayed({ ...ends(nat("none"), nat("random")), neighbour: nas }),
    says: "Packets go through oslo: no other address of bob answers (2 tried), so a firewall must be in the way.",
    helps: [
      "Switch on UPnP or NAT-PMP in the internet router of bob, or let nas relay, which is in the same place.",
      "bob",
      140,
    ],
    evidence: [
      "No NAT is before this machine.",
      "The NAT at bob is symmetric: any port for each destination.",
      "The internet router at bob opens no port.",
      "Other addresses of bob tried for 3 min without an answer: 2.",
      "The path in use takes 165 ms there and back.",
      "nas, where bob is, answers in 25 ms.",
      "There is no second path to fall back to.",
    ],
  },
  {
    name: "no NAT at either end, a firewall",
    facts: relayed(ends(nat("none"), nat("none"))),
    says: "Packets go through oslo: no other address of bob answers (2 tried), so a firewall must be in the way.",
    helps: ["Open a UDP port in the firewall of one end.", null, null],
    evidence: [
      "No NAT is before this machine.",
      "No NAT is before bob.",
      "Other addresses of bob tried for 3 min without an answer: 2.",
      "The path in use takes 165 ms there and back.",
      "There is no second path to fall back to.",
    ],
  },
  {
    name: "in one place, but kept apart",
    facts: relayed({
      here: { nat: nat("independent"), outside: ["203.0.113.7"], port: 7743, mayMapPorts: true },
      there: { nat: nat("independent"), outside: ["203.0.113.7"] },
    }),
    says: "Packets go through oslo: this machine and bob share the public address 203.0.113.7, but their local network keeps them apart, as guest networks do.",
    helps: ["Connect both to the same network, not to a guest network.", null, null],
  },
  {
    name: "no address was told",
    facts: relayed({ candidates: [at(channel, 165)] }),
    says: "Packets go through oslo: bob has told no other address.",
    helps: ["Open a UDP port in the firewall of one end.", null, null],
  },
  {
    name: "no packets yet",
    facts: facts({ state: "idle", reason: "no-traffic-yet" }),
    says: "No packets for bob yet; a path is found with the first one.",
    helps: null,
  },
  {
    name: "being called",
    facts: facts({ state: "connecting" }),
    says: "bob is being called.",
    helps: null,
  },
  {
    name: "offline",
    facts: facts({ state: "offline", reason: "peer-offline" }),
    says: "bob is not connected to the router: it is off, has no internet, or does not run Starmesh.",
    helps: ["See that bob is on, has internet, and runs Starmesh.", "bob", null],
  },
  {
    name: "UDP is blocked here",
    facts: facts({
      reason: "router-udp-blocked",
      own: true,
      ...ends(nat("unknown", { udp: false }), nat("independent", { portMapping: "pcp" })),
    }),
    says: "UDP to the router is blocked here, so that nothing can be relayed to bob.",
    helps: ["Let UDP to the router's port through here.", "here", null],
    evidence: [
      "No UDP server answers this machine.",
      "The NAT at bob keeps one port for all destinations.",
      "The internet router at bob has opened a port (PCP).",
    ],
  },
  {
    name: "UDP is blocked there",
    facts: facts({
      reason: "router-udp-blocked",
      ...ends(nat("independent", { portMapping: "nat-pmp" }), nat("unknown", { udp: false })),
    }),
    says: "UDP between bob and the router is blocked, so that nothing can be relayed to it.",
    helps: ["Let UDP to the router's port through where bob is.", "bob", null],
    evidence: [
      "The NAT here keeps one port for all destinations.",
      "The internet router here has opened a port (NAT-PMP).",
      "No UDP server answers bob.",
    ],
  },
  {
    name: "nothing answers",
    facts: facts({ reason: "no-way", ...ends(nat("sequential"), undefined) }),
    says: "bob does not answer, neither at one of its addresses nor through a relay.",
    helps: ["Open a UDP port at one end, or run a router that both ends reach.", null, null],
    evidence: [
      "The NAT here is symmetric: the next port for each destination.",
      "The internet router here opens no port.",
    ],
  },
  {
    name: "a LAN here has the network's addresses",
    facts: facts({
      overlap: { address: "10.66.3.9", range: "10.66.0.0/16", local: "10.66.3.0/24", interface: "eth0" },
    }),
    says: "bob is not reached at 10.66.3.9: 10.66.3.0/24 on eth0 has the same addresses as the network (10.66.0.0/16).",
    helps: [
      "Let an administrator give the network other addresses (starmesh network renumber), or use others on eth0.",
      null,
      null,
    ],
  },
  {
    name: "a WireGuard client of another machine",
    facts: facts({ stock: { gateway: "nas", isServedHere: false } }),
    says: "bob is an ordinary WireGuard client of nas; only that machine reaches it.",
    helps: null,
  },
  {
    name: "a WireGuard client of this machine that has not connected",
    facts: facts({ state: "offline", stock: { gateway: "ann", isServedHere: true } }),
    says: "bob is an ordinary WireGuard client of this machine. It has not connected yet.",
    helps: ["Switch the tunnel on in the WireGuard app of bob.", "bob", null],
    evidence: [],
  },
  {
    name: "a WireGuard client of this machine that is connected",
    facts: facts({ state: "connected", stock: { gateway: "ann", isServedHere: true } }),
    says: "bob is an ordinary WireGuard client, connected to this machine.",
    helps: null,
  },
];

describe("the verdict on the path to a peer", () => {
  for (const { name, facts: given, says, helps, evidence } of cases) {
    it(`${name}`, () => {
      const { text, remedy, evidence: found } = verdictOf(given);
      expect(text).toBe(says);
      expect(remedy === null ? null : [remedy.text, remedy.target, remedy.gainMs]).toEqual(helps);
      if (evidence !== undefined) expect(found.map((each) => each.text)).toEqual(evidence);
    });
  }

  it("is looked at here in every case, and so is every remedy and every piece of evidence", () => {
    const verdicts = cases.map((each) => verdictOf(each.facts));
    const told = (codes: readonly (string | undefined)[]) => [...new Set(codes)].filter(Boolean).sort();
    expect(told(verdicts.map(({ code }) => code))).toEqual(Object.keys(verdictTexts).sort());
    expect(told(verdicts.map(({ remedy }) => remedy?.code))).toEqual(Object.keys(remedyTexts).sort());
    const evidence = verdicts.flatMap((verdict) => verdict.evidence.map(({ code }) => code));
    expect(told(evidence)).toEqual(Object.keys(evidenceTexts).sort());
  });

  it("leaves no place open", () => {
    for (const each of cases) {
      const { text, remedy, evidence } = verdictOf(each.facts);
      for (const line of [text, remedy?.text ?? "", ...evidence.map((one) => one.text)])
        expect(line).not.toMatch(/[{}]|undefined|NaN/);
    }
  });
});
