/** What the tools of macOS print about interfaces and routes, read. What is not understood is left out. */
import type { Address, Prefix } from "../../src-shared/address.ts";
import { isLinkLocal, parseAddress, toPrefix } from "../../src-shared/address.ts";
import type { Interface, InterfaceAddress } from "./system.ts";

/** What `ifconfig -a` says; indexes are asked for elsewhere. */
export function readInterfaces(text: string): readonly Omit<Interface, "index">[] {
  const found: Omit<Interface, "index">[] = [];
  for (const block of text.split(/^(?=\S)/m)) {
    const head = /^([\w.-]+): flags=[0-9a-f]+<([A-Z0-9_,]*)> mtu (\d+)/.exec(block);
    if (head === null) continue;
    const [, name = "", flagText = "", mtu = "0"] = head;
    const flags = flagText.split(",");
    found.push({
      name,
      mac: /^\s+ether ([0-9a-f:]{17})/m.exec(block)?.[1] ?? null,
      up: flags.includes("UP") && flags.includes("RUNNING") && !/^\s+status: inactive/m.test(block),
      loopback: flags.includes("LOOPBACK"),
      mtu: Number(mtu),
      addresses: block.split("\n").flatMap((line) => readAddress(line) ?? []),
    });
  }
  return found;
}

/** A route of the table. */
export interface RouteLine {
  readonly prefix: Prefix;
  readonly interface: string;
  /** Null when directly connected. */
  readonly gateway: Address | null;
  /** Set by hand or by a program. */
  readonly isStatic: boolean;
}

/** What `netstat -rn -f inet` or `-f inet6` says. */
export function readRoutes(text: string, family: 4 | 6): readonly RouteLine[] {
  return text.split("\n").flatMap((line) => {
    const [destination = "", gateway = "", flags = "", name = ""] = line.trim().split(/\s+/);
    const prefix = family === 4 ? readDestination4(destination) : readDestination6(destination);
    if (prefix === null || !/^[A-Za-z0-9]+$/.test(flags) || name === "") return [];
    // Neighbours that were cloned from a route, and what is for many, lead nowhere of their own.
    if (!flags.includes("U") || /[WLm]/.test(flags)) return [];
    const isGateway = flags.includes("G");
    return [
      {
        prefix,
        interface: name,
        gateway: isGateway ? parseAddress(withoutZone(gateway)) : null,
        isStatic: flags.includes("S"),
      },
    ];
  });
}

function readAddress(line: string): InterfaceAddress | null {
  const v4 = /^\s+inet (\S+)(?: --> \S+)? netmask 0x([0-9a-f]{8})/.exec(line);
  if (v4 !== null) return connected(parseAddress(v4[1] ?? ""), bitsOf(v4[2] ?? ""), false);
  const v6 = /^\s+inet6 (\S+)(?: --> \S+)? prefixlen (\d{1,3})(.*)$/.exec(line);
  if (v6 === null) return null;
  return connected(parseAddress(withoutZone(v6[1] ?? "")), Number(v6[2]), /\btemporary\b/.test(v6[3] ?? ""));
}

function connected(address: Address | null, length: number, temporary: boolean): InterfaceAddress | null {
  if (address === null || length > (address.family === 4 ? 32 : 128)) return null;
  return { address, prefix: toPrefix(address, length), linkLocal: isLinkLocal(address), temporary };
}

/** The ones of a mask. */
function bitsOf(hex: string): number {
  return [...BigInt(`0x${hex}`).toString(2)].filter((bit) => bit === "1").length;
}

/** `default`, `10.9/16`, `192.168.1`, `192.168.1.7`: zeros at the end are left out, and a length of whole numbers, too. */
function readDestination4(text: string): Prefix | null {
  if (text === "default") return { family: 4, value: 0n, length: 0 };
  const [, numbers = "", length] = /^(\d{1,3}(?:\.\d{1,3}){0,3})(?:\/(\d{1,2}))?$/.exec(text) ?? [];
  if (numbers === "") return null;
  const count = numbers.split(".").length;
  const address = parseAddress(numbers + ".0".repeat(4 - count));
  const bits = length === undefined ? 8 * count : Number(length);
  return address === null || bits > 32 ? null : toPrefix(address, bits);
}

function readDestination6(text: string): Prefix | null {
  if (text === "default") return { family: 6, value: 0n, length: 0 };
  const [, place = "", length] = /^([0-9a-f:.]+(?:%[\w.-]+)?)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const address = parseAddress(withoutZone(place));
  const bits = length === undefined ? 128 : Number(length);
  return address === null || address.family !== 6 || bits > 128 ? null : toPrefix(address, bits);
}

function withoutZone(text: string): string {
  return text.split("%")[0] ?? "";
}
