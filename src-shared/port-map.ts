/** Ports of this machine that lead to a member's port, for those outside the network. */
import { z } from "zod";
import { formatAddress, parseAddress } from "./address.ts";
import { joinHostPort, splitHostPort } from "./ids.ts";

/** Most of one machine. */
export const mostPortMaps = 1024;

/** `ip:port`, IPv6 in brackets, in its usual spelling; no port 0. */
const place = z
  .string()
  .max(64)
  .refine((text) => usualPlace(text) === text);

/** What a mapped port is: where it is taken on this machine, and where it leads. */
export const portMap = z.object({
  protocol: z.enum(["tcp", "udp"]),
  listen: place,
  target: place,
});
export type PortMap = z.infer<typeof portMap>;

/** A mapped port as it is kept; the number names it. */
export const keptPortMap = portMap.extend({ id: z.number().int().min(1) });
export type KeptPortMap = z.infer<typeof keptPortMap>;

/** A mapped port and whether it is open. */
export const portMapStatus = keptPortMap.extend({
  /** Why it is not open, in one line; null when it is. */
  problem: z.string().nullable(),
});
export type PortMapStatus = z.infer<typeof portMapStatus>;

/** `8080` alone (every IPv4 address of this machine) or `ip:port` in its usual spelling; null for anything else. */
export function usualPlace(text: string): string | null {
  const found = splitHostPort(/^\d+$/.test(text) ? `0.0.0.0:${text}` : text);
  const address = found === null ? null : parseAddress(found.host);
  if (found === null || address === null || found.port === 0) return null;
  return joinHostPort(formatAddress(address), found.port);
}
