/** What a router tells of the ports it has: transports, port planes, and what its file fixes. */
import { z } from "zod";
import { finding } from "./finding.ts";

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

/** How a router is reached from outside, as members elsewhere found by trying. */
export const routerReachStatus = z.object({
  /** Members that were asked: connected, and not from this machine's own network. */
  asked: z.array(z.object({ name: z.string(), from: z.string(), answered: z.boolean() })),
  doors: z.array(
    z.object({
      /** `https`: the port of control, and of what looks like it. */
      protocol: z.enum(["udp", "tcp", "https"]),
      /** `host:port` as the network's record names it. */
      address: z.string(),
      /** What is taken there. */
      transports: z.array(routerTransportStatus.shape.transport),
      /** `refused` and `stranger`: nobody reached it, and nobody listens there or somebody else does. */
      state: z.enum(["reached", "partly", "refused", "stranger", "missed", "untried"]),
      /** Names of members. */
      reachedBy: z.array(z.string()),
      missedBy: z.array(z.string()),
    }),
  ),
  /** `host:port` under which the networks' members know this router. */
  recorded: z.array(z.string()),
  /** Taken at ports that answer nobody but their own kind of link, so that nobody can try them. */
  untested: z.array(routerTransportStatus.shape.transport),
  /** IP addresses under which STUN servers see this machine. */
  seen: z.array(z.string()),
  findings: z.array(finding),
});
export type RouterReachStatus = z.infer<typeof routerReachStatus>;

/** The file that the router was started with. */
export const routerFileStatus = z.object({
  path: z.string(),
  /** What it sets, which only it can change: `listen`, `transports.wss.path`. */
  fixed: z.array(z.string()),
});
