/** Which peers a list shows, and in which order. */
import type { PeerStatus } from "../../src-shared/status.ts";
import type { Traffic } from "./traffic.ts";

export const peerSorts = ["latency", "name", "traffic"] as const;
export type PeerSort = (typeof peerSorts)[number];

/** Whom a list shows; who is on the net, and out of reach, counts as online. */
export const presences = ["all", "online", "offline"] as const;
export type Presence = (typeof presences)[number];

/** What tells one peer from all others, also from itself in another network. */
export function peerKey(peer: Pick<PeerStatus, "network" | "publicKey">): string {
  return `${peer.network}/${peer.publicKey}`;
}

/** Whether every word of a query stands in the peer's name, network, address, relays or transport. */
export function matchesQuery(peer: PeerStatus, query: string): boolean {
  const words = query.toLocaleLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return true;
  const path = peer.path === null ? [] : [...peer.path.via, peer.path.transport, peer.path.kind];
  const text = [peer.name, peer.network, peer.address, ...path].join(" ").toLocaleLowerCase();
  return words.every((word) => text.includes(word));
}

export function hasPresence({ state }: Pick<PeerStatus, "state">, presence: Presence): boolean {
  return presence === "all" || (state === "offline") === (presence === "offline");
}

/** How many peers there are of each presence. */
export function countPresences(
  peers: readonly Pick<PeerStatus, "state">[],
): Readonly<Record<Presence, number>> {
  const offline = peers.filter((peer) => hasPresence(peer, "offline")).length;
  return { all: peers.length, online: peers.length - offline, offline };
}

/** Peers in order: those that can be reached first, then by the wanted measure, then by name. */
export function sortPeers(
  peers: readonly PeerStatus[],
  sort: PeerSort,
  traffic: ReadonlyMap<string, Traffic>,
): PeerStatus[] {
  const names = new Intl.Collator(undefined, { numeric: true });
  const byName = (one: PeerStatus, other: PeerStatus) =>
    names.compare(one.name, other.name) || names.compare(one.network, other.network);
  if (sort === "name") return [...peers].sort(byName);
  const measure =
    sort === "latency"
      ? (peer: PeerStatus) => peer.path?.latencyMs ?? Number.POSITIVE_INFINITY
      : (peer: PeerStatus) => -rateOf(traffic.get(peerKey(peer)));
  const rank = (peer: PeerStatus) => stateOrder[peer.state];
  return peers
    .map((peer) => ({ peer, rank: rank(peer), measure: measure(peer) }))
    .sort(
      (one, other) =>
        one.rank - other.rank ||
        (one.measure === other.measure ? 0 : one.measure - other.measure) ||
        byName(one.peer, other.peer),
    )
    .map(({ peer }) => peer);
}

/**
 * New values in the old order, so that rows do not run away under the pointer; null when the set changed and a new
 * order is due.
 */
export function holdOrder(previous: readonly string[], peers: readonly PeerStatus[]): PeerStatus[] | null {
  if (previous.length !== peers.length) return null;
  const byKey = new Map(peers.map((peer) => [peerKey(peer), peer]));
  const held = previous.map((key) => byKey.get(key)).filter((peer) => peer !== undefined);
  return held.length === peers.length ? held : null;
}

/** What the peers of this node come to. */
export interface PeerCounts {
  readonly total: number;
  /** Connected or idle. */
  readonly reachable: number;
  readonly direct: number;
  readonly relayed: number;
}

export function countPeers(peers: readonly PeerStatus[]): PeerCounts {
  const kinds = peers.map((peer) => peer.path?.kind);
  return {
    total: peers.length,
    reachable: peers.filter((peer) => peer.state === "connected" || peer.state === "idle").length,
    direct: kinds.filter((kind) => kind === "direct").length,
    relayed: kinds.filter((kind) => kind === "relay").length,
  };
}

function rateOf(traffic: Traffic | undefined): number {
  return traffic === undefined ? 0 : traffic.rxRate + traffic.txRate;
}

const stateOrder = { connected: 0, idle: 1, connecting: 2, unreachable: 3, offline: 4 } as const;
