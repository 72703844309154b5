/** One member of a fake network: how it is reached, how fast, and what passes. */
import { sentence } from "../../src-main/mesh/path.ts";
import type {
  CandidateStatus,
  MemberStatus,
  PathStatus,
  PeerStatus,
  PinStatus,
  ReasonCode,
} from "../../src-shared/status.ts";
import type { VerdictStatus } from "../../src-shared/verdict.ts";
import { evidenceLine, remedyLine, verdictLine } from "../../src-shared/verdict.ts";
import type { Random } from "./random.ts";
import { fakeUla } from "./ula.ts";

/** How a peer stands to this node. */
export type Way = "lan" | "direct" | "relay" | "idle" | "connecting" | "unreachable" | "offline";

export interface FakePeer {
  readonly name: string;
  readonly address: string;
  readonly identity: string;
  readonly publicKey: string;
  readonly kind: "node" | "stock";
  /** `host:port` on its LAN and as the internet sees it. */
  readonly lan: string;
  readonly reflexive: string;
  /** Round trip without noise. */
  readonly baseMs: number;
  way: Way;
  admin: boolean;
  gateway: boolean;
  approved: boolean;
  latencyMs: number;
  lossPercent: number;
  /** Bytes per second, now. */
  rxRate: number;
  txRate: number;
  rxBytes: number;
  txBytes: number;
  lastHandshake: number;
  decisions: readonly Decision[];
  pin: PinStatus | null;
  /** Its direct path worked, and broke. */
  broken: boolean;
}

interface Decision {
  readonly at: string;
  readonly text: string;
}

/** Where a peer lives: the relay's name and address, and the network. */
export interface Surroundings {
  readonly network: string;
  readonly relay: string;
  readonly relayAddress: string;
}

export function createPeer(
  random: Random,
  given: {
    readonly name: string;
    readonly address: string;
    readonly way: Way;
    readonly now: number;
  } & Partial<Pick<FakePeer, "kind" | "admin" | "approved">>,
): FakePeer {
  const host = Math.floor(random.between(2, 250));
  const baseMs =
    given.way === "lan" ? random.between(0.3, 1.6) : Math.exp(random.between(Math.log(4), Math.log(180)));
  const peer: FakePeer = {
    name: given.name,
    address: given.address,
    identity: random.key(),
    publicKey: random.key(),
    kind: given.kind ?? "node",
    lan: `192.168.1.${host}:7743`,
    reflexive: `${random.pick(["203.0.113", "198.51.100", "192.0.2"])}.${host}:${Math.floor(random.between(1024, 65000))}`,
    baseMs,
    way: given.way,
    admin: given.admin ?? false,
    gateway: given.admin ?? false,
    approved: given.approved ?? true,
    latencyMs: baseMs,
    lossPercent: 0,
    rxRate: 0,
    txRate: 0,
    rxBytes: Math.floor(10 ** random.between(3, 9.5)),
    txBytes: Math.floor(10 ** random.between(3, 9)),
    lastHandshake: given.now - random.between(1, 110) * 1000,
    decisions: [],
    pin: null,
    broken: false,
  };
  peer.decisions = firstDecisions(peer, given.now);
  return peer;
}

/** Lets a second pass: latency wanders, traffic comes in bursts, sessions are renewed. */
export function tickPeer(peer: FakePeer, random: Random, now: number): void {
  if (!isReached(peer)) {
    peer.rxRate = 0;
    peer.txRate = 0;
    return;
  }
  const target = peer.baseMs * (peer.way === "relay" ? 1.35 : 1) + (peer.way === "relay" ? 6 : 0);
  const spike = random.next() < 0.02 ? target * random.between(0.5, 2) : 0;
  peer.latencyMs = Math.max(
    0.2,
    peer.latencyMs * 0.7 + (target + spike) * 0.3 + random.between(-0.06, 0.06) * target,
  );
  const lossy = peer.baseMs > 60 || peer.way === "relay";
  peer.lossPercent = lossy ? Math.max(0, peer.lossPercent * 0.9 + random.between(-0.1, 0.18)) : 0;
  if (peer.way !== "idle") {
    if (random.next() < 0.12) peer.rxRate = random.next() < 0.35 ? 0 : 10 ** random.between(2.2, 7.2);
    if (random.next() < 0.12) peer.txRate = random.next() < 0.35 ? 0 : 10 ** random.between(2.2, 6.6);
    peer.rxRate *= random.between(0.85, 1.15);
    peer.txRate *= random.between(0.85, 1.15);
  }
  peer.rxBytes += Math.floor(peer.rxRate);
  peer.txBytes += Math.floor(peer.txRate);
  if (now - peer.lastHandshake > 120_000) peer.lastHandshake = now;
}

