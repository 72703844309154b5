/** A network as nodes and lines, as far as this node can see it: its own paths. */
import type { PeerStatus } from "../../src-shared/status.ts";

export interface GraphNode {
  readonly id: string;
  readonly name: string;
  readonly kind: "self" | "peer" | "router";
  /** A peer's state; routers and this node count as connected. */
  readonly state: PeerStatus["state"];
  readonly latencyMs: number | null;
}

export interface GraphLine {
  readonly source: string;
  readonly target: string;
  /** `none` joins what cannot be reached now, so that it stays in the picture. */
  readonly kind: "direct" | "relay" | "none";
}

export interface Graph {
  readonly nodes: readonly GraphNode[];
  readonly lines: readonly GraphLine[];
  /** Peers that are left out because the picture would be too full; never one with a path. */
  readonly leftOut: number;
  /** Changes when nodes or lines come, go or change their kind. */
  readonly shape: string;
}

export function graphOf(
  selfName: string,
  peers: readonly PeerStatus[],
  mostNodes: number = defaultMostNodes,
): Graph {
  const room = Math.max(0, mostNodes - peers.filter((peer) => peer.path !== null).length);
  const withoutPath = peers.filter((peer) => peer.path === null);
  const drawn = [...peers.filter((peer) => peer.path !== null), ...withoutPath.slice(0, room)];
  const byName = new Map(drawn.map((peer) => [peer.name, peerId(peer)]));
  const nodes = new Map<string, GraphNode>([
    [selfId, { id: selfId, name: selfName, kind: "self", state: "connected", latencyMs: null }],
  ]);
  const lines = new Map<string, GraphLine>();
  const join = (source: string, target: string, kind: GraphLine["kind"]) => {
    const key = `${source} ${target}`;
    // A line that carries a relayed path and is direct itself shows as what it is.
    if (lines.get(key)?.kind !== "direct") lines.set(key, { source, target, kind });
  };
  for (const peer of drawn) {
    const { path, name, state } = peer;
    nodes.set(peerId(peer), {
      id: peerId(peer),
      name,
      kind: "peer",
      state,
      latencyMs: path?.latencyMs ?? null,
    });
  }
  for (const peer of drawn) {
    let from = selfId;
    for (const relay of peer.path?.via ?? []) {
      const id = byName.get(relay) ?? `router ${relay}`;
      if (!nodes.has(id))
        nodes.set(id, { id, name: relay, kind: "router", state: "connected", latencyMs: null });
      join(from, id, "relay");
      from = id;
    }
    join(from, peerId(peer), peer.path === null ? "none" : peer.path.kind);
  }
  const all = [...lines.values()];
  return {
    nodes: [...nodes.values()],
    lines: all,
    leftOut: peers.length - drawn.length,
    shape: [...nodes.keys(), ...all.map((line) => `${line.source}>${line.target}:${line.kind}`)].join("\n"),
  };
}

function peerId(peer: PeerStatus): string {
  return `peer ${peer.publicKey}`;
}

const selfId = "self";
const defaultMostNodes = 300;
