/** Stock WireGuard clients as users see them. */
import { z } from "zod";

/** A stock client of a network. What only the gateway that serves it knows is null elsewhere. */
export const wireguardClient = z.object({
  name: z.string(),
  network: z.string(),
  address: z.string(),
  /** All of them, IPv6 last. */
  addresses: z.array(z.string()),
  publicKey: z.string(),
  /** Name of the member that serves it; empty when that is not known. */
  gateway: z.string(),
  /** This machine serves it. */
  here: z.boolean(),
  /** Whether a session stands; null: another machine serves it. */
  connected: z.boolean().nullable(),
  /** `address:port` where it was heard last; null before. */
  endpoint: z.string().nullable(),
  lastHandshake: z.iso.datetime().nullable(),
  /** IP bytes since the engine started. */
  rxBytes: z.number().nullable(),
  txBytes: z.number().nullable(),
  /** End of its certificate. */
  expires: z.iso.datetime(),
});
export type WireguardClient = z.infer<typeof wireguardClient>;