/** Puts a peer on another way and notes why. */
export function movePeer(peer: FakePeer, way: Way, where: Surroundings & { readonly now: number }): void {
  if (peer.way === way) return;
  peer.way = way;
  const text = pathOf(peer, where)?.reason ?? whyNot(peer).reason ?? "no path";
  peer.decisions = [{ at: new Date(where.now).toISOString(), text }, ...peer.decisions].slice(0, 50);
}

/** What the diary remembers: what was decided lately, and the changes of the last days. */
export function decisionsOf(
  peer: FakePeer,
  where: Surroundings & { readonly now: number },
): readonly (Decision & { readonly code: string })[] {
  const said = (way: Way) => {
    const then = { ...peer, way };
    const text = pathOf(then, where)?.reason ?? whyNot(then).reason ?? "";
    return { text, code: isReached(then) ? reasonCodeOf(then) : (whyNot(then).code ?? way) };
  };
  if (!isReached(peer) || peer.kind === "stock") return [];
  const other: Way = peer.way === "relay" ? "direct" : "relay";
  const changes = [
    { hours: 61.4, way: "offline" as const },
    { hours: 52.2, way: other },
    { hours: 52.1, way: peer.way },
    { hours: 27.3, way: other },
    { hours: 26.9, way: peer.way },
    { hours: 7.6, way: other },
    { hours: 7.4, way: peer.way },
    { hours: 0.7, way: other },
    { hours: 0.65, way: peer.way },
  ];
  const older = changes.map(({ hours, way }) => ({
    at: new Date(where.now - hours * 3_600_000).toISOString(),
    ...said(way),
  }));
  const newest = [...peer.decisions].reverse().map((decision) => ({
    ...decision,
    code: decision.text === said(peer.way).text ? said(peer.way).code : "session",
  }));
  return [...older, ...newest];
}

export function isReached(peer: FakePeer): boolean {
  return peer.way === "lan" || peer.way === "direct" || peer.way === "relay" || peer.way === "idle";
}

export function peerStatusOf(peer: FakePeer, where: Surroundings): PeerStatus {
  const path = pathOf(peer, where);
  return {
    name: peer.name,
    network: where.network,
    address: peer.address,
    addresses: [peer.address, fakeUla(peer.address)],
    publicKey: peer.publicKey,
    kind: peer.kind,
    admin: peer.admin,
    state: isReached(peer) && peer.way !== "idle" ? "connected" : (peer.way as PeerStatus["state"]),
    path,
    reason: path === null ? whyNot(peer).reason : null,
    reasonCode: path === null ? whyNot(peer).code : reasonCodeOf(peer),
    verdict: verdictOf(peer, where),
    pin: peer.pin,
    rxBytes: peer.rxBytes,
    txBytes: peer.txBytes,
    lastHandshake: isReached(peer) ? new Date(peer.lastHandshake).toISOString() : null,
  };
}

export function memberStatusOf(peer: FakePeer, now: number): MemberStatus {
  return {
    name: peer.name,
    address: peer.address,
    addresses: [peer.address, fakeUla(peer.address)],
    identity: peer.identity,
    publicKey: peer.publicKey,
    kind: peer.kind,
    approved: peer.approved,
    admin: peer.admin,
    gateway: peer.gateway ? [] : null,
    self: false,
    online: peer.way !== "offline",
    expires: new Date(now + 300 * 86_400_000).toISOString(),
    servedBy: peer.kind === "stock" ? "nas" : null,
  };
}

export function candidatesOf(peer: FakePeer, where: Surroundings): CandidateStatus[] {
  const proved = (endpoint: string, kind: CandidateStatus["kind"], active: boolean, latencyMs: number) => ({
    endpoint,
    kind,
    state: "proved" as const,
    latencyMs,
    lossPercent: active ? peer.lossPercent : 0,
    active,
  });
  const missed = (
    endpoint: string,
    kind: CandidateStatus["kind"],
    state: "lost" | "probing" | "untried",
  ) => ({
    endpoint,
    kind,
    state,
    latencyMs: null,
    lossPercent: null,
    active: false,
  });
  const relay = proved(where.relayAddress, "relay", peer.way === "relay", peer.baseMs * 1.35 + 6);
  if (peer.way === "lan")
    return [
      proved(peer.lan, "lan", true, peer.latencyMs),
      proved(peer.reflexive, "reflexive", false, peer.baseMs + 3),
      relay,
    ];
  if (peer.way === "direct" || peer.way === "idle")
    return [
      missed(peer.lan, "lan", "lost"),
      proved(peer.reflexive, "reflexive", true, peer.latencyMs),
      relay,
    ];
  if (peer.way === "relay")
    return [missed(peer.lan, "lan", "lost"), missed(peer.reflexive, "reflexive", "lost"), relay];
  if (peer.way === "connecting")
    return [missed(peer.lan, "lan", "probing"), missed(peer.reflexive, "reflexive", "probing")];
  return [missed(peer.lan, "lan", "untried"), missed(peer.reflexive, "reflexive", "untried")];
}

