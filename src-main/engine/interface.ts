/** A network's virtual interface: opened, given its address and route, ended with all that was set. */
import type { TunDevice } from "../../drivers/tun/tun.ts";
import { openTun } from "../../drivers/tun/tun.ts";
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

  /** Opens the next free interface. Throws `no-tun`, `no-privilege`, `system-refused`. */
  static async open(system: System, journal: Journal, mtu: number): Promise<NetworkInterface> {
    const device = await openTun({ mtu });
    try {
      await system.setLink({ device: device.name, mtu, gsoMaxSize, up: true });
    } catch (error) {
      device.close();
      throw error;
    }
    return new NetworkInterface(device, journal);
  }

  /** Sets address and route; those of an earlier plan that differ are taken back first. */
  async configure(plan: InterfacePlan): Promise<void> {
    if (this.#plan?.address === plan.address && this.#plan.range === plan.range) return;
    const address = parseAddress(plan.address);
    const range = plan.range === null ? null : parsePrefix(plan.range);
    if (address === null)
      throw new AppError("address-outside", { address: plan.address, range: plan.range ?? "" });
    const device = this.device.name;
    if (this.#plan !== null) await this.#journal.undo(device);
    this.#plan = plan;
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
