/** What a router tells of the ports it has: transports, port planes, and what its file fixes. */
import { z } from "zod";

/** One transport of the router. */
export const routerTransportStatus = z.object({
  transport: z.enum(["udp", "tcp", "kcp", "tls", "wss", "quic"]),
  enable: z.boolean(),
  /** `busy`: another program has the port; it is tried again. */
  state: z.enum(["listening", "busy", "failed", "off"]),
  /** `address:port` where it is, or shall be; null: not known before it is open. */
  listen: z.string().nullable(),
  /** What the system said when it could not be opened. */
  detail: z.string().nullable(),
});
export type RouterTransportStatus = z.infer<typeof routerTransportStatus>;

/** Networks named by a port. */
export const routerPlanesStatus = z.object({
  bind: z.number(),
  nums: z.number(),
  /** Whoever has it may join at any of the ports. */
  token: z.string(),
  /** How many ports are open. */
  open: z.number(),
  /** Ports that other programs have. */
  busy: z.array(z.number()),
  /** Ports at which somebody has joined. */
  used: z.array(z.object({ port: z.number(), members: z.number(), online: z.number() })),
});
export type RouterPlanesStatus = z.infer<typeof routerPlanesStatus>;

/** The file that the router was started with. */
export const routerFileStatus = z.object({
  path: z.string(),
  /** What it sets, which only it can change: `listen`, `transports.wss.path`. */
  fixed: z.array(z.string()),
});
