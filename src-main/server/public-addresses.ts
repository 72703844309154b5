/** What the router tells others to connect to. */
import type { NetworkInterfaceInfo } from "node:os";
import { networkInterfaces } from "node:os";
import type { Address, Prefix } from "../../src-shared/address.ts";
import { isLinkLocal, isLoopback, isPrivate, parseAddress, parsePrefix } from "../../src-shared/address.ts";
import { joinHostPort, splitHostPort } from "../../src-shared/ids.ts";

export interface PublicAddresses {
  /** `host:port`, best first. */
  readonly addresses: readonly string[];
  /** All are private: it works on this LAN only. */
  readonly lanOnly: boolean;
}

export interface AddressFacts {
  /** Given by hand: hosts, with their port where it differs. */
  readonly hosts: readonly string[];
  /** Address listened on: one, or a wildcard. */
  readonly listen: string;
  readonly port: number;
  /** This machine's own addresses. */
  readonly own: readonly string[];
}

/** The hosts given by hand; without any, every address of this machine that the port is open on. */
export function publicAddresses({ hosts, listen, port, own }: AddressFacts): PublicAddresses {
  const given = hosts.map((host) => (splitHostPort(host) === null ? joinHostPort(host, port) : host));
  const found = reachable(listen, own).map((address) => joinHostPort(address, port));
  const addresses = (given.length > 0 ? given : found).slice(0, mostAddresses);
  return {
    addresses,
    lanOnly: addresses.every((address) => isPrivateHost(splitHostPort(address)?.host ?? "")),
  };
}

/** Addresses of this machine's interfaces, those of Starmesh networks left out. */
export function ownAddresses(): readonly string[] {
  return ownInterfaces().map(({ address }) => address);
}

/** The networks that this machine is on. */
export function ownPrefixes(): readonly Prefix[] {
  return ownInterfaces().flatMap(({ cidr }) => (cidr === null ? [] : (parsePrefix(cidr) ?? [])));
}

function ownInterfaces(): readonly NetworkInterfaceInfo[] {
  return Object.entries(networkInterfaces())
    .filter(([name]) => !name.startsWith(ownPrefix))
    .flatMap(([, addresses]) => addresses ?? []);
}

function reachable(listen: string, own: readonly string[]): readonly string[] {
  const wildcard = wildcards.get(listen);
  if (wildcard === undefined) return [listen];
  const candidates = own.flatMap((text) => {
    const address = parseAddress(text);
    const fits =
      address !== null && wildcard.includes(address.family) && !isLoopback(address) && !isLinkLocal(address);
    return fits ? [{ text, rank: rank(address) }] : [];
  });
  candidates.sort((one, other) => one.rank - other.rank);
  // A machine without network still serves itself.
  return candidates.length > 0 ? candidates.map(({ text }) => text) : ["127.0.0.1"];
}

/** Public before private, IPv4 before IPv6. */
function rank(address: Address): number {
  return (isPrivate(address) ? 2 : 0) + (address.family === 6 ? 1 : 0);
}

function isPrivateHost(host: string): boolean {
  const address = parseAddress(host);
  return address !== null && isPrivate(address);
}

const wildcards = new Map<string, readonly number[]>([
  ["0.0.0.0", [4]],
  ["::", [4, 6]],
]);
const ownPrefix = "starmesh";
/** As many as a link holds. */
const mostAddresses = 16;
