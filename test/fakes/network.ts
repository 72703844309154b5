/** One fake network as this node sees it. */
import type { MemberStatus, NetworkStatus, PeerStatus } from "../../src-shared/status.ts";
import type { FakePeer, Surroundings } from "./peer.ts";
import { memberStatusOf, movePeer, peerStatusOf, tickPeer } from "./peer.ts";
import type { Random } from "./random.ts";
import type { FakeRoutes } from "./routes.ts";
import { fakeUla, fakeUlaPrefix } from "./ula.ts";

export interface FakeNetwork {
  readonly id: string;
  readonly name: string;
  readonly range: string;
  readonly publicKey: string;
  readonly identity: string;
  readonly ownName: string;
  readonly secret: string | null;
  /** Hosted by the router role of this install. */
  readonly hosted: boolean;
  readonly approve: boolean;
  mask: boolean;
  broadcast: NetworkStatus["broadcast"];
  readonly routers: readonly string[];
  readonly interface: string | null;
  address: string | null;
  admin: boolean;
  state: NetworkStatus["state"];
  detail: string | null;
  peers: FakePeer[];
  /** Whether ways to peers used lately are kept open. */
  early: boolean;
  start: NetworkStatus["start"];
  routes: FakeRoutes;
  /** Whether this machine relays in it, and at what cost. */
  relay: { on: boolean; cost: number };
}

export function networkStatusOf(network: FakeNetwork): NetworkStatus {
  return {
    id: network.id,
    name: network.name,
    address: network.address,
    range: network.range,
    address6: network.address === null ? null : fakeUla(network.address),
    range6: fakeUlaPrefix,
    publicKey: network.publicKey,
    state: network.state,
    detail: network.detail,
    rendezvous: [...network.routers],
    interface: network.state === "off" ? null : network.interface,
    admin: network.admin,
    secret: network.secret !== null,
    mask: network.mask,
    broadcast: network.broadcast,
    members: network.peers.filter((peer) => peer.approved).length + (network.address === null ? 0 : 1),
    waiting: network.admin
      ? network.peers
          .filter((peer) => !peer.approved)
          .map((peer) => peer.name)
          .slice(0, 20)
      : [],
    early: network.early,
    start: network.start,
    relay: { ...network.relay, allowed: true, quotaMbit: null },
  };
}

/** Peers show only while the network is connected. */
export function peersOf(network: FakeNetwork): PeerStatus[] {
  if (network.state === "off" || network.state === "joining") return [];
  return network.peers
    .filter((peer) => peer.approved)
    .map((peer) => peerStatusOf(peer, surroundingsOf(network)));
}

/** Everyone, this node first. */
export function membersOf(network: FakeNetwork, now: number): MemberStatus[] {
  const self: MemberStatus = {
    name: network.ownName,
    address: network.address ?? "",
    addresses: network.address === null ? [] : [network.address, fakeUla(network.address)],
    identity: network.identity,
    publicKey: network.publicKey,
    kind: "node",
    approved: network.state !== "joining",
    admin: network.admin,
    gateway: network.admin ? [] : null,
    self: true,
    online: network.state === "online",
    expires: new Date(now + 340 * 86_400_000).toISOString(),
    servedBy: null,
  };
  const others = network.peers.map((peer) => memberStatusOf(peer, now));
  return network.address === null ? others : [self, ...others];
}

/** A second passes; now and then a relayed peer finds a direct path, or loses it. */
export function tickNetwork(network: FakeNetwork, random: Random, now: number): void {
  if (network.state !== "online") return;
  for (const peer of network.peers) {
    if (peer.name === "grandma-pc" && random.next() < 0.02) {
      movePeer(peer, peer.way === "relay" ? "direct" : "relay", { ...surroundingsOf(network), now });
    }
    tickPeer(peer, random, now);
  }
}

export function surroundingsOf(network: FakeNetwork): Surroundings {
  return {
    network: network.name,
    relay: network.peers.some((peer) => peer.name === "nas") ? "nas" : "router",
    relayAddress: network.routers[0] ?? "198.51.100.7:7743",
  };
}
