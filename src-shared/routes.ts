/** What relays of one network tell each other inside their sessions: how far they have to the others. */
import { z } from "zod";
import type { IdentityKey, NetworkId } from "./ids.ts";
import { identityKey } from "./ids.ts";
import { signedBytes } from "./trust.ts";

/** Metric of a destination that is not reached any more. */
export const noRoute = 65_535;

/** One telling, as a request; its answer is `routesSum`. */
export const routesTold = z.object({
  version: z.literal(1),
  /** Grows with each; an older one that comes late counts for nothing. */
  number: z.number().int().nonnegative(),
  /** Replaces whatever was told before; otherwise it says what is different. */
  full: z.boolean(),
  routes: z
    .array(
      z.object({
        to: identityKey,
        /** The destination's own, signed by it (`sequenceBytes`). */
        sequence: z.number().int().nonnegative(),
        /** Milliseconds, `noRoute`: none any more (then without signature). */
        metric: z.number().int().min(0).max(noRoute),
        signature: z.string().max(88),
      }),
    )
    .max(300),
  /** Destinations that are asked for this sequence number or a newer one. */
  wanted: z
    .array(
      z.object({
        to: identityKey,
        sequence: z.number().int().nonnegative(),
        /** Relays that may still pass it on. */
        hops: z.number().int().min(1).max(16),
      }),
    )
    .max(64),
});
export type RoutesTold = z.infer<typeof routesTold>;

/** Hash of all that the answering relay has from the telling one: unequal ends make everything be told again. */
export const routesSum = z.object({ sum: z.string().max(64) });

/** What a destination signs: that it said this sequence number in this network. */
export function sequenceBytes(
  network: NetworkId,
  destination: IdentityKey,
  sequence: number,
): Uint8Array<ArrayBuffer> {
  return signedBytes("route", `${network} ${destination} ${sequence}`);
}
