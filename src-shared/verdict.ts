/** What is said about the path to a peer: the verdict, what it rests on, and what would help. Codes with English texts. */
import { z } from "zod";
import type { ErrorData } from "./errors.ts";
import { fillText } from "./errors.ts";

/** Why it is as it is. */
export const verdictTexts = {
  "same-network": "{name} is on the same local network; there is no shorter way.",
  "direct-best": "Packets go straight to {name}; no better way is known.",
  "direct-shared": "Packets go straight to {name}, shared among {paths} paths that are equally good.",
  "direct-lossy": "Packets go straight to {name}, but {loss} % of them get lost.",
  "direct-small":
    "Packets go straight to {name}, but the line carries at most {mtu} bytes at once: larger packets travel in two parts.",
  "direct-link":
    "Packets go straight to {name} over {transport} on port {port}, because plain UDP gets no answer there.",
  "direct-for-room":
    "Packets go straight to {name} over {transport} on port {port}, because plain UDP carries less there.",
  "direct-for-losses":
    "Packets go straight to {name} over {transport}, which makes up for losses: without it {loss} % of them are lost on the line.",
  "relay-link":
    "Packets go through {via} over {transport} on port {port}, because UDP to it is blocked here.",
  "transport-chosen": "You chose {transport} for {name}: nothing is sent to it by another transport.",
  "transport-silent":
    "You chose {transport} for {name}, which does not answer that way; nothing is sent by another.",
  "direct-chosen": "You chose the direct path to {name}.",
  "relay-chosen": "You chose to reach {name} through {via}.",
  "chosen-relay-dead": "You chose {chosen}, which does not answer; packets go through {via} until it does.",
  "chosen-relay-dead-direct":
    "You chose {chosen}, which does not answer; packets go straight to {name} until it does.",
  "chosen-direct-dead":
    "You chose the direct path to {name}, which does not answer; packets go through {via} until it does.",
  "relay-first": "Packets go through {via} while the addresses of {name} are being tried.",
  "relay-quicker": "Going through {via} is quicker than the direct path to {name}.",
  "relay-for-room": "Going through {via} carries more than the direct path to {name}.",
  "relay-direct-broke":
    "The direct path to {name} broke and is being tried again; until it answers, packets go through {via}.",
  "relay-both-symmetric":
    "Packets go through {via}: the NATs at both ends are symmetric. They take another port for every destination, so that neither end can be told where to send.",
  "relay-symmetric-here":
    "Packets go through {via}: the NAT here is symmetric, it takes another port for every destination, and the one at {name} lets nobody in whom it does not know.",
  "relay-symmetric-there":
    "Packets go through {via}: the NAT at {name} is symmetric, it takes another port for every destination, and the one here lets nobody in whom it does not know.",
  "relay-apart":
    "Packets go through {via}: this machine and {name} share the public address {address}, but their local network keeps them apart, as guest networks do.",
  "relay-no-address": "Packets go through {via}: {name} has told no other address.",
  "relay-unanswered":
    "Packets go through {via}: no other address of {name} answers ({count} tried), so a firewall must be in the way.",
  "same-addresses":
    "{name} is not reached at {address}: {local} on {interface} has the same addresses as the network ({range}).",
  unused: "No packets for {name} yet; a path is found with the first one.",
  calling: "{name} is being called.",
  offline: "{name} is not connected to the router: it is off, has no internet, or does not run Starmesh.",
  "udp-blocked-here": "UDP to the router is blocked here, so that nothing can be relayed to {name}.",
  "udp-blocked-there": "UDP between {name} and the router is blocked, so that nothing can be relayed to it.",
  unanswered: "{name} does not answer, neither at one of its addresses nor through a relay.",
  "stock-elsewhere": "{name} is an ordinary WireGuard client of {gateway}; only that machine reaches it.",
  "stock-waiting": "{name} is an ordinary WireGuard client of this machine. It has not connected yet.",
  "stock-connected": "{name} is an ordinary WireGuard client, connected to this machine.",
} as const;

/** What would make it better. */
export const remedyTexts = {
  "port-mapping-on-here": "Let Starmesh ask the internet router here to open a port.",
  "port-mapping-here":
    "Switch on UPnP or NAT-PMP in the internet router here, or forward UDP port {port} to this machine.",
  "port-mapping-there":
    "Switch on UPnP or NAT-PMP in the internet router of {name}, or forward a UDP port to it.",
  "port-mapping-here-or-relay":
    "Switch on UPnP or NAT-PMP in the internet router here, or let {relay} relay, which is where {name} is.",
  "port-mapping-there-or-relay":
    "Switch on UPnP or NAT-PMP in the internet router of {name}, or let {relay} relay, which is in the same place.",
  "open-port": "Open a UDP port in the firewall of one end.",
  "udp-open-here": "Let UDP to the router's port through here.",
  "udp-open-router": "Let UDP to port {port} of {via} through here; it is quicker than {transport}.",
  "any-transport": "Let Starmesh choose the transport again (starmesh set --transport auto).",
  "udp-open-there": "Let UDP to the router's port through where {name} is.",
  "same-network": "Connect both to the same network, not to a guest network.",
  unpin: "Let Starmesh choose the path again.",
  reconnect: "Connect anew.",
  "try-cable": "Try a cable instead of Wi-Fi, or another line.",
  "start-there": "See that {name} is on, has internet, and runs Starmesh.",
  "run-router": "Open a UDP port at one end, or run a router that both ends reach.",
  renumber:
    "Let an administrator give the network other addresses (starmesh network renumber), or use others on {interface}.",
  "connect-client": "Switch the tunnel on in the WireGuard app of {name}.",
} as const;

