/** What the checks of the connection mean to its user, one line each, and what can be done. */

import type { Finding } from "../../src-shared/finding.ts";
import type { OverlapStatus } from "../../src-shared/route-status.ts";
import type { Netcheck } from "../../src-shared/status.ts";
import { transportNames } from "../../src-shared/status.ts";
import { bad, good, note } from "./findings.ts";

/** Findings in the order of their weight within each check. */
export function findingsOf(facts: Omit<Netcheck, "findings">): readonly Finding[] {
  return [
    ...facts.routers.map(routerFinding),
    udpFinding(facts),
    natFinding(facts),
    mappingFinding(facts),
    ipv6Finding(facts),
    ...facts.routers.flatMap(clockFinding),
    ...facts.routers.flatMap(mtuFinding),
    ...facts.overlaps.map(overlapFinding),
    tunFinding(facts),
  ];
}

type Router = Netcheck["routers"][number];

function routerFinding({ address, control, answers, tcp443 }: Router): Finding {
  if (control) return good("router", `The router ${address} is connected.`);
  if (answers === "stranger") {
    return bad(
      "captive-portal",
      `Somebody else answers in place of the router ${address}.`,
      "Log in to this network in a browser (a hotel or guest portal), then try again.",
    );
  }
  if (answers === "router") {
    return bad(
      "router-refuses",
      `The router ${address} answers but is not connected.`,
      "See: starmesh networks",
    );
  }
  const open = tcp443 === "silent" ? "" : " Port 443 there is not blocked.";
  return bad(
    "router-silent",
    `The router ${address} does not answer over TCP.${open}`,
    "Check that it runs and that the firewalls on the way let its TCP port through.",
  );
}

function udpFinding({ nat, routers }: Omit<Netcheck, "findings">): Finding {
  const link = routers.flatMap(({ transport }) => transport ?? []).find((transport) => transport !== "udp");
  if (nat.udp === true || routers.some(({ udp }) => udp)) return good("udp", "UDP passes.");
  if (nat.udp === null)
    return note("udp-unknown", "Whether UDP passes is not known yet.", "Try again in a moment.");
  if (link !== undefined)
    return note(
      "udp-blocked-link",
      `UDP does not pass: no server answers. The router is reached over ${transportNames[link]} instead.`,
      "Open outgoing UDP in this network's firewall for quicker, direct paths.",
    );
  return bad(
    "udp-blocked",
    "UDP does not pass: no server answers.",
    "Open outgoing UDP in this network's firewall; until then nothing but the LAN is reached directly.",
  );
}

function natFinding({ nat }: Omit<Netcheck, "findings">): Finding {
  switch (nat.mapping) {
    case "none":
      return good("nat-none", "There is no NAT: this machine has a public address.");
    case "independent":
      return good("nat-independent", "The NAT keeps one outer port: direct paths are likely.");
    case "sequential":
      return note(
        "nat-sequential",
        `The NAT takes a new port for each destination, ${Math.abs(nat.step)} apart: direct paths often work.`,
        "Switch on UPnP or PCP at the gateway to make sure.",
      );
    case "random":
      return note(
        "nat-random",
        "The NAT takes a random port for each destination (symmetric): some direct paths fail.",
        "Switch on UPnP or PCP at the gateway, or forward a port and say so with: starmesh set --declare HOST:PORT",
      );
    case "unknown":
      return note(
        "nat-unknown",
        "How the NAT behaves is not known.",
        "It takes answers of two STUN servers.",
      );
  }
}

function mappingFinding({ portMapping }: Omit<Netcheck, "findings">): Finding {
  const { state, protocol, endpoints } = portMapping;
  switch (state) {
    case "open":
      return good("mapping-open", `The gateway lets others in at ${endpoints.join(", ")} (${protocol}).`);
    case "unneeded":
      return good("mapping-unneeded", "No gateway has to open a port.");
    case "off":
      return note("mapping-off", "Port mapping is switched off.", "starmesh set --port-mapping on");
    case "asking":
      return note("mapping-asking", "The gateway is being asked to open a port.", "Try again in a moment.");
    case "refused":
      return note(
        "mapping-refused",
        "The gateway opens no port: it speaks neither PCP, NAT-PMP nor UPnP, or they are switched off.",
        "Switch on UPnP or PCP at the gateway where direct paths fail.",
      );
  }
}

function ipv6Finding({ ipv6 }: Omit<Netcheck, "findings">): Finding {
  if (ipv6.outside !== null) return good("ipv6", "IPv6 reaches the outside.");
  if (ipv6.address)
    return note(
      "ipv6-inside",
      "There is IPv6, but no server was reached over it.",
      "Nothing has to be done.",
    );
  return note("ipv6-none", "There is no IPv6.", "Nothing has to be done.");
}

function clockFinding({ address, clockSkewMs }: Router): readonly Finding[] {
  if (clockSkewMs === null) return [];
  if (Math.abs(clockSkewMs) < harmlessSkew) return [good("clock", "The clock agrees with the router's.")];
  const seconds = Math.round(Math.abs(clockSkewMs) / 1000);
  const side = clockSkewMs > 0 ? "ahead of" : "behind";
  return [
    bad(
      "clock-skew",
      `This machine's clock is ${seconds} s ${side} that of the router ${address}.`,
      "Set the clock, best by switching on its network time: invites and certificates depend on it.",
    ),
  ];
}

function mtuFinding({ address, mtu }: Router): readonly Finding[] {
  if (mtu === null) return [];
  if (mtu >= wholeMtu) return [good("mtu", `Full-size packets reach the router ${address} (${mtu} bytes).`)];
  return [
    note(
      "mtu-small",
      `Only packets up to ${mtu} bytes reach the router ${address}.`,
      "Larger ones are cut on the way; for a steady gain: starmesh set --mtu 1280",
    ),
  ];
}

function overlapFinding({ network, wanted, local, interface: name, advice }: OverlapStatus): Finding {
  return bad("overlap", `${local} on ${name} has the same addresses as ${wanted} in ${network}.`, advice);
}

function tunFinding({ tun }: Omit<Netcheck, "findings">): Finding {
  return tun.ok
    ? good("tun", "Packets can flow through the network interface.")
    : bad("tun", tun.detail ?? "No network interface can be opened.", "See: starmesh status");
}

/** The router tells its clock to the second, and the answer takes a moment. */
const harmlessSkew = 30_000;
const wholeMtu = 1280;
