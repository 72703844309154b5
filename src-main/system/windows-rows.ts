/** Rows of the IP Helper API (netioapi.h), the same on x64 and arm64: where their fields lie, read and written. */
import type { Address, Prefix } from "../../src-shared/address.ts";
import { isLinkLocal, toPrefix } from "../../src-shared/address.ts";
import type { InterfaceAddress } from "./system.ts";

/** One interface of `GetIfTable2`. */
export interface InterfaceRow {
  readonly luid: bigint;
  readonly index: number;
  /** What the user sees: `Ethernet`. */
  readonly alias: string;
  readonly mac: Uint8Array;
  readonly mtu: number;
  readonly type: number;
  readonly up: boolean;
  /** A layer inside another interface, which has addresses of its own never. */
  readonly filter: boolean;
}

/** One address of `GetUnicastIpAddressTable`. */
export interface AddressRow {
  readonly index: number;
  readonly address: InterfaceAddress;
}

/** One route of `GetIpForwardTable2`. */
export interface RouteRow {
  readonly index: number;
  readonly prefix: Prefix;
  /** Null when directly connected. */
  readonly gateway: Address | null;
  readonly metric: number;
  readonly protocol: number;
  readonly loopback: boolean;
}

/** Reads one interface; null when the bytes are no row. */
export function readInterfaceRow(row: Buffer): InterfaceRow | null {
  const { interface: at } = rowLayout;
  if (row.length !== at.bytes) return null;
  const alias = row.toString("utf16le", at.alias, at.description);
  const end = alias.indexOf("\0");
  const macBytes = Math.min(row.readUInt32LE(at.macLength), longestMac);
  return {
    luid: row.readBigUInt64LE(at.luid),
    index: row.readUInt32LE(at.index),
    alias: end < 0 ? alias : alias.slice(0, end),
    mac: row.subarray(at.mac, at.mac + macBytes),
    mtu: row.readUInt32LE(at.mtu),
    type: row.readUInt32LE(at.type),
    up: row.readUInt32LE(at.operStatus) === operationalUp,
    filter: (row.readUInt8(at.flags) & filterFlag) !== 0,
  };
}

/** Reads one address; null when the bytes are no row, or of a family that is neither IPv4 nor IPv6. */
export function readAddressRow(row: Buffer): AddressRow | null {
  const { address: at } = rowLayout;
  if (row.length !== at.bytes) return null;
  const address = readSocketAddress(row, at.address);
  if (address === null) return null;
  const bits = address.family === 4 ? 32 : 128;
  return {
    index: row.readUInt32LE(at.index),
    address: {
      address,
      prefix: toPrefix(address, Math.min(row.readUInt8(at.prefixLength), bits)),
      linkLocal: isLinkLocal(address),
      temporary: address.family === 6 && row.readUInt32LE(at.suffixOrigin) === randomSuffix,
    },
  };
}

/** Reads one route; null when the bytes are no row, or of a family that is neither IPv4 nor IPv6. */
export function readRouteRow(row: Buffer): RouteRow | null {
  const { route: at } = rowLayout;
  if (row.length !== at.bytes) return null;
  const destination = readSocketAddress(row, at.destination);
  if (destination === null) return null;
  const gateway = readSocketAddress(row, at.nextHop);
  const bits = destination.family === 4 ? 32 : 128;
  return {
    index: row.readUInt32LE(at.index),
    prefix: toPrefix(destination, Math.min(row.readUInt8(at.prefixLength), bits)),
    gateway: gateway === null || gateway.value === 0n ? null : gateway,
    metric: row.readUInt32LE(at.metric),
    protocol: row.readUInt32LE(at.protocol),
    loopback: row.readUInt8(at.loopback) !== 0,
  };
}

/** An address for an interface, ready at once and of no route of its own. */
export function addressRow(luid: bigint, address: Address, length: number): Buffer {
  const { address: at } = rowLayout;
  const row = Buffer.alloc(at.bytes);
  writeSocketAddress(row, at.address, address);
  row.writeBigUInt64LE(luid, at.luid);
  row.writeUInt32LE(manualOrigin, at.prefixOrigin);
  row.writeUInt32LE(manualOrigin, at.suffixOrigin);
  row.writeUInt32LE(forEver, at.validLifetime);
  row.writeUInt32LE(forEver, at.preferredLifetime);
  row.writeUInt8(length, at.prefixLength);
  row.writeUInt32LE(preferredState, at.dadState);
  return row;
}

/** A route into an interface; its metric is the interface's own. */
export function routeRow(luid: bigint, prefix: Prefix): Buffer {
  const { route: at } = rowLayout;
  const row = Buffer.alloc(at.bytes);
  row.writeBigUInt64LE(luid, at.luid);
  writeSocketAddress(row, at.destination, prefix);
  row.writeUInt8(prefix.length, at.prefixLength);
  writeSocketAddress(row, at.nextHop, { family: prefix.family, value: 0n });
  row.writeUInt32LE(forEver, at.validLifetime);
  row.writeUInt32LE(forEver, at.preferredLifetime);
  row.writeUInt32LE(ownProtocol, at.protocol);
  row.writeUInt8(1, at.immortal);
  return row;
}

