/** What a node tells about itself: the shape behind `starmesh status --json` and the panel. Fields are only added. */
import { z } from "zod";
import { finding } from "./finding.ts";
import { overlapStatus, ownRouteStatus, routeStatus } from "./route-status.ts";
import { routerSettings } from "./router-settings.ts";
import { routerFileStatus, routerPlanesStatus, routerTransportStatus } from "./router-status.ts";
import { natFacts } from "./trust.ts";
import { verdictStatus } from "./verdict.ts";

const time = z.iso.datetime().nullable();

/** What can carry datagrams. */
export const transports = ["udp", "tcp", "kcp", "tls", "wss", "quic"] as const;
export type Transport = (typeof transports)[number];

/** As people know them. */
export const transportNames: Readonly<Record<Transport, string>> = {
  udp: "UDP",
  tcp: "TCP",
  kcp: "KCP",
  tls: "TLS",
  wss: "WSS",
  quic: "QUIC",
};

/** One way to a peer, as the user sees it. */
export const pathStatus = z.object({
  kind: z.enum(["direct", "relay"]),
  transport: z.enum(transports),
  /** Names of the relays in order; empty when direct. */
  via: z.array(z.string()),
  /** Address datagrams go to: the peer's, or the first relay's. */
  remote: z.string(),
  /** Smoothed round trip; null until measured. */
  latencyMs: z.number().nullable(),
  /** Share of probes without echo, 0–100. */
  lossPercent: z.number().nullable(),
  /** The same for each direction: ours on the way there, the peer's on the way here. */
  lossOutPercent: z.number().nullable(),
  lossInPercent: z.number().nullable(),
  /** How much successive round trips differ. */
  jitterMs: z.number().nullable(),
  /** Largest packet that passes whole. */
  mtu: z.number().nullable(),
  /** Hops as `traceroute` counts them: 1 directly, one more for each relay. */
  hops: z.number(),
  /** How many paths share the packets, this one among them. */
  shared: z.number(),
  /** The path that takes over when this one dies; null: none is known. */
  standby: z
    .object({ kind: z.enum(["direct", "relay"]), via: z.array(z.string()), latencyMs: z.number().nullable() })
    .nullable(),
  /** One English sentence: why this path and not a better one. */
  reason: z.string(),
});
export type PathStatus = z.infer<typeof pathStatus>;

/** Why a path was chosen, as a code for other languages. */
export const reasonCode = z.enum([
  "same-lan",
  "direct-reflexive",
  "direct-heard",
  "direct-tcp",
  "direct-link",
  "direct-for-losses",
  "direct-for-room",
  "relay-link",
  "chosen-transport",
  "relay-first",
  "relay-direct-unanswered",
  "relay-direct-lost",
  "relay-faster",
  "relay-for-room",
  "chosen-direct",
  "chosen-relay",
  "chosen-dead",
  "stock-client",
  "stock-waiting",
  "stock-connected",
  "no-way",
  "peer-offline",
  "router-udp-blocked",
  "no-traffic-yet",
]);
export type ReasonCode = z.infer<typeof reasonCode>;

/** One candidate that was tried for a peer. */
export const candidateStatus = z.object({
  endpoint: z.string(),
  kind: z.enum(["lan", "reflexive", "mapped", "declared", "heard", "relay"]),
  state: z.enum(["untried", "probing", "proved", "lost"]),
  latencyMs: z.number().nullable(),
  lossPercent: z.number().nullable(),
  active: z.boolean(),
});
export type CandidateStatus = z.infer<typeof candidateStatus>;

/** What the user chose for the path to a peer. */
export const pinStatus = z.object({
  /** Name of the relay to go through; null: none was chosen. */
  via: z.string().nullable(),
  /** Only directly. */
  direct: z.boolean(),
  /** Only over this transport: nothing leaves for the peer by another, also while this one does not answer. */
  transport: z.enum(transports).nullable().default(null),
  /** Share packets among several paths: when they are alike, whenever possible, never. */
  spread: z.enum(["auto", "on", "off"]),
});
export type PinStatus = z.infer<typeof pinStatus>;

