/** What Starmesh asks of the operating system: interfaces, addresses and routes, and word of their changes. */
import type { Socket } from "node:net";
import type { TunDevice, TunOptions } from "../../drivers/tun/tun.ts";
import type { Address, Prefix } from "../../src-shared/address.ts";
import { overlaps } from "../../src-shared/address.ts";
import type { Caller } from "../../src-shared/api/channel.ts";
import { AppError } from "../../src-shared/errors.ts";
import type { OutsideProgram } from "../../src-shared/exit.ts";
import { darwinSystem } from "./darwin.ts";
import { linuxSystem } from "./linux.ts";
import type { Passage } from "./passage.ts";
import type { Rights } from "./rights.ts";
import { windowsSystem } from "./windows.ts";

/** An address of an interface with the prefix it is connected to. */
export interface InterfaceAddress {
  readonly address: Address;
  /** Directly connected range; as long as the address where there is none. */
  readonly prefix: Prefix;
  /** Link-local, or otherwise of no use beyond this link. */
  readonly linkLocal: boolean;
  /** IPv6 privacy address (RFC 8981). */
  readonly temporary: boolean;
}

export interface Interface {
  readonly name: string;
  /** The system's number; never used twice for different interfaces until a restart of the machine. */
  readonly index: number;
  /** `02:00:5e:10:00:01`; null where the link has none. */
  readonly mac: string | null;
  /** Switched on, and its link carries. */
  readonly up: boolean;
  readonly loopback: boolean;
  /** Bytes of the largest IP packet. */
  readonly mtu: number;
  readonly addresses: readonly InterfaceAddress[];
}

/** A unicast route of the main table. */
export interface Route {
  /** Length 0: a default route. */
  readonly prefix: Prefix;
  /** Null where the route names none of the interfaces (an unreachable or multipath one). */
  readonly interface: string | null;
  /** Null when directly connected. */
  readonly gateway: Address | null;
  /** Lower wins. */
  readonly metric: number;
  /** Set by Starmesh, this process or another. */
  readonly own: boolean;
}

/** An address for one of our interfaces. It makes no route: each is asked for on its own. */
export interface AddressChange {
  readonly device: string;
  readonly address: Address;
  /** Length that the system shows beside the address. */
  readonly length: number;
}

/** A route into one of our interfaces. */
export interface RouteChange {
  readonly device: string;
  readonly prefix: Prefix;
  /** Source of what this machine itself sends there. */
  readonly source?: Address;
}

/** What to set on one of our interfaces; what is left out stays. */
export interface LinkChange {
  readonly device: string;
  readonly up?: boolean;
  readonly mtu?: number;
  /** Bytes of the largest super-packet that the kernel hands over at once. */
  readonly gsoMaxSize?: number;
}

export interface Watch {
  /** Idempotent. */
  close(): void;
}

/** Who is asked for names on this machine. */
export type DnsChange =
  /** systemd-resolved asks a server by one of our interfaces for the names of these domains, or for all. */
  | {
      readonly way: "resolved";
      readonly device: string;
      readonly server: string;
      readonly domains: readonly string[];
      readonly everything: boolean;
    }
  /** The system asks a server for the names of these domains by a rule of that name, which outlasts us and a restart. */
  | {
      readonly way: "domains";
      readonly name: string;
      readonly server: string;
      readonly domains: readonly string[];
      readonly everything: boolean;
    }
  /** A server before all others that programs ask. */
  | { readonly way: "file"; readonly server: string };

/** What goes to the internet from this machine is sent through one of our interfaces. */
export interface ExitChange {
  /** Null: there is none just now. */
  readonly interface: string | null;
  /** Nothing goes another way when the interface is not there. */
  readonly strict: boolean;
  /** What this machine is directly connected to is reached as ever. */
  readonly lan: boolean;
  /** These prefixes alone; empty: everything. */
  readonly only: readonly string[];
  /** Everything but these. */
  readonly except: readonly string[];
  /** Prefixes that lead into our interfaces by routes of their own. */
  readonly inside: readonly string[];
  /** Mark of the sockets that go another way: those that carry the networks themselves. */
  readonly mark: number;
}

/** What passes through this machine out of our interfaces and into them, where rules of other programs drop it. */
export interface FirewallOpening {
  /** Tells rules of ours from those of others: letters, digits and `_`. */
  readonly mark: string;
  readonly devices: readonly string[];
  /** Families of what passes. */
  readonly families: readonly (4 | 6)[];
}

/** Rules of another program by which nothing passes through this machine unless they name it. */
export interface Firewall {
  /** `ip filter FORWARD`. */
  readonly name: string;
  /** They let through what was asked about. */
  readonly open: boolean;
}

/** What comes in and is let in by rules of the system's own, which outlast us and a restart. */
export interface AdmissionChange {
  /** Tells these rules from others. */
  readonly name: string;
  /** Where it goes to; null: to this program, wherever. */
  readonly address: string | null;
}

/** Rules of the system's own by which what comes in is let in. */
export interface Admission {
  /** Lets it in; done again it is done once. */
  admit(change: AdmissionChange): Promise<void>;
  /** Takes the rules of that name away; done also when they are gone already. */
  dismiss(name: string): Promise<void>;
}

/** The operating system. */
export interface System extends SystemReading, SystemChanges {}

