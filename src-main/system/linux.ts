/** Linux: interfaces, addresses and routes through the kernel's route socket. */
import { readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { errnoText } from "../../drivers/tun/descriptor.ts";
import { canOpenTun, openTun } from "../../drivers/tun/tun.ts";
import type { Address } from "../../src-shared/address.ts";
import { formatAddress, formatPrefix, isLinkLocal, toPrefix } from "../../src-shared/address.ts";
import { AppError } from "../../src-shared/errors.ts";
import { throughHelper } from "./helper.ts";
import { closeFirewalls, firewalls, openFirewalls, watchFirewalls } from "./host-firewall.ts";
import { dnsServers, dnsWay, removeDns, setDns, watchDns } from "./linux-dns.ts";
import { removeExit, setExit } from "./linux-exit.ts";
import { closeOutside, enterOutside, leaveOutside, listOutside, openOutside } from "./linux-outside.ts";
import { connectMarked } from "./marked-socket.ts";
import { nameBytes, netlink } from "./netlink.ts";
import { replaceTable } from "./nftables.ts";
import { passageRules } from "./passage.ts";
import { ownRights } from "./rights.ts";
import type { AddressRecord, LinkRecord, RouteRecord } from "./route-messages.ts";
import {
  addressHeader,
  linkHeader,
  parseAddressRecord,
  parseLink,
  parseRouteRecord,
  routeHeader,
  rtnetlink,
} from "./route-messages.ts";
import type { Answer, Exchange } from "./rtnetlink.ts";
import { dump, errnoNumbers, exchange, watchChanges } from "./rtnetlink.ts";
import type {
  AddressChange,
  Interface,
  LinkChange,
  Route,
  RouteChange,
  System,
  SystemChanges,
} from "./system.ts";

/** This machine, as this process's network namespace shows it; changed by this process where it may, else by a helper. */
export function linuxSystem(): System {
  const check = canOpenTun();
  const isOwn = check.ok || check.reason.code !== "no-privilege";
  return Object.assign(isOwn ? directChanges() : throughHelper(canOpenTun), {
    admission: null,
    hostName: () => hostname().split(".")[0] || "node",
    lifetime: () => `${readFileSync(bootIdFile, "utf8").trim()} ${readlinkSync(namespaceLink)}`,
    interfaces: readInterfaces,
    routes: readRoutes,
    setting: readSetting,
    dnsWay,
    dnsServers,
    watchDns,
    watch: watchChanges,
  });
}

function directChanges(): SystemChanges {
  return {
    rights: ownRights(canOpenTun),
    openTun,
    marker: () => null,
    listenNames: async () => null,
    setLink: async (change) => setLink(change),
    removeLink: async (device) => removeLink(device),
    addAddress: async (change) => addAddress(change),
    removeAddress: async (change) => removeAddress(change),
    addRoute: async (change) => addRoute(change),
    removeRoute: async (change) => removeRoute(change),
    changeSetting: async (name, value) => changeSetting(name, value),
    setPassage: (name, sites) => replaceTable(name, sites === null ? null : passageRules(sites)),
    firewalls,
    openFirewalls,
    closeFirewalls,
    watchFirewalls,
    setExit: async (change) => setExit(change),
    removeExit: async () => removeExit(),
    openOutside: async (name, mark) => openOutside(name, mark),
    enterOutside: async (name, caller) => enterOutside(name, caller),
    outside: async (name) => listOutside(name),
    leaveOutside: async (name, process) => leaveOutside(name, process),
    closeOutside: async (name) => closeOutside(name),
    connectMarked: (target, mark) => connectMarked(target, { mark, markBy: () => false }),
    setDns,
    removeDns,
  };
}

function readInterfaces(): readonly Interface[] {
  const addresses = dump(rtnetlink.RTM_GETADDR, parseAddressRecord);
  return dump(rtnetlink.RTM_GETLINK, parseLink).map((link) => ({
    name: link.name,
    index: link.index,
    mac: link.mac.some((byte) => byte !== 0) ? formatMac(link.mac) : null,
    up: (link.flags & switchedOn) === switchedOn,
    loopback: (link.flags & rtnetlink.IFF_LOOPBACK) !== 0,
    mtu: link.mtu,
    addresses: addresses.filter((address) => address.index === link.index).map(toInterfaceAddress),
  }));
}

function toInterfaceAddress(record: AddressRecord): Interface["addresses"][number] {
  const address = toAddress(record.address);
  return {
    address,
    prefix: toPrefix(address, record.length),
    linkLocal: isLinkLocal(address),
    temporary: address.family === 6 && (record.flags & rtnetlink.IFA_F_TEMPORARY) !== 0,
  };
}

function readRoutes(): readonly Route[] {
  const names = new Map(dump(rtnetlink.RTM_GETLINK, parseLink).map((link) => [link.index, link.name]));
  return dump(rtnetlink.RTM_GETROUTE, parseRouteRecord)
    .filter(isMainUnicast)
    .map((route) => ({
      prefix: toPrefix(
        route.length === 0 ? { family: route.family, value: 0n } : toAddress(route.destination),
        route.length,
      ),
      interface: route.output === null ? null : (names.get(route.output) ?? null),
      gateway: route.gateway === null ? null : toAddress(route.gateway),
      metric: route.metric,
      own: route.protocol === routeProtocol,
    }));
}

function isMainUnicast(route: RouteRecord): boolean {
  return (
    route.table === rtnetlink.RT_TABLE_MAIN &&
    route.type === rtnetlink.RTN_UNICAST &&
    (route.flags & rtnetlink.RTM_F_CLONED) === 0
  );
}

function setLink(change: LinkChange): void {
  const { index } = requireLink(change.device);
  if (change.up === true) quietLinkLocal(index);
  const flags = change.up === true ? rtnetlink.IFF_UP : 0;
  demand(`set up the interface ${change.device}`, {
    type: rtnetlink.RTM_NEWLINK,
    header: linkHeader(index, flags, change.up === undefined ? 0 : rtnetlink.IFF_UP),
    attributes: [
      ...(change.mtu === undefined ? [] : [{ type: rtnetlink.IFLA_MTU, value: change.mtu }]),
      ...(change.gsoMaxSize === undefined
        ? []
        : [{ type: rtnetlink.IFLA_GSO_MAX_SIZE, value: change.gsoMaxSize }]),
    ],
  });
}

function removeLink(device: string): void {
  const link = findLink(device);
  if (link === null) return;
  const request = { type: rtnetlink.RTM_DELLINK, header: linkHeader(link.index, 0, 0) };
  demand(`remove the interface ${device}`, request, goneErrors);
}

function addAddress(change: AddressChange): void {
  const link = requireLink(change.device);
  demand(`give ${change.device} the address ${formatAddress(change.address)}`, {
    ...addressExchange(link, change, rtnetlink.RTM_NEWADDR),
    flags: netlink.NLM_F_CREATE | netlink.NLM_F_EXCL,
  });
}

function removeAddress(change: AddressChange): void {
  const link = findLink(change.device);
  if (link === null) return;
  const request = addressExchange(link, change, rtnetlink.RTM_DELADDR);
  demand(`take the address ${formatAddress(change.address)} from ${change.device}`, request, goneErrors);
}

function addressExchange(link: LinkRecord, change: AddressChange, type: number): Exchange {
  const { family } = change.address;
  const address = toBytes(change.address);
  const flags = rtnetlink.IFA_F_NOPREFIXROUTE | (family === 6 ? rtnetlink.IFA_F_NODAD : 0);
  return {
    type,
    header: addressHeader(family, change.length, link.index),
    attributes: [
      { type: rtnetlink.IFA_LOCAL, value: address },
      { type: rtnetlink.IFA_ADDRESS, value: address },
      ...(type === rtnetlink.RTM_NEWADDR ? [{ type: rtnetlink.IFA_FLAGS, value: flags }] : []),
    ],
  };
}

/** No kernel-made link-local address: nobody answers its solicitations, and they would wake idle peers. */
function quietLinkLocal(index: number): void {
  const mode = {
    type: rtnetlink.IFLA_INET6_ADDR_GEN_MODE,
    value: Uint8Array.of(rtnetlink.IN6_ADDR_GEN_MODE_NONE),
  };
  // Refused where the kernel has no IPv6: then there is nothing to quieten.
  exchange({
    type: rtnetlink.RTM_NEWLINK,
    header: linkHeader(index, 0, 0),
    attributes: [{ type: rtnetlink.IFLA_AF_SPEC, value: [{ type: rtnetlink.AF_INET6, value: [mode] }] }],
  });
}

function addRoute(change: RouteChange): void {
  const link = requireLink(change.device);
  demand(`route ${formatPrefix(change.prefix)} into ${change.device}`, {
    ...routeExchange(link, change, rtnetlink.RTM_NEWROUTE),
    flags: netlink.NLM_F_CREATE | netlink.NLM_F_EXCL,
  });
}

function removeRoute(change: RouteChange): void {
  const link = findLink(change.device);
  if (link === null) return;
  const request = routeExchange(link, change, rtnetlink.RTM_DELROUTE);
  demand(`remove the route ${formatPrefix(change.prefix)} from ${change.device}`, request, goneErrors);
}

function routeExchange(link: LinkRecord, change: RouteChange, type: number): Exchange {
  const { prefix, source } = change;
  return {
    type,
    header: routeHeader(prefix.family, prefix.length, routeProtocol),
    attributes: [
      { type: rtnetlink.RTA_DST, value: toBytes(prefix) },
      { type: rtnetlink.RTA_OIF, value: link.index },
      ...(source === undefined ? [] : [{ type: rtnetlink.RTA_PREFSRC, value: toBytes(source) }]),
    ],
  };
}

function readSetting(name: string): string | null {
  try {
    return readFileSync(`${settingsFolder}/${name}`, "utf8").trim();
  } catch {
    return null;
  }
}

function changeSetting(name: string, value: string): void {
  try {
    writeFileSync(`${settingsFolder}/${name}`, value);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : "";
    if (code === "EACCES" || code === "EPERM") throw new AppError("no-privilege");
    throw new AppError("system-refused", { action: `set ${name} to ${value}`, detail: String(code) });
  }
}

function requireLink(device: string): LinkRecord {
  const link = findLink(device);
  if (link !== null) return link;
  throw new AppError("system-refused", { action: `change the interface ${device}`, detail: "there is none" });
}

function findLink(device: string): LinkRecord | null {
  const answer = exchange({
    type: rtnetlink.RTM_GETLINK,
    header: linkHeader(0, 0, 0),
    attributes: [{ type: rtnetlink.IFLA_IFNAME, value: nameBytes(device) }],
  });
  const body = answer.ok ? answer.messages[0]?.body : undefined;
  return body === undefined ? null : parseLink(body);
}

/** Throws unless the kernel did it, or refused with one of the errors that mean it is done already. */
function demand(action: string, request: Exchange, harmless: readonly (number | undefined)[] = []): void {
  const answer: Answer = exchange(request);
  if (answer.ok || harmless.includes(answer.errno)) return;
  if (answer.errno === errnoNumbers["EPERM"] || answer.errno === errnoNumbers["EACCES"]) {
    throw new AppError("no-privilege");
  }
  const detail = answer.errno === errnoNumbers["EEXIST"] ? "there is one already" : errnoText(answer.errno);
  throw new AppError("system-refused", { action, detail });
}

function toAddress(bytes: Uint8Array): Address {
  const value = bytes.reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  return { family: bytes.length === 4 ? 4 : 6, value };
}

function toBytes(address: Address): Uint8Array {
  const count = address.family === 4 ? 4 : 16;
  return Uint8Array.from({ length: count }, (_, at) =>
    Number((address.value >> BigInt(8 * (count - 1 - at))) & 255n),
  );
}

function formatMac(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join(":");
}

const settingsFolder = "/proc/sys";
const bootIdFile = "/proc/sys/kernel/random/boot_id";
const namespaceLink = "/proc/self/ns/net";
const switchedOn = rtnetlink.IFF_UP | rtnetlink.IFF_RUNNING;
/** Marks our routes, so that nothing else is ever taken for one of them (free in /etc/iproute2/rt_protos). */
const routeProtocol = 83;
const goneErrors = [errnoNumbers["ESRCH"], errnoNumbers["EADDRNOTAVAIL"], errnoNumbers["ENODEV"]];