function pathOf(peer: FakePeer, where: Surroundings): PathStatus | null {
  if (!isReached(peer)) return null;
  const relayed = peer.way === "relay";
  return {
    kind: relayed ? "relay" : "direct",
    transport: "udp",
    via: relayed ? [where.relay] : [],
    remote: remoteOf(peer, where),
    latencyMs: Math.round(peer.latencyMs * 100) / 100,
    lossPercent: Math.round(peer.lossPercent * 10) / 10,
    lossOutPercent: Math.round(peer.lossPercent * 6) / 10,
    lossInPercent: Math.round(peer.lossPercent * 4) / 10,
    jitterMs: Math.round(peer.latencyMs * 4) / 100,
    mtu: 1400,
    hops: relayed ? 2 : 1,
    shared: 1,
    standby: relayed
      ? null
      : { kind: "relay", via: [where.relay], latencyMs: Math.round(peer.baseMs * 1.35 + 6) },
    reason: reasonOf(peer, where),
  };
}

function reasonOf(peer: FakePeer, where: Surroundings): string {
  const { name } = peer;
  return sentence(reasonCodeOf(peer), { name, endpoint: remoteOf(peer, where), via: where.relay, direct: 2 });
}

function reasonCodeOf(peer: FakePeer): ReasonCode {
  if (peer.kind === "stock") return "stock-client";
  if (peer.way === "lan") return "same-lan";
  return peer.way === "relay" ? "relay-direct-unanswered" : "direct-reflexive";
}

function verdictOf(peer: FakePeer, where: Surroundings): VerdictStatus | null {
  const { name } = peer;
  const plain = { remedy: null, evidence: [] };
  if (peer.pin !== null && isReached(peer)) {
    const code = peer.pin.direct ? "direct-chosen" : "relay-chosen";
    const remedy = remedyLine("unpin", {}, { target: "here", gainMs: null });
    return { ...verdictLine(code, { name, via: peer.pin.via ?? where.relay }), remedy, evidence: [] };
  }
  if (peer.kind === "stock") return { ...verdictLine("stock-elsewhere", { name, gateway: "nas" }), ...plain };
  switch (peer.way) {
    case "lan":
      return { ...verdictLine("same-network", { name }), ...plain };
    case "direct":
      return { ...verdictLine("direct-best", { name }), ...plain };
    case "relay":
      if (peer.broken) {
        const remedy = remedyLine("reconnect", {}, { target: "here", gainMs: 30 });
        return { ...verdictLine("relay-direct-broke", { name, via: where.relay }), remedy, evidence: [] };
      }
      return {
        ...verdictLine("relay-both-symmetric", { name, via: where.relay }),
        remedy: remedyLine(
          "port-mapping-on-here",
          {},
          { target: "here", gainMs: Math.round(peer.baseMs * 0.35 + 6) },
        ),
        evidence: [
          evidenceLine("nat-random-here", {}),
          evidenceLine("nat-sequential-there", { name }),
          evidenceLine("tried", { name, count: 2, time: "3 min" }),
        ],
      };
    case "idle":
      return { ...verdictLine("unused", { name }), ...plain };
    case "connecting":
      return { ...verdictLine("calling", { name }), ...plain };
    case "offline":
      return {
        ...verdictLine("offline", { name }),
        remedy: remedyLine("start-there", { name }, { target: name, gainMs: null }),
        evidence: [],
      };
    case "unreachable":
      return {
        ...verdictLine("udp-blocked-there", { name }),
        remedy: remedyLine("udp-open-there", { name }, { target: name, gainMs: null }),
        evidence: [evidenceLine("udp-blocked-there", { name })],
      };
  }
}

function remoteOf(peer: FakePeer, where: Surroundings): string {
  if (peer.way === "relay") return where.relayAddress;
  return peer.way === "lan" ? peer.lan : peer.reflexive;
}

function whyNot(peer: FakePeer): { readonly reason: string | null; readonly code: ReasonCode | null } {
  if (peer.way === "connecting") return { reason: null, code: null };
  const code = peer.way === "offline" ? "peer-offline" : "router-udp-blocked";
  return { reason: sentence(code, { name: peer.name }), code };
}

function firstDecisions(peer: FakePeer, now: number): readonly Decision[] {
  if (!isReached(peer)) return [];
  const ago = (seconds: number, text: string) => ({ at: new Date(now - seconds * 1000).toISOString(), text });
  const last =
    peer.way === "relay"
      ? sentence("relay-direct-unanswered", { name: peer.name, via: "nas", direct: 2 })
      : sentence(peer.way === "lan" ? "same-lan" : "direct-reflexive", {
          name: peer.name,
          endpoint: peer.way === "lan" ? peer.lan : peer.reflexive,
        });
  return [ago(62, last), ago(64, `session with ${peer.name}`)];
}
