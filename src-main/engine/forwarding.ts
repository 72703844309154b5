/**
 * What passes between networks and what is behind this machine: forwarding by the kernel, rules for what passes, and translation to
 * this machine's own addresses, so that hosts behind it need to know nothing. One for all networks of an engine.
 */
import type { Prefix } from "../../src-shared/address.ts";
import type { Journal, SystemChange } from "../system/journal.ts";
import type { Site } from "../system/passage.ts";
import { passageRules } from "../system/passage.ts";
import type { System } from "../system/system.ts";
import { interfacePrefix } from "./locals.ts";

export interface ForwardingOptions {
  readonly system: System;
  readonly journal: Journal;
  /** Tells this engine's table of rules from those of others on the machine: letters and digits. */
  readonly mark: string;
}

/** Switched on while any network routes a prefix here, and back as it was afterwards. */
export class Forwarding {
  readonly #options: ForwardingOptions;
  readonly #sites = new Map<string, Site>();
  readonly #applied: SystemChange[] = [];
  /** What was carried out as a whole; null after a failure. */
  #done: string | null = "[]";
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
    this.#done = text;
  }

  #wanted(): readonly SystemChange[] {
    const sites = [...this.#sites.values()];
    const prefixes = sites.flatMap(({ routes, shared }) => [
      ...routes.map(({ prefix }) => prefix),
      ...shared,
    ]);
    if (prefixes.length === 0) return [];
    const table: SystemChange = {
      kind: "table",
      name: `starmesh_${this.#options.mark}`,
      body: passageRules(sites),
    };
    // The rules stand before anything passes.
    return [table, ...this.#settings(prefixes)];
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
      .filter(({ name, loopback }) => !loopback && !name.startsWith(interfacePrefix))
      .map(({ name }) => `net/ipv6/conf/${name}/accept_ra`)
      .filter((name) => known.includes(name) || system.setting(name) === "1")
      .map((name) => ({ kind: "setting" as const, name, value: "2" }));
  }
}

function isSame(one: SystemChange, other: SystemChange): boolean {
  return one.kind === other.kind && "name" in one && "name" in other && one.name === other.name;
}
