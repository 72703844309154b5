/** The call for a network's picture: own links as they are, those between others as the router was told. */
import type { Handlers } from "../../src-shared/api/contract.ts";
import type { NetworkGraph } from "../../src-shared/graph.ts";
import { peerStatuses } from "../engine/status.ts";
import type { Install } from "./install.ts";

/** Answers the graph of the noun “networks”. */
export function graphHandlers({ engine }: Install): Pick<Handlers, "networks.graph"> {
  return {
    "networks.graph": async ({ network }) => {
      const held = engine.networks.find(network);
      const { loop } = held;
      if (loop === null) return { nodes: [], links: [], complete: false };
      const self = loop.session.publicKey;
      const peers = peerStatuses(engine, held);
      const control = loop.line.control();
      const told = control === null ? null : await engine.networks.linksOf(held.stored.network).all(control);
      const nodes: NetworkGraph["nodes"] = [
        { key: self, name: held.stored.nodeName, kind: "self", state: "connected" },
        ...peers.map(({ publicKey, name, kind, state }) => ({ key: publicKey, name, kind, state })),
      ];
      const known = new Set(nodes.map(({ key }) => key));
      const own: NetworkGraph["links"] = peers.flatMap(({ publicKey, path }) =>
        path === null
          ? []
          : [{ a: self, b: publicKey, kind: path.kind, latencyMs: path.latencyMs, via: path.via }],
      );
      const others: NetworkGraph["links"] = (told?.links ?? []).flatMap(({ a, b, via, ms }) => {
        const ends = { a: told?.keys[a] ?? "", b: told?.keys[b] ?? "" };
        // Of its own links this node knows more than the router.
        if (ends.a === self || ends.b === self || !known.has(ends.a) || !known.has(ends.b)) return [];
        return [{ ...ends, kind: via.length === 0 ? "direct" : "relay", latencyMs: ms, via }];
      });
      return { nodes, links: [...own, ...others], complete: told !== null };
    },
  };
}
