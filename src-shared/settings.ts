/** What a user may set for an install: how it is reached, and by what. */
import { z } from "zod";
import { parseAddress } from "./address.ts";
import { splitHostPort } from "./ids.ts";
import { parseProxy } from "./proxy.ts";
import { transports } from "./status.ts";

/** An interface by name (`eth0`), or one of this machine's addresses. */
const place = z
  .string()
  .max(64)
  .refine((text) => parseAddress(text) !== null || /^[A-Za-z][\w.@-]{0,14}$/.test(text), {
    message: "write an interface like eth0, or an address of this machine",
  });

/** `HOST` or `HOST:PORT` at which others reach this node; without port it is the node's own. */
const declared = z
  .string()
  .max(300)
  .refine((text) => parseAddress(text) !== null || splitHostPort(text) !== null || isHost(text), {
    message: "write HOST or HOST:PORT",
  });

/** `HOST:PORT`; written also as `stun:HOST[:PORT]`, port 3478 unless given. */
const stunServer = z
  .string()
  .max(300)
  .transform((text) => text.replace(/^stun:(\/\/)?/, ""))
  .transform((text) => (parseAddress(text)?.family === 6 ? `[${text}]` : text))
  .transform((text) => (splitHostPort(text) === null ? `${text}:${stunPort}` : text))
  .refine((text) => splitHostPort(text) !== null, { message: "write stun:HOST or stun:HOST:PORT" });

/** `direct`, or the proxy's URL. */
const proxy = z
  .string()
  .max(300)
  .refine((text) => text === "direct" || parseProxy(text) !== null, {
    message: "write http://HOST:PORT, socks5://USER:PASSWORD@HOST:PORT, or direct",
  });

const host = z.string().max(253).refine(isHost, { message: "write a host name like www.example.org" });

/** All settings of an install. */
export const settings = z.object({
  /** UDP port to insist on; null: the one of last time, 7743, or a free one. */
  port: z.number().int().min(1).max(65_535).nullable(),
  /** Only this interface or address is used; null: all. */
  bind: place.nullable(),
  /** Addresses at which others reach this node, because somebody forwards a port to it. */
  declared: z.array(declared).max(8),
  /** Asked how this node looks from outside, besides the routers. */
  stunServers: z.array(stunServer).max(8),
  /** Gateways are asked to let the port in (PCP, NAT-PMP, UPnP). */
  portMapping: z.boolean(),
  /** Neighbours are looked for on the LAN. */
  lanDiscovery: z.boolean(),
  /** Nothing is sent by any other; null: what serves best. */
  transport: z.enum(transports).nullable(),
  /** Connections over TLS go through this proxy; `direct`: through none; null: as the environment says. */
  proxy: proxy.nullable(),
  /** Named in TLS handshakes instead of the router's host; null: the host. */
  tlsName: host.nullable(),
  /** Path that requests to routers ask for; null: the usual one. */
  tlsPath: z
    .string()
    .max(200)
    .regex(/^\/[!-~]*$/, "write a path like /news")
    .nullable(),
  /** This machine's programs know the networks' names; off: nothing of its look-ups is changed. */
  dns: z.boolean(),
  /** Others may reach this machine, as far as a network's policy lets them; off: only answers come in. */
  inbound: z.boolean(),
  /** Rules of other programs that would drop what this machine routes are added to; off: they stay as they are. */
  hostFirewall: z.boolean(),
  /** Largest IP packet on the networks' interfaces; null: 1400. */
  mtu: z.number().int().min(1280).max(1400).nullable(),
});
export type Settings = z.infer<typeof settings>;

/** What is left out stays as it is. */
export const settingsChange = settings.partial();
export type SettingsChange = z.infer<typeof settingsChange>;

/** As they are where nobody has set anything. */
export const usualSettings: Settings = {
  port: null,
  bind: null,
  declared: [],
  stunServers: [],
  portMapping: true,
  lanDiscovery: true,
  transport: null,
  proxy: null,
  tlsName: null,
  tlsPath: null,
  dns: true,
  inbound: true,
  hostFirewall: true,
  mtu: null,
};

/** The settings with what they mean here. */
export const settingsStatus = z.object({
  settings,
  /** UDP port in use now. */
  port: z.number().nullable(),
  /** What `bind` may name: this machine's interfaces with their addresses. */
  interfaces: z.array(z.object({ name: z.string(), addresses: z.array(z.string()) })),
});
export type SettingsStatus = z.infer<typeof settingsStatus>;

function isHost(text: string): boolean {
  return splitHostPort(`${text}:1`) !== null;
}

const stunPort = 3478;
