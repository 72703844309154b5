/** A network's virtual interface: opened, given its address and route, ended with all that was set. */
import type { TunDevice } from "../../drivers/tun/tun.ts";
import { formatAddress, formatPrefix, parseAddress, parsePrefix } from "../../src-shared/address.ts";
import { AppError } from "../../src-shared/errors.ts";
import type { Journal, SystemChange } from "../system/journal.ts";
import type { System } from "../system/system.ts";
import { gsoMaxSize } from "../system/system.ts";

/** MTU of every interface of ours: fits the usual internet path with our headers. */
export const tunMtu = 1400;

export interface InterfacePlan {
  /** Own address. */
  readonly address: string;
  /** The network's range; null: no route is set. */
  readonly range: string | null;
  /** The same in IPv6; left out where the system has none. */
  readonly address6: string;
  readonly range6: string;
  /** Where the network's names are answered for, on this machine alone; null: nowhere. */
  readonly resolver: string | null;
}

/** An open interface with its address. */
export class NetworkInterface {
  readonly device: TunDevice;
  readonly #system: System;
  readonly #journal: Journal;
  readonly #admitted: SystemChange[] = [];
  #plan: InterfacePlan | null = null;

  private constructor(device: TunDevice, system: System, journal: Journal) {
    this.device = device;
    this.#system = system;
    this.#journal = journal;
  }

  /** Opens the next free interface. Throws `no-tun`, `no-privilege`, `helper-lost`, `system-refused`. */
  static async open(system: System, journal: Journal, mtu: number): Promise<NetworkInterface> {
    const device = await system.openTun({ mtu });
    try {
      await system.setLink({ device: device.name, mtu, gsoMaxSize, up: true });
    } catch (error) {
      device.close();
      throw error;
    }
    return new NetworkInterface(device, system, journal);
  }

  /**
   * Sets addresses and routes; those of an earlier plan that differ are taken back first. Answers why there is no IPv6 here:
   * a system may have it switched off, and IPv4 goes on without. Null: there is.
   */
  async configure(plan: InterfacePlan): Promise<unknown> {
    if (JSON.stringify(this.#plan) === JSON.stringify(plan)) return null;
    if (this.#plan !== null) await this.#takeBack();
    this.#plan = plan;
    await this.#set(plan.address, plan.range);
    await this.#admit(plan.address);
    if (plan.resolver !== null) await this.#set(plan.resolver, null);
    try {
      await this.#set(plan.address6, plan.range6);
      await this.#admit(plan.address6);
      return null;
    } catch (error) {
      return error;
    }
  }

  async #set(text: string, route: string | null): Promise<void> {
    const address = parseAddress(text);
    const range = route === null ? null : parsePrefix(route);
    if (address === null) throw new AppError("address-outside", { address: text, range: route ?? "" });
    const device = this.device.name;
    const length = address.family === 4 ? 32 : 128;
    await this.#journal.apply({ kind: "address", device, address: formatAddress(address), length });
    if (range === null) return;
    await this.#journal.apply({
      kind: "route",
      device,
      prefix: formatPrefix(range),
      source: formatAddress(address),
    });
  }

  /** What members may reach here is the data plane's filter to say; the system's own would keep all of it out. */
  async #admit(address: string): Promise<void> {
    if (this.#system.admission === null) return;
    const change = { kind: "admission", name: `${this.device.name} ${address}`, address } as const;
    this.#admitted.push(change);
    await this.#journal.apply(change);
  }

  async #takeBack(): Promise<void> {
    for (const change of this.#admitted.splice(0)) await this.#journal.revert(change);
    await this.#journal.undo(this.device.name);
  }

  /** Undoes what was set and ends the interface. */
  async close(): Promise<void> {
    await this.#takeBack();
    this.device.close();
  }
}
