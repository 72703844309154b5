/** A network as nodes and the links between them. */
import { z } from "zod";
import { peerStatus } from "./status.ts";

export const networkGraph = z.object({
  nodes: z.array(
    z.object({
      /** Session key. */
      key: z.string(),
      name: z.string(),
      kind: z.enum(["self", "node", "stock"]),
      /** As this node sees it; its own is `connected`. */
      state: peerStatus.shape.state,
    }),
  ),
  links: z.array(
    z.object({
      /** Keys of the two ends. */
      a: z.string(),
      b: z.string(),
      kind: z.enum(["direct", "relay"]),
      /** Smoothed round trip; null until measured. */
      latencyMs: z.number().nullable(),
      /** Names of the relays from `a` to `b`; empty when direct. */
      via: z.array(z.string()),
    }),
  ),
  /** Whether links between others are among them: their nodes told the router, and it answers. */
  complete: z.boolean(),
});
export type NetworkGraph = z.infer<typeof networkGraph>;
