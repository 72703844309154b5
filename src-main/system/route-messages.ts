/** Links, addresses and routes as the kernel tells them (include/uapi/linux/rtnetlink.h): records of bytes, and headers. */
import { parseAttributes, viewOf } from "./netlink.ts";

/** An interface: `struct ifinfomsg` and what we need of its attributes. */
export interface LinkRecord {
  readonly index: number;
  readonly flags: number;
  readonly name: string;
  readonly mtu: number;
  /** Empty where the link has no address. */
  readonly mac: Uint8Array;
}

/** An address: `struct ifaddrmsg`; 4 or 16 bytes. */
export interface AddressRecord {
  readonly index: number;
  readonly length: number;
  readonly flags: number;
  readonly address: Uint8Array;
}

/** A route: `struct rtmsg`. */
export interface RouteRecord {
  readonly family: 4 | 6;
  readonly table: number;
  readonly protocol: number;
  readonly type: number;
  readonly flags: number;
  readonly length: number;
  /** Empty for a default route. */
  readonly destination: Uint8Array;
  readonly gateway: Uint8Array | null;
  /** Index of the outgoing interface. */
  readonly output: number | null;
  readonly metric: number;
}

/** An interface; null when the message is not a whole one. */
export function parseLink(body: Uint8Array): LinkRecord | null {
  const attributes = parseAttributes(body, linkHeaderBytes);
  if (attributes === null) return null;
  const name = attributes.get(IFLA_IFNAME);
  const mtu = number(attributes.get(IFLA_MTU));
  if (name === undefined || mtu === null) return null;
  const view = viewOf(body);
  return {
    index: view.getInt32(4, true),
    flags: view.getUint32(8, true),
    name: text(name),
    mtu,
    mac: attributes.get(IFLA_ADDRESS) ?? new Uint8Array(),
  };
}

/** An address; null when the message is not a whole one, or of another family. */
export function parseAddressRecord(body: Uint8Array): AddressRecord | null {
  const attributes = parseAttributes(body, addressHeaderBytes);
  if (attributes === null) return null;
  const view = viewOf(body);
  const family = view.getUint8(0);
  const address = attributes.get(IFA_LOCAL) ?? attributes.get(IFA_ADDRESS);
  const length = view.getUint8(1);
  if (address === undefined || !fits(family, address, length)) return null;
  return {
    index: view.getUint32(4, true),
    length,
    flags: number(attributes.get(IFA_FLAGS)) ?? view.getUint8(2),
    address,
  };
}

/** A route; null when the message is not a whole one, or of another family. */
export function parseRouteRecord(body: Uint8Array): RouteRecord | null {
  const attributes = parseAttributes(body, routeHeaderBytes);
  if (attributes === null) return null;
  const view = viewOf(body);
  const family = view.getUint8(0);
  const length = view.getUint8(1);
  const destination = attributes.get(RTA_DST) ?? new Uint8Array();
  const gateway = attributes.get(RTA_GATEWAY) ?? null;
  if (!fits(family, length === 0 ? null : destination, length)) return null;
  if (gateway !== null && !fits(family, gateway, 0)) return null;
  return {
    family: family === AF_INET ? 4 : 6,
    table: number(attributes.get(RTA_TABLE)) ?? view.getUint8(4),
    protocol: view.getUint8(5),
    type: view.getUint8(7),
    flags: view.getUint32(8, true),
    length,
    destination: length === 0 ? new Uint8Array() : destination,
    gateway,
    output: number(attributes.get(RTA_OIF)),
    metric: number(attributes.get(RTA_PRIORITY)) ?? 0,
  };
}

/** `struct ifinfomsg`. */
export function linkHeader(index: number, flags: number, changed: number): Uint8Array {
  const header = new Uint8Array(linkHeaderBytes);
  const view = viewOf(header);
  view.setInt32(4, index, true);
  view.setUint32(8, flags, true);
  view.setUint32(12, changed, true);
  return header;
}

/** `struct ifaddrmsg`. */
export function addressHeader(family: 4 | 6, length: number, index: number): Uint8Array {
  const header = new Uint8Array(addressHeaderBytes);
  const view = viewOf(header);
  header[0] = family === 4 ? AF_INET : AF_INET6;
  header[1] = length;
  view.setUint32(4, index, true);
  return header;
}

/** `struct rtmsg` for a unicast route of the main table into a link. */
export function routeHeader(family: 4 | 6, length: number, protocol: number): Uint8Array {
  const header = new Uint8Array(routeHeaderBytes);
  header[0] = family === 4 ? AF_INET : AF_INET6;
  header[1] = length;
  header[4] = RT_TABLE_MAIN;
  header[5] = protocol;
  header[6] = RT_SCOPE_LINK;
  header[7] = RTN_UNICAST;
  return header;
}

/** `struct rtgenmsg`, padded: a dump of all families. */
export function dumpHeader(): Uint8Array {
  return new Uint8Array(4);
}

function fits(family: number, address: Uint8Array | null, length: number): boolean {
  const bytes = family === AF_INET ? 4 : family === AF_INET6 ? 16 : null;
  return bytes !== null && (address === null || address.length === bytes) && length <= bytes * 8;
}

function number(value: Uint8Array | undefined): number | null {
  return value?.length === 4 ? viewOf(value).getUint32(0, true) : null;
}

function text(value: Uint8Array): string {
  const end = value.indexOf(0);
  return String.fromCharCode(...value.subarray(0, Math.min(end < 0 ? value.length : end, maxNameBytes)));
}

/** Numbers of the kernel's interface that callers put into requests or compare with. */
export const rtnetlink = {
  RTM_NEWLINK: 16,
  RTM_DELLINK: 17,
  RTM_GETLINK: 18,
  RTM_NEWADDR: 20,
  RTM_DELADDR: 21,
  RTM_GETADDR: 22,
  RTM_NEWROUTE: 24,
  RTM_DELROUTE: 25,
  RTM_GETROUTE: 26,
  IFF_UP: 0x1,
  IFF_LOOPBACK: 0x8,
  IFF_RUNNING: 0x40,
  IFA_F_TEMPORARY: 0x01,
  IFA_F_NODAD: 0x02,
  IFA_F_NOPREFIXROUTE: 0x200,
  RTM_F_CLONED: 0x200,
  RT_TABLE_MAIN: 254,
  RTN_UNICAST: 1,
  IFLA_MTU: 4,
  IFLA_IFNAME: 3,
  IFLA_AF_SPEC: 26,
  IFLA_GSO_MAX_SIZE: 41,
  IFLA_INET6_ADDR_GEN_MODE: 8,
  IN6_ADDR_GEN_MODE_NONE: 1,
  IFA_ADDRESS: 1,
  IFA_LOCAL: 2,
  IFA_FLAGS: 8,
  RTA_DST: 1,
  RTA_OIF: 4,
  RTA_PREFSRC: 7,
  AF_INET6: 10,
} as const;

const { IFLA_IFNAME, IFLA_MTU, IFA_ADDRESS, IFA_LOCAL, IFA_FLAGS, RTA_DST, RTA_OIF, AF_INET6 } = rtnetlink;
const { RT_TABLE_MAIN, RTN_UNICAST } = rtnetlink;
const AF_INET = 2;
const IFLA_ADDRESS = 1;
const RTA_GATEWAY = 5;
const RTA_PRIORITY = 6;
const RTA_TABLE = 15;
const RT_SCOPE_LINK = 253;
const linkHeaderBytes = 16;
const addressHeaderBytes = 8;
const routeHeaderBytes = 12;
const maxNameBytes = 15;
