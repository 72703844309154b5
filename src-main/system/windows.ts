/** Windows: interfaces, addresses and routes by the IP Helper API, names by the Name Resolution Policy Table. */
import { getServers } from "node:dns";
import { hostname } from "node:os";
import koffi from "koffi";
import { canOpenTun, openTun } from "../../drivers/tun/tun.ts";
import { formatAddress, formatPrefix } from "../../src-shared/address.ts";
import { AppError } from "../../src-shared/errors.ts";
import { noGateway } from "./no-gateway.ts";
import { ownRights } from "./rights.ts";
import type { AddressChange, Interface, LinkChange, Route, RouteChange, System } from "./system.ts";
import { changeRow, flushNames, readTable, watchTables } from "./windows-calls.ts";
import { makePrivate } from "./windows-category.ts";
import { admit, dismiss } from "./windows-firewall.ts";
import { removePolicy, setPolicy } from "./windows-names.ts";
import type { InterfaceRow } from "./windows-rows.ts";
import {
  addressRow,
  familyRow,
  loopbackType,
  ownProtocol,
  readAddressRow,
  readInterfaceRow,
  readRouteRow,
  routeRow,
  settleFamilyRow,
} from "./windows-rows.ts";

/** This machine. What it cannot do here yet (a gateway, a way out through a member) is refused with `system-refused`. */
export function windowsSystem(): System {
  return {
    rights: ownRights(canOpenTun),
    openTun,
    marker: () => null,
    listenNames: async () => null,
    admission: { admit, dismiss },
    hostName: () => hostname().split(".")[0] || "node",
    lifetime: () => `boot ${koffi.decode.uint32(bootNumber)}`,
    interfaces: readInterfaces,
    routes: readRoutes,
    setLink: async (change) => {
      setLink(change);
      // Takes seconds, and everything works meanwhile.
      void makePrivate(change.device);
    },
    // The adapter goes with the process that made it.
    removeLink: async () => undefined,
    addAddress: async (change) => addAddress(change),
    removeAddress: async (change) => removeAddress(change),
    addRoute: async (change) => addRoute(change),
    removeRoute: async (change) => removeRoute(change),
    ...noGateway("Windows"),
    dnsWay: async () => "domains",
    dnsServers: () => getServers().filter((server) => !ownServers.has(server)),
    setDns: async (change) => {
      if (change.way !== "domains") throw new TypeError(`no way of Windows: ${change.way}`);
      ownServers.add(change.server);
      await setPolicy(change);
      flushNames();
    },
    removeDns: async (change) => {
      if (change.way !== "domains") return;
      ownServers.delete(change.server);
      await removePolicy(change.name);
      flushNames();
    },
    // Nobody else writes our rules.
    watchDns: () => ({ close: () => undefined }),
    watch: (onChange) => ({ close: watchTables(onChange) }),
  };
}

function rowsOfInterfaces(): readonly InterfaceRow[] {
  return readTable("interface")
    .flatMap((row) => readInterfaceRow(row) ?? [])
    .filter((row) => !row.filter);
}

function readInterfaces(): readonly Interface[] {
  const addresses = readTable("address").flatMap((row) => readAddressRow(row) ?? []);
  return rowsOfInterfaces().map((row) => ({
    name: row.alias,
    index: row.index,
    mac: row.mac.some((byte) => byte !== 0) ? formatMac(row.mac) : null,
    up: row.up,
    loopback: row.type === loopbackType,
    mtu: row.mtu,
    addresses: addresses.filter(({ index }) => index === row.index).map(({ address }) => address),
  }));
}

function readRoutes(): readonly Route[] {
  const names = new Map(rowsOfInterfaces().map(({ index, alias }) => [index, alias]));
  return readTable("route").flatMap((bytes) => {
    const row = readRouteRow(bytes);
    if (row === null || row.loopback) return [];
    const name = names.get(row.index) ?? null;
    return {
      prefix: row.prefix,
      interface: name,
      gateway: row.gateway,
      metric: row.metric,
      // Windows keeps no better sign of who set a route: by a program, into an interface of ours.
      own: row.protocol === ownProtocol && name !== null && ownName.test(name),
    };
  });
}

function setLink({ device, mtu }: LinkChange): void {
  const { luid } = requireInterface(device);
  for (const family of [4, 6] as const) {
    const row = familyRow(luid, family);
    const read = changeRow("GetIpInterfaceEntry", row);
    // IPv6 may be switched off, and IPv4 goes on without.
    if (read === notFound && family === 6) continue;
    demand(`read the settings of ${device}`, read);
    settleFamilyRow(row, mtu ?? null);
    demand(`set up the interface ${device}`, changeRow("SetIpInterfaceEntry", row));
  }
}

function addAddress(change: AddressChange): void {
  const { luid } = requireInterface(change.device);
  const text = formatAddress(change.address);
  const row = addressRow(luid, change.address, change.length);
  demand(`give ${change.device} the address ${text}`, changeRow("CreateUnicastIpAddressEntry", row));
}

function removeAddress(change: AddressChange): void {
  const text = formatAddress(change.address);
  const found = findInterface(change.device);
  if (found === null) return;
  const row = addressRow(found.luid, change.address, change.length);
  demand(
    `take the address ${text} from ${change.device}`,
    changeRow("DeleteUnicastIpAddressEntry", row),
    goneErrors,
  );
}

function addRoute({ device, prefix }: RouteChange): void {
  const { luid } = requireInterface(device);
  demand(
    `route ${formatPrefix(prefix)} into ${device}`,
    changeRow("CreateIpForwardEntry2", routeRow(luid, prefix)),
  );
}

function removeRoute({ device, prefix }: RouteChange): void {
  const found = findInterface(device);
  if (found === null) return;
  const done = changeRow("DeleteIpForwardEntry2", routeRow(found.luid, prefix));
  demand(`remove the route ${formatPrefix(prefix)} from ${device}`, done, goneErrors);
}

function requireInterface(device: string): InterfaceRow {
  const found = findInterface(device);
  if (found !== null) return found;
  throw new AppError("system-refused", { action: `change the interface ${device}`, detail: "there is none" });
}

function findInterface(device: string): InterfaceRow | null {
  return rowsOfInterfaces().find(({ alias }) => alias === device) ?? null;
}

/** Throws unless Windows did it, or refused with one of the errors that mean it is done already. */
function demand(action: string, error: number, harmless: readonly number[] = []): void {
  if (error === 0 || harmless.includes(error)) return;
  if (error === accessDenied) throw new AppError("no-privilege");
  const detail = error === alreadyThere ? "there is one already" : `Windows error ${error}`;
  throw new AppError("system-refused", { action, detail });
}

function formatMac(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join(":");
}

/** Servers of ours, which nobody is to be sent to for ordinary names. */
const ownServers = new Set<string>();
const ownName = /^starmesh\d+$/;
/** `BootId` of `KUSER_SHARED_DATA` (ntddk.h), which lies there in every process: it counts the starts of the machine. */
const bootNumber = 0x7ffe_02c4n;
// Numbers of winerror.h.
const accessDenied = 5;
const notFound = 1168;
const fileNotFound = 2;
const alreadyThere = 5010;
const goneErrors = [notFound, fileNotFound];
