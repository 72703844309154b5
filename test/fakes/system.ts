/** An operating system in memory: interfaces and routes as plain data, each change recorded and refusable. */

import type { Socket } from "node:net";
import { connect } from "node:net";
import type { Passage } from "../../src-main/system/passage.ts";
import { passageRules } from "../../src-main/system/passage.ts";
import { ownRights } from "../../src-main/system/rights.ts";
import type {
  Admission,
  DnsChange,
  ExitChange,
  Firewall,
  FirewallOpening,
  Interface,
  Route,
  System,
} from "../../src-main/system/system.ts";
import { formatAddress, formatPrefix, toPrefix } from "../../src-shared/address.ts";
import { AppError } from "../../src-shared/errors.ts";
import type { OutsideProgram } from "../../src-shared/exit.ts";

export class FakeSystem implements System {
  /** `add-address starmesh0 10.9.1.1/16`, … in the order they were asked for. */
  readonly log: string[] = [];
  life = "boot-1 net-1";
  admission: Admission | null = null;
  /** Called before each change; throws to refuse it. */
  before: (change: string) => void = () => undefined;
  /** Settings of the kernel by name. */
  readonly settings = new Map<string, string>();
  /** Tables of packet rules by name. */
  readonly tables = new Map<string, string>();
  /** Chains of others that drop what passes, with the devices that they let through. */
  readonly chains = new Map<string, readonly string[]>();
  /** How names are looked up, and who is asked. */
  way: DnsChange["way"] = "resolved";
  servers: readonly string[] = [];
  readonly #interfaces: Interface[] = [];
  readonly #routes: Route[] = [];
  readonly #watchers = new Set<() => void>();
  #lastIndex = 0;

