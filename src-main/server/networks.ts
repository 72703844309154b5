/** The networks that this router hosts. */
import { fromBase64, toBase64Url } from "../../src-shared/bytes.ts";
import { AppError } from "../../src-shared/errors.ts";
import type { IdentityKey, NetworkId } from "../../src-shared/ids.ts";
import type { Entry, NetworkRecord } from "../../src-shared/trust.ts";
import { Membership } from "../mesh/membership.ts";
import type { HostedSurroundings } from "./hosted.ts";
import { HostedNetwork } from "./hosted.ts";
import type { Seat } from "./seat.ts";

export class Networks {
  readonly #surroundings: HostedSurroundings;
  readonly #hosted = new Map<NetworkId, HostedNetwork>();

  constructor(surroundings: HostedSurroundings) {
    this.#surroundings = surroundings;
  }

  /** Takes up what the store holds. */
  async load(): Promise<void> {
    for (const stored of await this.#surroundings.store.load()) {
      this.#hosted.set(stored.network, new HostedNetwork(stored, this.#surroundings));
    }
  }

  all(): readonly HostedNetwork[] {
    return [...this.#hosted.values()];
  }

  find(network: NetworkId): HostedNetwork | null {
    return this.#hosted.get(network) ?? null;
  }

  /** The network with a shared secret that goes by this name here. */
  withSecret(name: string): HostedNetwork | null {
    return (
      this.all().find((hosted) => hosted.secret && hosted.name.normalize("NFC") === name.normalize("NFC")) ??
      null
    );
  }

  /**
   * Begins to host a network, or takes more of one that is hosted; resolves when it is on disk. Throws `not-allowed`
   * without a record that the issuer stands behind, `network-exists` for a second secret under one name.
   */
  async host(network: NetworkId, entries: readonly Entry[]): Promise<void> {
    const known = this.#hosted.get(network);
    if (known !== undefined) return known.merge(entries);
    const record = this.#recordIn(network, entries);
    if (record === null) {
      throw new AppError("not-allowed", {
        detail: "a network begins with a record that its issuer stands behind",
      });
    }
    if (record.secret && this.withSecret(record.name) !== null)
      throw new AppError("network-exists", { name: record.name });
    if (this.#hosted.size >= mostNetworks) {
      throw new AppError("not-allowed", { detail: `it hosts ${mostNetworks} networks already` });
    }
    const hosted = new HostedNetwork({ network, entries: [], reservations: [] }, this.#surroundings);
    this.#hosted.set(network, hosted);
    try {
      await hosted.merge(entries);
    } catch (error) {
      this.#hosted.delete(network);
      hosted.dismiss(null);
      throw error;
    }
  }

  /** Forgets a network; its members are told, whoever asked for it after the answer. */
  async unhost(network: NetworkId, by: Seat | null): Promise<void> {
    const hosted = this.#hosted.get(network);
    if (hosted === undefined) return;
    this.#hosted.delete(network);
    hosted.dismiss(new AppError("network-closed"), by);
    await this.#surroundings.store.forget(network);
  }

  /** Whether this key is the one that the network's id is the hash of. */
  isIssuer(network: NetworkId, key: IdentityKey): boolean {
    const hash = fromBase64(this.#surroundings.notary.hash(fromBase64(key) ?? new Uint8Array()));
    return hash !== null && toBase64Url(hash) === network;
  }

  /** The network record that counts among entries which are nowhere yet. */
  #recordIn(network: NetworkId, entries: readonly Entry[]): NetworkRecord | null {
    const membership = new Membership(network, this.#surroundings.notary.hash);
    membership.merge(entries, this.#surroundings.now());
    return membership.record;
  }
}

const mostNetworks = 10_000;