/** A peer in one network. */
export const peerStatus = z.object({
  name: z.string(),
  network: z.string(),
  address: z.string(),
  /** All of them, IPv6 last; empty while another member has its address. */
  addresses: z.array(z.string()),
  publicKey: z.string(),
  /** `node` runs Starmesh, `stock` an ordinary WireGuard client. */
  kind: z.enum(["node", "stock"]),
  /** The member's rights that show: admin, gateway. */
  admin: z.boolean(),
  state: z.enum(["connected", "idle", "connecting", "unreachable", "offline"]),
  path: pathStatus.nullable(),
  /** What stands in the way when there is no path; null with one. */
  reason: z.string().nullable(),
  reasonCode: reasonCode.nullable(),
  verdict: verdictStatus.nullable(),
  /** Null: Starmesh chooses. */
  pin: pinStatus.nullable(),
  /** IP bytes since the engine started. */
  rxBytes: z.number(),
  txBytes: z.number(),
  lastHandshake: time,
});
export type PeerStatus = z.infer<typeof peerStatus>;

/** What becomes of a network when the engine starts: as it was left, connected, or not. */
export const networkStart = z.enum(["kept", "up", "down"]);
export type NetworkStart = z.infer<typeof networkStart>;

/** A network this node belongs to. */
export const networkStatus = z.object({
  id: z.string(),
  name: z.string(),
  /** Own address in it; null while waiting for one. */
  address: z.string().nullable(),
  range: z.string().nullable(),
  /** Own IPv6 address, and the network's prefix; null while the network is down. */
  address6: z.string().nullable(),
  range6: z.string().nullable(),
  publicKey: z.string(),
  state: z.enum(["off", "joining", "online", "offline", "refused"]),
  /** What the state waits for or was refused for. */
  detail: z.string().nullable(),
  /** Routers of the network as `host:port`, the one in use first. */
  rendezvous: z.array(z.string()),
  /** Name of the interface; null without TUN. */
  interface: z.string().nullable(),
  /** May this install admit and remove members? */
  admin: z.boolean(),
  /** Kept by a shared secret: no invites, no removal. */
  secret: z.boolean(),
  /** Members mask what they send over plain UDP. */
  mask: z.boolean(),
  /** Broadcasts and multicasts to these UDP ports pass from member to member, while it is on and where this machine takes part. */
  broadcast: z.object({
    on: z.boolean(),
    ports: z.array(z.number()),
    /** Packets that each member may send. */
    perSecond: z.number(),
    /** This machine takes part. */
    take: z.boolean(),
  }),
  members: z.number(),
  /** Names of those who wait for this machine's approval, at most 20; empty unless it may admit. */
  waiting: z.array(z.string()),
  /** Whether this machine keeps the ways to peers open that it used lately. */
  early: z.boolean(),
  start: networkStart,
  /** Whether this machine passes packets on for other members. */
  relay: z.object({
    on: z.boolean(),
    /** Milliseconds that a way through here counts more than measured. */
    cost: z.number(),
    /** False: an administrator withholds the right. */
    allowed: z.boolean(),
    /** Most Mbit/s for each member, in all networks; null: no limit. */
    quotaMbit: z.number().nullable(),
  }),
});
export type NetworkStatus = z.infer<typeof networkStatus>;

/** The router role of this install. */
export const routerStatus = z.object({
  on: z.boolean(),
  /** `address:port` of TCP and UDP; null when off. */
  listen: z.string().nullable(),
  /** What others are told to connect to. */
  publicAddresses: z.array(z.string()),
  link: z.string().nullable(),
  /** True when all addresses are private: it serves this LAN only. */
  lanOnly: z.boolean(),
  /** Names of hosted networks whose issuer key this install also holds: it can admit members itself. */
  admits: z.array(z.string()),
  networks: z.array(z.object({ id: z.string(), name: z.string(), members: z.number(), online: z.number() })),
  relayedBytes: z.number(),
  /** Empty when off. */
  transports: z.array(routerTransportStatus),
  /** Null without planes. */
  planes: routerPlanesStatus.nullable(),
  settings: routerSettings,
  /** The file that it was started with; null without one. */
  file: routerFileStatus.nullable(),
});
export type RouterStatus = z.infer<typeof routerStatus>;