/** What was seen. */
export const evidenceTexts = {
  "nat-none-here": "No NAT is before this machine.",
  "nat-independent-here": "The NAT here keeps one port for all destinations.",
  "nat-sequential-here": "The NAT here is symmetric: the next port for each destination.",
  "nat-random-here": "The NAT here is symmetric: any port for each destination.",
  "nat-none-there": "No NAT is before {name}.",
  "nat-independent-there": "The NAT at {name} keeps one port for all destinations.",
  "nat-sequential-there": "The NAT at {name} is symmetric: the next port for each destination.",
  "nat-random-there": "The NAT at {name} is symmetric: any port for each destination.",
  "port-open-here": "The internet router here has opened a port ({protocol}).",
  "port-open-there": "The internet router at {name} has opened a port ({protocol}).",
  "port-closed-here": "The internet router here opens no port.",
  "port-closed-there": "The internet router at {name} opens no port.",
  "udp-blocked-here": "No UDP server answers this machine.",
  "udp-blocked-there": "No UDP server answers {name}.",
  tried: "Other addresses of {name} tried for {time} without an answer: {count}.",
  answering: "{answering} of {count} addresses of {name} answer.",
  broke: "Paths that broke within the last two minutes: {times}.",
  "loss-out": "{loss} % get lost on the way to {name}.",
  "loss-in": "{loss} % get lost on the way back.",
  "round-trip": "The path in use takes {latency} there and back.",
  "round-trip-direct": "The direct path takes {latency} there and back.",
  "round-trip-direct-then": "The direct path took {latency} while it worked.",
  "round-trip-near": "{relay}, where {name} is, answers in {latency}.",
  "relay-cost": "{via} asks to be counted {cost} ms slower than it is.",
  "mtu-small": "Packets of up to {mtu} bytes pass whole.",
  "second-direct": "A second direct path is kept ready ({latency}).",
  "second-relay": "A second path is kept ready through {via} ({latency}).",
  "no-second-path": "There is no second path to fall back to.",
} as const;

export type VerdictCode = keyof typeof verdictTexts;
export type RemedyCode = keyof typeof remedyTexts;
export type EvidenceCode = keyof typeof evidenceTexts;

const facts = z.record(z.string(), z.union([z.string(), z.number()]));

/** What to do, and who. */
export const remedyStatus = z.object({
  code: z.enum(Object.keys(remedyTexts) as [RemedyCode, ...RemedyCode[]]),
  /** An English sentence; other languages fill their own with the facts. */
  text: z.string(),
  facts,
  /** `here`, the name of the member that has to do it, or null: either end. */
  target: z.string().nullable(),
  /** Milliseconds by which the round trip is expected to shrink; null where nobody can tell. */
  gainMs: z.number().nullable(),
});
export type RemedyStatus = z.infer<typeof remedyStatus>;

/** One thing that was seen. */
export const evidenceStatus = z.object({
  code: z.enum(Object.keys(evidenceTexts) as [EvidenceCode, ...EvidenceCode[]]),
  text: z.string(),
  facts,
});
export type EvidenceStatus = z.infer<typeof evidenceStatus>;

/** Why the path to a peer is what it is, what that rests on, and what would help; null: nothing would. */
export const verdictStatus = z.object({
  code: z.enum(Object.keys(verdictTexts) as [VerdictCode, ...VerdictCode[]]),
  text: z.string(),
  facts,
  remedy: remedyStatus.nullable(),
  evidence: z.array(evidenceStatus),
});
export type VerdictStatus = z.infer<typeof verdictStatus>;

/** A verdict without evidence and remedy. */
export function verdictLine(code: VerdictCode, data: ErrorData): Omit<VerdictStatus, "remedy" | "evidence"> {
  return { code, text: fillText(verdictTexts[code], data), facts: data };
}

export function remedyLine(
  code: RemedyCode,
  data: ErrorData,
  { target, gainMs }: Pick<RemedyStatus, "target" | "gainMs">,
): RemedyStatus {
  return { code, text: fillText(remedyTexts[code], data), facts: data, target, gainMs };
}

export function evidenceLine(code: EvidenceCode, data: ErrorData): EvidenceStatus {
  return { code, text: fillText(evidenceTexts[code], data), facts: data };
}
