/** This machine's addresses in one network: they follow its certificate and the network record, down to the interface. */
import { formatAddress, formatPrefix, parseAddress, parsePrefix } from "../../src-shared/address.ts";
import { ulaAddress, ulaPrefix } from "../../src-shared/ula.ts";
import { isUsableIn, resolverAddress } from "../mesh/addresses.ts";
import type { Network } from "../mesh/network.ts";
import type { NetworkInterface } from "./interface.ts";
import { namedNetwork } from "./network-names.ts";
import type { StoredNetwork } from "./stored.ts";
import type { Surroundings } from "./surroundings.ts";

export interface OwnAddressesOptions {
  readonly surroundings: Surroundings;
  readonly machine: Network;
  readonly stored: () => StoredNetwork;
  /** Null without TUN. */
  readonly device: NetworkInterface | null;
  readonly isClosed: () => boolean;
  readonly log: (event: string, error: unknown) => void;
}

export class OwnAddresses {
  readonly #options: OwnAddressesOptions;
  /** What the data plane was last told to keep here. */
  #own: readonly string[] = [];
  /** Where this network's names are answered for. */
  #resolver: string | null = null;
  #configuring: Promise<void> = Promise.resolve();

  constructor(options: OwnAddressesOptions) {
    this.#options = options;
  }

  /** Own IPv6 address in the network; null before there is a certificate. */
  get address6(): string | null {
    const { surroundings, machine, stored } = this.#options;
    if (machine.ownCertificate() === null) return null;
    return ulaAddress(stored().network, surroundings.identity.key, surroundings.notary.hash);
  }

  /** All of them. */
  all(): readonly string[] {
    return [...(this.#options.machine.ownCertificate()?.body.addresses ?? []), this.address6 ?? []].flat();
  }

  /** When the interface is as it was last told to be. */
  settled(): Promise<void> {
    return this.#configuring;
  }

  /** The certificate or the network record may be others now. */
  apply(): void {
    const { surroundings, machine, stored, device, log } = this.#options;
    const address = machine.ownCertificate()?.body.addresses[0];
    const range = machine.record()?.ranges[0];
    const { address6 } = this;
    if (address === undefined || address6 === null || range === undefined) return;
    const prefix = parsePrefix(range);
    const parsed = parseAddress(address);
    // The range is another one now, and the certificate for it is still to come.
    if (parsed === null || !isUsableIn(prefix, parsed)) return;
    const server = prefix === null ? null : resolverAddress(prefix);
    const resolver = server === null ? null : formatAddress(server);
    this.#claim([address, address6, ...(resolver === null ? [] : [resolver])]);
    if (device === null) return;
    this.#configuring = this.#configuring
      .then(async () => {
        const no6 = await device.configure({
          address,
          range: stored().force || prefix === null ? null : formatPrefix(prefix),
          address6,
          range6: ulaPrefix(stored().network, surroundings.notary.hash),
          resolver,
        });
        this.#answerNames(device.device.name, resolver);
        if (no6 !== null) log("no IPv6 inside", no6);
      })
      .catch((error: unknown) => log("configure", error));
  }

  /** Has the data plane keep here what is for this machine and for what it routes, though a peer is asked for more. */
  #claim(addresses: readonly string[]): void {
    const { surroundings, machine, stored } = this.#options;
    const told = machine.membership.member(surroundings.identity.key)?.node?.routes ?? [];
    const routed = told.filter(({ down }) => down !== true).map(({ prefix, as }) => as ?? prefix);
    const own = [...addresses, ...routed].flatMap((text) => parsePrefix(text) ?? []).map(formatPrefix);
    if (own.join() === this.#own.join()) return;
    this.#own = own;
    surroundings.dataPlane.setOwn(stored().network, own);
  }

  /** The interface has the address where names are answered for. */
  #answerNames(device: string, server: string | null): void {
    const { surroundings, machine, stored, isClosed } = this.#options;
    if (server === null || server === this.#resolver || isClosed()) return;
    this.#resolver = server;
    const { names, notary } = surroundings;
    void names.open({
      id: stored().network,
      device,
      server,
      version: () => machine.membership.entries(),
      network: () => namedNetwork(stored(), machine, notary.hash),
    });
  }
}