/** What names the settings of an interface for one family. */
export function familyRow(luid: bigint, family: 4 | 6): Buffer {
  const { family: at } = rowLayout;
  const row = Buffer.alloc(at.bytes);
  row.writeUInt16LE(family === 4 ? families.ipv4 : families.ipv6, at.family);
  row.writeBigUInt64LE(luid, at.luid);
  return row;
}

/** Changes settings that were read: metric 0 of its own, no router asked, no test for duplicates, and the MTU if given. */
export function settleFamilyRow(row: Buffer, mtu: number | null): void {
  const { family: at } = rowLayout;
  // Read as something else than it may be written as (netioapi.h).
  row.writeUInt32LE(0, at.sitePrefixLength);
  row.writeUInt8(0, at.automaticMetric);
  row.writeUInt32LE(0, at.metric);
  row.writeUInt32LE(0, at.routerDiscovery);
  row.writeUInt32LE(0, at.dadTransmits);
  row.writeUInt8(0, at.managedAddress);
  row.writeUInt8(0, at.otherStateful);
  if (mtu !== null) row.writeUInt32LE(mtu, at.mtu);
}

function readSocketAddress(row: Buffer, offset: number): Address | null {
  switch (row.readUInt16LE(offset)) {
    case families.ipv4:
      return { family: 4, value: BigInt(row.readUInt32BE(offset + socketAddress.v4)) };
    case families.ipv6: {
      const high = row.readBigUInt64BE(offset + socketAddress.v6);
      return { family: 6, value: (high << 64n) | row.readBigUInt64BE(offset + socketAddress.v6 + 8) };
    }
    default:
      return null;
  }
}

function writeSocketAddress(row: Buffer, offset: number, { family, value }: Address): void {
  row.writeUInt16LE(family === 4 ? families.ipv4 : families.ipv6, offset);
  if (family === 4) {
    row.writeUInt32BE(Number(value), offset + socketAddress.v4);
    return;
  }
  row.writeBigUInt64BE(value >> 64n, offset + socketAddress.v6);
  row.writeBigUInt64BE(value & ((1n << 64n) - 1n), offset + socketAddress.v6 + 8);
}

/** Where the fields of the rows lie: `MIB_IF_ROW2`, `MIB_UNICASTIPADDRESS_ROW`, `MIB_IPFORWARD_ROW2`, `MIB_IPINTERFACE_ROW`. */
export const rowLayout = {
  interface: {
    bytes: 1352,
    luid: 0,
    index: 8,
    alias: 28,
    description: 542,
    macLength: 1056,
    mac: 1060,
    mtu: 1124,
    type: 1128,
    flags: 1152,
    operStatus: 1156,
  },
  address: {
    bytes: 80,
    address: 0,
    luid: 32,
    index: 40,
    prefixOrigin: 44,
    suffixOrigin: 48,
    validLifetime: 52,
    preferredLifetime: 56,
    prefixLength: 60,
    dadState: 64,
  },
  route: {
    bytes: 104,
    luid: 0,
    index: 8,
    destination: 12,
    prefixLength: 40,
    nextHop: 44,
    validLifetime: 76,
    preferredLifetime: 80,
    metric: 84,
    protocol: 88,
    loopback: 92,
    immortal: 95,
  },
  family: {
    bytes: 168,
    family: 0,
    luid: 8,
    automaticMetric: 44,
    managedAddress: 46,
    otherStateful: 47,
    routerDiscovery: 52,
    dadTransmits: 56,
    sitePrefixLength: 144,
    metric: 148,
    mtu: 152,
  },
} as const;

/** Bytes before the first row of a table: its count, and room up to the alignment of rows. */
export const tableHeadBytes = 8;
/** `AF_INET` and `AF_INET6` of winsock2.h. */
export const families = { ipv4: 2, ipv6: 23 } as const;
/** `MIB_IPPROTO_NETMGMT`: set by a program. */
export const ownProtocol = 3;
/** `IF_TYPE_SOFTWARE_LOOPBACK`. */
export const loopbackType = 24;
const socketAddress = { v4: 4, v6: 8 };
const longestMac = 32;
const operationalUp = 1;
/** The second bit of `InterfaceAndOperStatusFlags`. */
const filterFlag = 2;
/** `IpPrefixOriginManual` and `IpSuffixOriginManual`. */
const manualOrigin = 1;
/** `IpSuffixOriginRandom`. */
const randomSuffix = 5;
/** `IpDadStatePreferred`. */
const preferredState = 4;
const forEver = 0xffff_ffff;