export const status = z.object({
  node: z.object({
    name: z.string(),
    /** Ed25519 identity. */
    publicKey: z.string(),
    version: z.string(),
    pid: z.number(),
    startedAt: time,
    /** Null where packets can flow; else the one line that says why not. */
    limited: z.string().nullable(),
    /**
     * By what right this machine's network is changed: the engine's own, a helper's, nobody's, or a helper's that has ended and
     * is used again when it is back. `canAsk`: `rights.ask` would ask the user.
     */
    rights: z.object({ kind: z.enum(["own", "helper", "none", "lost"]), canAsk: z.boolean() }),
    /** UDP port of the node; null before it is bound. */
    port: z.number().nullable(),
    /** Address as seen from the router; null when unknown. */
    reflexive: z.string().nullable(),
    panel: z.string().nullable(),
  }),
  networks: z.array(networkStatus),
  peers: z.array(peerStatus),
  router: routerStatus,
  /** Prefixes behind gateways, what this machine routes for others, and addresses that are used twice. */
  routes: z.array(routeStatus),
  ownRoutes: z.array(ownRouteStatus),
  overlaps: z.array(overlapStatus),
  /** Input refused since the start, by cause. */
  refused: z.record(z.string(), z.number()),
});
export type Status = z.infer<typeof status>;

/** A member as an administrator sees it. */
export const memberStatus = z.object({
  name: z.string(),
  address: z.string(),
  /** All of them, IPv6 last; empty while another member has its address. */
  addresses: z.array(z.string()),
  identity: z.string(),
  publicKey: z.string(),
  kind: z.enum(["node", "stock"]),
  approved: z.boolean(),
  admin: z.boolean(),
  /** Prefixes that it may route, besides letting stock clients in; null: it is no gateway. */
  gateway: z.array(z.string()).nullable(),
  self: z.boolean(),
  online: z.boolean(),
  /** End of the certificate. */
  expires: time,
  /** Name of the gateway that serves a stock client. */
  servedBy: z.string().nullable(),
});
export type MemberStatus = z.infer<typeof memberStatus>;

/** What `starmesh netcheck` finds. */
export const netcheck = z.object({
  interfaces: z.array(z.object({ name: z.string(), addresses: z.array(z.string()) })),
  udpPort: z.number().nullable(),
  routers: z.array(
    z.object({
      address: z.string(),
      control: z.boolean(),
      controlMs: z.number().nullable(),
      udp: z.boolean(),
      udpMs: z.number().nullable(),
      /** Round trip over a link, which serves where UDP is closed; null without one. */
      linkMs: z.number().nullable(),
      /** By what its session stands; null: it does not. */
      transport: z.enum(transports).nullable(),
      reflexive: z.string().nullable(),
      /** Who answers at its address over TCP; null when it was not asked. */
      answers: z.enum(["router", "stranger", "silent"]).nullable(),
      /** TCP port 443 of its host; `refused`: the way is open, nobody listens. */
      tcp443: z.enum(["open", "refused", "silent"]).nullable(),
      /** Own clock minus the router's, to a second or so. */
      clockSkewMs: z.number().nullable(),
      /** Largest IP packet that reaches it whole; null until known. */
      mtu: z.number().nullable(),
    }),
  ),
  /** Servers asked how this node looks from outside, and what they see. */
  stun: z.array(z.object({ server: z.string(), address: z.string().nullable() })),
  nat: natFacts,
  portMapping: z.object({
    state: z.enum(["off", "unneeded", "asking", "refused", "open"]),
    protocol: natFacts.shape.portMapping,
    endpoints: z.array(z.string()),
  }),
  ipv6: z.object({
    /** Some interface has an address of use beyond its link. */
    address: z.boolean(),
    /** As a server sees it over IPv6. */
    outside: z.string().nullable(),
  }),
  /** Addresses that a network or what is behind its gateways shares with what this machine is connected to. */
  overlaps: z.array(overlapStatus),
  /** What all of it means, one line each. */
  findings: z.array(finding),
  tun: z.object({ ok: z.boolean(), detail: z.string().nullable() }),
  hardwareAes: z.boolean(),
});
export type Netcheck = z.infer<typeof netcheck>;
