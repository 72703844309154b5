/** What an endpoint's text says: by which transport, to which host. */
import type { Prefix } from "../../src-shared/address.ts";
import { contains, parseAddress } from "../../src-shared/address.ts";
import { splitHostPort } from "../../src-shared/ids.ts";
import type { Transport } from "../../src-shared/status.ts";
import { transports } from "../../src-shared/status.ts";
import type { Endpoint } from "./effect.ts";

/** What carries datagrams there. */
export function transportOf(endpoint: Endpoint): Transport {
  const name = endpoint.slice(0, Math.max(0, endpoint.indexOf("/")));
  return transports.find((transport) => transport === name) ?? "udp";
}

/** Where datagrams go, without the transport, the channel and the socket. */
export function hostPortOf(endpoint: Endpoint): string {
  return endpoint.slice(endpoint.indexOf("/") + 1).replace(/[#@].*$/, "");
}

/** The host alone, without zone; empty where there is none. */
export function hostOf(endpoint: Endpoint): string {
  return splitHostPort(hostPortOf(endpoint))?.host.replace(/%.*$/, "") ?? "";
}

/** Whether it lies inside any of the prefixes; remembered for as long as the list is the same one. */
export function leadsInside(endpoint: Endpoint, prefixes: readonly Prefix[]): boolean {
  const known = inside.get(prefixes) ?? new Map<Endpoint, boolean>();
  inside.set(prefixes, known);
  const remembered = known.get(endpoint);
  if (remembered !== undefined) return remembered;
  const address = parseAddress(hostOf(endpoint));
  const found = address !== null && prefixes.some((prefix) => contains(prefix, address));
  if (known.size >= mostRemembered) known.clear();
  known.set(endpoint, found);
  return found;
}

/** By list: every settling of every peer asks about the same few endpoints. */
const inside = new WeakMap<readonly Prefix[], Map<Endpoint, boolean>>();
const mostRemembered = 4096;
