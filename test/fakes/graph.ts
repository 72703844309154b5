/** The fake network's links between others: neighbours of one site directly, others through a relay or straight. */
import type { Handlers } from "../../src-shared/api/contract.ts";
import type { NetworkGraph } from "../../src-shared/graph.ts";
import type { FakeWorld } from "./engine.ts";
import { surroundingsOf } from "./network.ts";
import type { FakePeer } from "./peer.ts";
import { isReached, peerStatusOf } from "./peer.ts";

export function graphHandlers(world: FakeWorld): Pick<Handlers, "networks.graph"> {
  return {
    "networks.graph": async (input) => {
      const network = world.find(input.network);
      const where = surroundingsOf(network);
      if (network.state === "off" || network.state === "joining")
        return { nodes: [], links: [], complete: false };
      const peers = network.peers.filter((peer) => peer.approved);
      const statuses = peers.map((peer) => peerStatusOf(peer, where));
      const own: NetworkGraph["links"] = statuses.flatMap(({ publicKey, path }) =>
        path === null
          ? []
          : [
              {
                a: network.publicKey,
                b: publicKey,
                kind: path.kind,
                latencyMs: path.latencyMs,
                via: path.via,
              },
            ],
      );
      const reached = peers.filter((peer) => isReached(peer) && peer.kind === "node");
      const complete = network.state === "online";
      return {
        nodes: [
          { key: network.publicKey, name: network.ownName, kind: "self", state: "connected" },
          ...statuses.map(({ publicKey, name, kind, state }) => ({ key: publicKey, name, kind, state })),
        ],
        links: complete ? [...own, ...linksAmong(reached, where.relay)] : own,
        complete,
      };
    },
  };
}

/** Each with the next, and with one further away. */
function linksAmong(peers: readonly FakePeer[], relay: string): NetworkGraph["links"] {
  return peers.flatMap((peer, at) => {
    const others = new Set([peers[at + 1], at % 3 === 0 ? peers[(at * 7 + 5) % peers.length] : undefined]);
    return [...others].flatMap((other) => {
      if (other === undefined || other === peer) return [];
      const isRelayed =
        (peer.way === "relay" || other.way === "relay") && other.name !== relay && peer.name !== relay;
      const latencyMs = Math.round((peer.latencyMs + other.latencyMs) * (isRelayed ? 6 : 4)) / 10;
      return [
        {
          a: peer.publicKey,
          b: other.publicKey,
          kind: isRelayed ? ("relay" as const) : ("direct" as const),
          latencyMs,
          via: isRelayed ? [relay] : [],
        },
      ];
    });
  });
}
