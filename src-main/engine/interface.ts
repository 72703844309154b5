/** A network's virtual interface: opened, given its address and route, ended with all that was set. */
import type { TunDevice } from "../../drivers/tun/tun.ts";
import { formatAddress, formatPrefix, parseAddress, parsePrefix } from "../../src-shared/address.ts";
import { AppError } from "../../src-shared/errors.ts";
import type { Journal } from "../system/journal.ts";
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
  readonly #journal: Journal;
  #plan: InterfacePlan | null = null;

  private constructor(device: TunDevice, journal: Journal) {
    this.device = device;
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
    return new NetworkInterface(device, journal);
  }

  /**
   * Sets addresses and routes; those of an earlier plan that differ are taken back first. Answers why there is no IPv6 here:
   * a system may have it switched off, and IPv4 goes on without. Null: there is.
   */
  async configure(plan: InterfacePlan): Promise<unknown> {
    if (JSON.stringify(this.#plan) === JSON.stringify(plan)) return null;
    if (this.#plan !== null) await this.#journal.undo(this.device.name);
    this.#plan = plan;
    await this.#set(plan.address, plan.range);
    if (plan.resolver !== null) await this.#set(plan.resolver, null);
    try {
      await this.#set(plan.address6, plan.range6);
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

  /** Undoes what was set and ends the interface. */
  async close(): Promise<void> {
    await this.#journal.undo(this.device.name);
    this.device.close();
  }
}
