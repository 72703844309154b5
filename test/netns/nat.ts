/** Rules of a translating gateway in the words of RFC 4787: how it maps, whom it lets in, whether it turns back. */

/**
 * `full-cone`, `address-restricted`, `port-restricted`: one outer port for all destinations of a socket, open to
 * everybody, to addresses, to endpoints that something was sent to. `symmetric-…`: an outer port for each destination,
 * the next one or any, open to that destination alone.
 */
export type NatKind =
  | "full-cone"
  | "address-restricted"
  | "port-restricted"
  | "symmetric-sequential"
  | "symmetric-random";

export interface NatRules {
  readonly kind: NatKind;
  /** Outer address. */
  readonly outer: string;
  /** First three octets of the LAN. */
  readonly lan: string;
  /** What goes from one host of the LAN to another's outer port arrives there; cones only. */
  readonly hairpin: boolean;
  /** Whether UDP passes at all. */
  readonly udp: boolean;
}

/** For nftables. The outside is `wan`, the inside `lan`. */
export function natRules(options: NatRules): string {
  const { kind, outer, lan, hairpin, udp } = options;
  const isCone = kind in filterings;
  const port = `snat to ${outer} : jhash ip saddr . udp sport mod ${ports} seed 0x7 ${portMap}`;
  const leaving = {
    "symmetric-sequential": `meta l4proto udp snat to ${outer} : numgen inc mod ${ports} ${portMap}`,
    "symmetric-random": "masquerade fully-random",
  };
  const inside = hairpin ? '{ "wan", "lan" }' : '"wan"';
  const cone = `
    map inward { type inet_service : ipv4_addr . inet_service; flags dynamic; size 65535; }
    set sent { type ipv4_addr . inet_service . ipv4_addr . inet_service; flags dynamic; size 65535; }
    set sent_to { type ipv4_addr . inet_service . ipv4_addr; flags dynamic; size 65535; }
    chain ask {
      type filter hook prerouting priority mangle;
      iifname "lan" meta l4proto udp jump note;
    }
    chain note {
      update @sent { ip saddr . udp sport . ip daddr . udp dport };
      update @sent_to { ip saddr . udp sport . ip daddr };
    }
    chain learn {
      type filter hook postrouting priority srcnat + 10;
      iifname "lan" meta l4proto udp ct direction original update @inward { udp sport : ct original ip saddr . ct original proto-src };
    }
    chain come {
      type nat hook prerouting priority dstnat;
      iifname ${inside} ip daddr ${outer} meta l4proto udp dnat ip to udp dport map @inward;
    }`;
  // Without the dropped input an unasked packet would be answered, and that answer would take the outer port.
  return `
  table ip nat {
    ${isCone ? cone : ""}
    chain leave {
      type nat hook postrouting priority srcnat;
      oifname "wan" ${kind in leaving ? leaving[kind as keyof typeof leaving] : `meta l4proto udp ${port}`};
      ${isCone && hairpin ? `oifname "lan" ip saddr ${lan}.0/24 ct status dnat meta l4proto udp ${port};` : ""}
      oifname "wan" masquerade;
    }
    chain enter {
      type filter hook input priority filter; policy drop;
      iifname { "lo", "lan" } ip daddr != ${outer} accept;
      ct state established,related accept;
    }
    chain pass {
      type filter hook forward priority filter; policy drop;
      ${udp ? "" : "meta l4proto udp drop;"}
      iifname "lan" accept;
      ct state established,related accept;
      ${isCone ? `ct status dnat ${filterings[kind as keyof typeof filterings]} accept;` : ""}
    }
  }`;
}

/** A firewall for IPv6 that lets answers in and nothing else. */
export const firewallRules = `
  table ip6 guard {
    chain pass {
      type filter hook forward priority filter; policy drop;
      iifname "lan" accept;
      ct state established,related accept;
      icmpv6 type { packet-too-big, time-exceeded, destination-unreachable } accept;
    }
  }`;

/** Whom a cone lets in: after the translation back, so by the inner endpoint. */
const filterings = {
  "full-cone": "",
  "address-restricted": "ip daddr . udp dport . ip saddr @sent_to",
  "port-restricted": "ip daddr . udp dport . ip saddr . udp sport @sent",
} as const;

const ports = 4096;
/** Numbers to ports by a table: what nftables counts or hashes has the machine's own byte order. */
const portMap = `map { ${Array.from({ length: ports }, (_, at) => `${at} : ${40_000 + at}`).join(", ")} }`;