/** What needs no rights. */
export interface SystemReading {
  /** Name of this machine, without domain. */
  hostName(): string;
  /**
   * What addresses, routes and interfaces last with: another value after a restart of the machine and in another
   * network namespace.
   */
  lifetime(): string;
  interfaces(): readonly Interface[];
  routes(): readonly Route[];
  /** A setting of the kernel by its name, `net/ipv4/ip_forward`; null where there is none. */
  setting(name: string): string | null;
  /** Where the system keeps out what comes in unless it is told; null: it does not. */
  readonly admission: Admission | null;
  /** How names are looked up here. */
  dnsWay(): Promise<DnsChange["way"]>;
  /** Servers that are asked for ordinary names, without ours; the first is asked first. */
  dnsServers(): readonly string[];
  /** Calls back when others may have changed who is asked. */
  watchDns(onChange: () => void): Watch;
  /** Calls back after each change of interfaces, addresses or routes, in bursts as they come. */
  watch(onChange: () => void): Watch;
}

/** What needs rights: throws `no-privilege`, `helper-lost` or `system-refused`. */
export interface SystemChanges {
  /** By what right. */
  readonly rights: Rights;
  /** Opens an interface, down and without addresses. Throws `no-tun` besides. */
  openTun(options: TunOptions): Promise<TunDevice>;
  /**
   * A connection over which the data plane has its sockets marked; null where it marks them itself, or nobody may. Another one
   * after each change of the rights.
   */
  marker(): number | null;
  /**
   * Descriptors of sockets at the port of names, UDP and TCP, at an address of ours, for the caller to close; null where the
   * caller opens them itself.
   */
  listenNames(address: string): Promise<{ readonly datagrams: number; readonly stream: number } | null>;
  setLink(change: LinkChange): Promise<void>;
  /** Ends one of our interfaces with its addresses and routes; done also when it is gone already. */
  removeLink(device: string): Promise<void>;
  addAddress(change: AddressChange): Promise<void>;
  /** Done also when it is gone already. */
  removeAddress(change: AddressChange): Promise<void>;
  addRoute(change: RouteChange): Promise<void>;
  /** Removes what `addRoute` made and nothing else; done also when it is gone already. */
  removeRoute(change: RouteChange): Promise<void>;
  changeSetting(name: string, value: string): Promise<void>;
  /** What may pass out of our interfaces, under a name that tells it from others'; null: nothing is said any more. */
  setPassage(name: string, sites: readonly Passage[] | null): Promise<void>;
  /** Rules of other programs that drop what passes, and whether these packets are let through. */
  firewalls(opening: FirewallOpening): Promise<readonly Firewall[]>;
  /** Lets it through everywhere; what the mark had let through before goes, where it differs. */
  openFirewalls(opening: FirewallOpening): Promise<void>;
  /** Done also when nothing was let through. */
  closeFirewalls(mark: string): Promise<void>;
  /** Calls back when anybody may have changed such rules. */
  watchFirewalls(onChange: () => void): Watch;
  /** Makes the one exit this; what of the one before differs is taken back. */
  setExit(change: ExitChange): Promise<void>;
  /** Done also when there is none. */
  removeExit(): Promise<void>;
  /** Has the sockets of some programs marked, so that they go past the exit: a group of that name, empty at first. */
  openOutside(name: string, mark: number): Promise<void>;
  /** Takes the process that calls into the group, with what it starts from now on; answers its number. */
  enterOutside(name: string, caller: Caller): Promise<number>;
  /** What runs in the group, by the processes that were taken into it; nothing where there is none. */
  outside(name: string): Promise<readonly OutsideProgram[]>;
  /** One of them goes the way of everything else; done also when it is gone. */
  leaveOutside(name: string, process: number): Promise<void>;
  /** What runs in the group goes the way of everything else; done also when there is none. */
  closeOutside(name: string): Promise<void>;
  /** A TCP connection; its socket has the mark where that is possible. */
  connectMarked(target: { readonly host: string; readonly port: number }, mark: number): Socket;
  /** Makes what is asked be asked of us; done again where somebody has undone it. */
  setDns(change: DnsChange): Promise<void>;
  /** Done also when it is undone already. */
  removeDns(change: DnsChange): Promise<void>;
}

/** A directly connected prefix and the interface it belongs to. */
export interface Connected {
  readonly prefix: Prefix;
  readonly interface: string;
}

/** Prefixes that this machine is directly connected to, except through the interface named. */
export function connectedPrefixes(interfaces: readonly Interface[], except?: string): readonly Connected[] {
  return interfaces
    .filter((each) => each.name !== except)
    .flatMap((each) => each.addresses.map(({ prefix }) => ({ prefix, interface: each.name })));
}

/** The first connected prefix that the range contains, equals or lies inside; null when it is free. */
export function findOverlap(range: Prefix, connected: readonly Connected[]): Connected | null {
  return connected.find(({ prefix }) => overlaps(range, prefix)) ?? null;
}

/** The system this process runs on. Throws `system-refused` where Starmesh does not know it yet. */
export function openSystem(): System {
  if (process.platform === "linux") return linuxSystem();
  if (process.platform === "win32") return windowsSystem();
  if (process.platform === "darwin") return darwinSystem();
  throw new AppError("system-refused", {
    action: "show its interfaces and routes",
    detail: `Starmesh cannot do that on ${process.platform} yet`,
  });
}

/** Super-packets of this size leave the data plane in one call. */
export const gsoMaxSize = 61_440;
