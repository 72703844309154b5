/** The networks of this install: what is kept of each in its file, and what of them is connected. */
import { mkdirSync, readdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { toBase64 } from "../../src-shared/bytes.ts";
import { AppError } from "../../src-shared/errors.ts";
import type { NetworkId } from "../../src-shared/ids.ts";
import { networkId } from "../../src-shared/ids.ts";
import type { NetworkStart } from "../../src-shared/status.ts";
import { Links } from "./links.ts";
import { NetworkLoop } from "./loop.ts";
import { relaySetting } from "./relay-setting.ts";
import type { StoredNetwork } from "./stored.ts";
import { storedNetwork } from "./stored.ts";
import type { Surroundings } from "./surroundings.ts";
import { readVersioned, writeVersioned } from "./versioned-file.ts";

/** A network of this install: connected while `loop` is there. */
export interface Held {
  readonly stored: StoredNetwork;
  readonly loop: NetworkLoop | null;
}

export interface HeldNetworksOptions {
  /** State folder. */
  readonly folder: string;
  readonly surroundings: () => Surroundings;
  /** A network was connected. */
  readonly opened: () => void;
  /** What users see changed. */
  readonly changed: () => void;
}

export class HeldNetworks {
  readonly #options: HeldNetworksOptions;
  readonly #folder: string;
  readonly #held = new Map<NetworkId, { stored: StoredNetwork; loop: NetworkLoop | null }>();
  readonly #links = new Map<NetworkId, Links>();

  constructor(options: HeldNetworksOptions) {
    this.#options = options;
    this.#folder = join(options.folder, "networks");
  }

  /** Reads what is kept; nothing is connected by that. */
  load(): void {
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    for (const file of readdirSync(this.#folder).sort()) {
      const id = networkId.safeParse(file.replace(/\.json$/, ""));
      if (!file.endsWith(".json") || !id.success) continue;
      const stored = readVersioned(join(this.#folder, file), storedNetwork);
      if (stored !== null) this.#held.set(id.data, { stored, loop: null });
    }
  }

  /** All, in their order. */
  all(): readonly Held[] {
    return [...this.#held.values()].sort((one, other) => placeOf(one) - placeOf(other));
  }

  /** Those that are connected. */
  loops(): readonly NetworkLoop[] {
    return [...this.#held.values()].flatMap(({ loop }) => loop ?? []);
  }

  /** One that is connected; null when it is not, or is none of ours. */
  loopOf(id: NetworkId): NetworkLoop | null {
    return this.#held.get(id)?.loop ?? null;
  }

  /** A network by name or by the beginning of its id. Throws `unknown-network`, `ambiguous-network`. */
  find(name: string): Held {
    const all = this.all();
    const exact = all.find(({ stored }) => stored.name === name || stored.network === name);
    if (exact !== undefined) return exact;
    const fitting = all.filter(
      ({ stored }) =>
        stored.name.toLowerCase() === name.toLowerCase() ||
        (name.length >= 4 && stored.network.startsWith(name)),
    );
    const [only, second] = fitting;
    if (only === undefined) throw new AppError("unknown-network", { name });
    if (second !== undefined) {
      throw new AppError("ambiguous-network", {
        name,
        list: fitting.map(({ stored }) => stored.network).join(", "),
      });
    }
    return only;
  }

  /** The loop of a network that is up. Throws `network-off` besides what `find` throws. */
  loop(name: string): NetworkLoop {
    const { stored, loop } = this.find(name);
    if (loop === null) throw new AppError("network-off", { name: stored.name });
    return loop;
  }

  /** Who is linked to whom in a network. */
  linksOf(id: NetworkId): Links {
    const known = this.#links.get(id) ?? new Links();
    this.#links.set(id, known);
    return known;
  }

  /** Brings up every network that was up when the engine ended, unless its start was chosen. */
  async resume(): Promise<void> {
    for (const [id, { stored }] of this.#held) {
      const { start = "kept" } = stored;
      const up = start === "kept" ? stored.up : start === "up";
      if (up !== stored.up) this.change(id, { up });
      if (up) await this.open(id);
    }
  }

  async up(id: NetworkId): Promise<void> {
    this.change(id, { up: true });
    await this.open(id);
  }

  async down(id: NetworkId): Promise<void> {
    this.change(id, { up: false });
    await this.close(id);
  }

  /** Takes up a network that was joined or created. */
  async adopt(fresh: StoredNetwork): Promise<NetworkLoop> {
    const id = fresh.network;
    await this.close(id);
    const last = this.all().at(-1)?.stored.place ?? this.#held.size;
    const { place = last + 1, start } = this.#held.get(id)?.stored ?? {};
    const stored = { ...fresh, place, ...(start === undefined ? {} : { start }) };
    this.save(stored);
    this.#held.set(id, { stored, loop: null });
    return this.open(id);
  }

  /** Connects a network; one that is connected stays so. */
  async open(id: NetworkId): Promise<NetworkLoop> {
    const held = this.#held.get(id);
    if (held === undefined) throw new AppError("unknown-network", { name: id });
    if (held.loop !== null) return held.loop;
    held.loop = await NetworkLoop.open(held.stored, this.#options.surroundings());
    this.#options.opened();
    this.#options.changed();
    return held.loop;
  }

  /** Disconnects a network; what is on disk stays as it is. */
  async close(id: NetworkId): Promise<void> {
    const held = this.#held.get(id);
    const loop = held?.loop;
    if (held === undefined || loop == null) return;
    held.loop = null;
    await loop.close();
    held.stored = loop.stored;
    this.#options.changed();
  }

  async closeAll(): Promise<void> {
    for (const id of this.#held.keys()) await this.close(id);
  }

  /** Disconnects what is connected, does something, and connects it again. */
  async around(what: () => void): Promise<void> {
    const open = this.all().filter(({ loop }) => loop !== null);
    for (const { stored } of open) await this.close(stored.network);
    try {
      what();
    } finally {
      for (const { stored } of open) await this.open(stored.network);
    }
  }

  /** Drops a network of this install without a word to anybody. */
  async forget(id: NetworkId): Promise<void> {
    await this.close(id);
    this.#held.delete(id);
    this.#links.delete(id);
    rmSync(this.#file(id), { force: true });
    this.#options.changed();
  }

  /** Puts networks first, in this order; the others follow as they were. */
  order(first: readonly NetworkId[]): void {
    const others = this.all().flatMap(({ stored: { network } }) =>
      first.includes(network) ? [] : [network],
    );
    for (const [place, id] of [...new Set(first), ...others].entries()) this.change(id, { place });
    this.#options.changed();
  }

  setStart(id: NetworkId, start: NetworkStart): void {
    this.change(id, { start });
    this.#options.changed();
  }

  /** Takes the issuer key of a network: this install administers it from now on. */
  takeIssuer(id: NetworkId, seed: Uint8Array): void {
    this.change(id, { issuerSeed: toBase64(seed) });
    this.#options.changed();
  }

  /** Relays for other members of a network, or no longer (also by a cost of 0); without a cost it stays as it was. */
  setRelay(id: NetworkId, wish: { readonly on: boolean; readonly cost?: number | undefined }): void {
    const held = this.#held.get(id);
    if (held === undefined) return;
    const { cost } = relaySetting(held.stored, this.#options.surroundings().ownRouter() !== null);
    this.change(id, { relay: { on: wish.on && wish.cost !== 0, cost: wish.cost || cost } });
    this.#options.changed();
  }

  /** Whether the ways to peers that were used lately are kept open. */
  setEarly(id: NetworkId, early: boolean): void {
    this.change(id, { early });
    this.loopOf(id)?.applyEarly();
    this.#options.changed();
  }

  /** What this machine routes for others in a network, which routes of others it takes, and for which LANs. */
  setRoutes(id: NetworkId, change: Pick<StoredNetwork, "routes" | "acceptance" | "shared">): void {
    this.change(id, change);
    this.loopOf(id)?.routes.refresh();
    this.#options.changed();
  }

  /** Whether this machine takes part in the broadcasts of a network. */
  setBroadcast(id: NetworkId, take: boolean): void {
    this.change(id, { broadcast: take });
    this.loopOf(id)?.applyBroadcast();
    this.#options.changed();
  }

  /** Changes what is kept of a network. */
  change(id: NetworkId, change: Partial<StoredNetwork>): void {
    const held = this.#held.get(id);
    if (held === undefined) return;
    held.loop?.update(change);
    held.stored = { ...(held.loop?.stored ?? held.stored), ...change };
    this.save(held.stored);
  }

  /** Writes what is kept of a network. */
  save(stored: StoredNetwork): void {
    const held = this.#held.get(stored.network);
    if (held !== undefined) held.stored = stored;
    writeVersioned(this.#file(stored.network), stored);
  }

  #file(id: NetworkId): string {
    return join(this.#folder, `${id}.json`);
  }
}

/** One that was never put anywhere comes last. */
function placeOf({ stored }: Held): number {
  return stored.place ?? Number.MAX_SAFE_INTEGER;
}