  /** Adds an interface that is up; answers its index. */
  plug(name: string, ...addresses: readonly Interface["addresses"][number]["prefix"][]): number {
    const index = ++this.#lastIndex;
    this.#interfaces.push({
      name,
      index,
      mac: null,
      up: true,
      loopback: name === "lo",
      mtu: 1500,
      addresses: addresses.map((prefix) => ({ address: prefix, prefix, linkLocal: false, temporary: false })),
    });
    this.#changed();
    return index;
  }

  /** Takes an interface away with its addresses and routes, as when its process died. */
  unplug(name: string): void {
    remove(this.#interfaces, (each) => each.name === name);
    remove(this.#routes, (each) => each.interface === name);
    this.#changed();
  }

  hostName(): string {
    return "fake";
  }

  lifetime(): string {
    return this.life;
  }

  interfaces(): readonly Interface[] {
    return this.#interfaces;
  }

  routes(): readonly Route[] {
    return this.#routes;
  }

  async setLink(change: Parameters<System["setLink"]>[0]): Promise<void> {
    this.#record(`set-link ${change.device}`);
  }

  async removeLink(device: string): Promise<void> {
    this.#record(`remove-link ${device}`);
    this.unplug(device);
  }

  async addAddress(change: Parameters<System["addAddress"]>[0]): Promise<void> {
    this.#record(`add-address ${change.device} ${formatAddress(change.address)}/${change.length}`);
    const prefix = toPrefix(change.address, change.length);
    const added = { address: change.address, prefix, linkLocal: false, temporary: false };
    this.#replace(change.device, (addresses) => [...addresses, added]);
  }

  async removeAddress(change: Parameters<System["removeAddress"]>[0]): Promise<void> {
    this.#record(`remove-address ${change.device} ${formatAddress(change.address)}/${change.length}`);
    const { value } = change.address;
    this.#replace(change.device, (addresses) => addresses.filter((each) => each.address.value !== value));
  }

  async addRoute(change: Parameters<System["addRoute"]>[0]): Promise<void> {
    this.#record(`add-route ${change.device} ${formatPrefix(change.prefix)}`);
    const { prefix, device } = change;
    this.#routes.push({ prefix, interface: device, gateway: null, metric: 0, own: true });
    this.#changed();
  }

  async removeRoute(change: Parameters<System["removeRoute"]>[0]): Promise<void> {
    this.#record(`remove-route ${change.device} ${formatPrefix(change.prefix)}`);
    const wanted = formatPrefix(change.prefix);
    remove(this.#routes, (each) => each.own && formatPrefix(each.prefix) === wanted);
    this.#changed();
  }

  setting(name: string): string | null {
    return this.settings.get(name) ?? null;
  }

  async changeSetting(name: string, value: string): Promise<void> {
    this.#record(`set ${name}=${value}`);
    this.settings.set(name, value);
  }

  async setPassage(name: string, sites: readonly Passage[] | null): Promise<void> {
    this.#record(sites === null ? `remove-table ${name}` : `set-table ${name}`);
    if (sites === null) this.tables.delete(name);
    else this.tables.set(name, passageRules(sites));
  }

  async firewalls({ devices }: FirewallOpening): Promise<readonly Firewall[]> {
    return [...this.chains].map(([name, open]) => ({
      name,
      open: JSON.stringify(open) === JSON.stringify(devices),
    }));
  }

  async openFirewalls({ mark, devices }: FirewallOpening): Promise<void> {
    this.#record(`open-firewalls ${mark} ${devices.join()}`);
    for (const name of this.chains.keys()) this.chains.set(name, devices);
  }

  async closeFirewalls(mark: string): Promise<void> {
    this.#record(`close-firewalls ${mark}`);
    for (const name of this.chains.keys()) this.chains.set(name, []);
  }

  watchFirewalls(onChange: () => void) {
    return this.watch(onChange);
  }

  async setExit(change: ExitChange): Promise<void> {
    this.#record(`set-exit ${change.interface ?? "nowhere"}${change.strict ? " strict" : ""}`);
  }

  async removeExit(): Promise<void> {
    this.#record("remove-exit");
  }

  async openOutside(name: string, mark: number): Promise<void> {
    this.#record(`open-outside ${name} ${mark}`);
  }

  async enterOutside(name: string): Promise<number> {
    this.#record(`enter-outside ${name}`);
    return 4711;
  }

  async outside(): Promise<readonly OutsideProgram[]> {
    return [{ process: 4711, program: "curl" }];
  }

  async leaveOutside(name: string, process: number): Promise<void> {
    this.#record(`leave-outside ${name} ${process}`);
  }

  async closeOutside(name: string): Promise<void> {
    this.#record(`close-outside ${name}`);
  }

  connectMarked(target: { readonly host: string; readonly port: number }): Socket {
    return connect(target);
  }

  readonly rights = ownRights(() => ({ ok: true }));

  async openTun(): Promise<never> {
    throw new AppError("no-tun", { detail: "a system in memory" });
  }

  marker(): null {
    return null;
  }

  async listenNames(): Promise<null> {
    return null;
  }

  async dnsWay(): Promise<DnsChange["way"]> {
    return this.way;
  }

  dnsServers(): readonly string[] {
    return this.servers;
  }

  async setDns(change: DnsChange): Promise<void> {
    this.#record(`set-dns ${change.way} ${change.server}`);
  }

  async removeDns(change: DnsChange): Promise<void> {
    this.#record(`remove-dns ${change.way} ${change.server}`);
  }

  watchDns(onChange: () => void) {
    return this.watch(onChange);
  }

  watch(onChange: () => void) {
    this.#watchers.add(onChange);
    return { close: () => void this.#watchers.delete(onChange) };
  }

  #record(change: string): void {
    this.before(change);
    this.log.push(change);
  }

  #replace(device: string, edit: (addresses: Interface["addresses"]) => Interface["addresses"]): void {
    const at = this.#interfaces.findIndex((each) => each.name === device);
    const found = this.#interfaces[at];
    if (found !== undefined) this.#interfaces[at] = { ...found, addresses: edit(found.addresses) };
    this.#changed();
  }

  #changed(): void {
    for (const watcher of this.#watchers) watcher();
  }
}

function remove<Item>(list: Item[], matches: (item: Item) => boolean): void {
  for (let at = list.length - 1; at >= 0; at--) {
    const item = list[at];
    if (item !== undefined && matches(item)) list.splice(at, 1);
  }
}
