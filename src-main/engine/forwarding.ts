/**
 * What passes between networks and what is behind this machine: forwarding by the kernel, rules for what passes, also among those
 * of other programs that would drop it, and translation to this machine's own addresses, so that hosts behind it need to know
 * nothing. One for all networks of an engine.
 */
import type { Prefix } from "../../src-shared/address.ts";
import type { FirewallStatus } from "../../src-shared/route-status.ts";
import type { Journal, SystemChange } from "../system/journal.ts";
import type { Site } from "../system/passage.ts";
import { passageOf } from "../system/passage.ts";
import type { FirewallOpening, System, Watch } from "../system/system.ts";
import { isOverlay } from "./locals.ts";
import type { Log } from "./surroundings.ts";

export interface ForwardingOptions {
  readonly system: System;
  readonly journal: Journal;
  /** Tells this engine's table of rules from those of others on the machine: letters and digits. */
  readonly mark: string;
  /** Whether rules of other programs that drop what passes may be added to. */
  readonly opensFirewalls: () => boolean;
  readonly log: Log;
  /** What users see changed. */
  readonly changed: () => void;
}

/** Switched on while any network routes a prefix here, and back as it was afterwards. */
export class Forwarding {
  readonly #options: ForwardingOptions;
  readonly #sites = new Map<string, Site>();
  readonly #applied: SystemChange[] = [];
  /** What was carried out as a whole; null after a failure. */
  #done: string | null = "[]";
  #firewalls: readonly FirewallStatus[] = [];
  #opened: FirewallOpening | null = null;
  #watch: Watch | null = null;
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: ForwardingOptions) {
    this.#options = options;
  }

  /**
   * What is reached through here from one network; null: the network is closed. Networks without routes here are named as
   * well, with none: nothing of theirs passes. Throws `system-refused`, `no-privilege`.
   */
  set(network: string, site: Site | null): Promise<void> {
    const result = this.#last.then(async () => {
      if (site === null) this.#sites.delete(network);
      else this.#sites.set(network, site);
      await this.#apply();
    });
    this.#last = result.catch(() => undefined);
    return result;
  }

  /** Whether rules of other programs are added to was chosen anew, or somebody changed them. */
  look(): Promise<void> {
    const result = this.#last.then(() => this.#lookAtFirewalls());
    this.#last = result;
    return result;
  }

  /** Nothing is looked at or changed any more; the journal undoes what is left. */
  async close(): Promise<void> {
    this.#sites.clear();
    await this.#last;
    this.#watch?.close();
    this.#watch = null;
  }

  /** Rules of other programs that would drop what passes here. */
  firewalls(): readonly FirewallStatus[] {
    return this.#firewalls;
  }

  async #apply(): Promise<void> {
    const { journal } = this.#options;
    const wanted = this.#wanted();
    const text = JSON.stringify(wanted);
    if (text === this.#done) return;
    this.#done = null;
    for (const change of this.#applied.toReversed()) {
      if (wanted.some((other) => isSame(other, change))) continue;
      await journal.revert(change);
      this.#applied.splice(this.#applied.indexOf(change), 1);
    }
    for (const change of wanted) {
      await journal.apply(change);
      if (!this.#applied.some((other) => isSame(other, change))) this.#applied.push(change);
    }
    await this.#lookAtFirewalls();
    this.#done = text;
  }

  async #lookAtFirewalls(): Promise<void> {
    const before = JSON.stringify(this.#firewalls);
    this.#firewalls = await this.#settleFirewalls();
    if (JSON.stringify(this.#firewalls) !== before) this.#options.changed();
  }

  async #settleFirewalls(): Promise<readonly FirewallStatus[]> {
    const { system, journal, opensFirewalls, log } = this.#options;
    const opening = this.#opening();
    if (opening === null) {
      this.#watch?.close();
      this.#watch = null;
    } else this.#watch ??= system.watchFirewalls(() => void this.look());
    try {
      if (this.#opened !== null && (opening === null || !opensFirewalls())) {
        await journal.revert({ kind: "firewall", ...this.#opened });
        this.#opened = null;
      }
      if (opening === null) return [];
      const found = await system.firewalls(opening);
      if (!opensFirewalls() || found.every(({ open }) => open)) return found;
      await journal.apply({ kind: "firewall", ...opening });
      this.#opened = opening;
      return await system.firewalls(opening);
    } catch (error) {
      log("firewalls failed", { error: String(error) });
      return opening === null ? [] : await system.firewalls(opening).catch(() => []);
    }
  }

  /** Null: nothing is to pass. */
  #opening(): FirewallOpening | null {
    const families = ([4, 6] as const).filter((each) =>
      this.#prefixes().some(({ family }) => family === each),
    );
    if (families.length === 0) return null;
    const passing = [...this.#sites.values()].filter(
      ({ routes, shared }) => routes.length + shared.length > 0,
    );
    return { mark: this.#name, devices: passing.map(({ device }) => device), families };
  }

  get #name(): string {
    return `starmesh_${this.#options.mark}`;
  }

  #prefixes(): readonly Prefix[] {
    return [...this.#sites.values()].flatMap(({ routes, shared }) => [
      ...routes.map(({ prefix }) => prefix),
      ...shared,
    ]);
  }

  #wanted(): readonly SystemChange[] {
    const prefixes = this.#prefixes();
    if (prefixes.length === 0) return [];
    const passage: SystemChange = {
      kind: "passage",
      name: this.#name,
      sites: [...this.#sites.values()].map(passageOf).map(({ device, routes }) => ({
        device,
        routes: routes.map((route) => ({ ...route, allow: [...route.allow] })),
      })),
    };
    // The rules stand before anything passes.
    return [passage, ...this.#settings(prefixes)];
  }

  #settings(prefixes: readonly Prefix[]): readonly SystemChange[] {
    const settings: SystemChange[] = [];
    if (prefixes.some(({ family }) => family === 4))
      settings.push({ kind: "setting", name: "net/ipv4/ip_forward", value: "1" });
    if (prefixes.some(({ family }) => family === 6)) {
      settings.push(...this.#keptAdvertisements());
      settings.push({ kind: "setting", name: "net/ipv6/conf/all/forwarding", value: "1" });
    }
    return settings;
  }

  /** A machine that forwards takes no address and default route from its LAN's router any more, unless it is told to. */
  #keptAdvertisements(): readonly SystemChange[] {
    const { system } = this.#options;
    const known = this.#applied.flatMap((change) => (change.kind === "setting" ? [change.name] : []));
    return system
      .interfaces()
      .filter(({ name, loopback }) => !loopback && !isOverlay(name))
      .map(({ name }) => `net/ipv6/conf/${name}/accept_ra`)
      .filter((name) => known.includes(name) || system.setting(name) === "1")
      .map((name) => ({ kind: "setting" as const, name, value: "2" }));
  }
}

function isSame(one: SystemChange, other: SystemChange): boolean {
  return one.kind === other.kind && "name" in one && "name" in other && one.name === other.name;
}
