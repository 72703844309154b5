/** Keeps this node's UDP port open at the gateways of its networks: made at start and after a move, renewed, taken back. */
import { formatAddress, isPrivate } from "../../src-shared/address.ts";
import type { System } from "../system/system.ts";
import type { GatewayPlace, PortMapping } from "../transport/gateway.ts";
import { mapPort } from "../transport/gateway.ts";
import type { Log } from "./surroundings.ts";

export interface PortOpenerOptions {
  readonly system: Pick<System, "interfaces" | "routes">;
  /** UDP port in use; 0 before it is bound. */
  readonly port: () => number;
  readonly isOn: () => boolean;
  /** Mappings changed. */
  readonly changed: () => void;
  readonly log: Log;
  /** The network's own unless given. */
  readonly map?: (place: GatewayPlace, port: number) => Promise<PortMapping | null>;
}

/** What the last round found. */
export type Opening =
  | { readonly kind: "off" }
  /** No gateway translates here: nothing to open. */
  | { readonly kind: "unneeded" }
  | { readonly kind: "asking" }
  | { readonly kind: "refused" }
  | { readonly kind: "open"; readonly mappings: readonly PortMapping[] };

/** One round of asking at a time; a move ends what was known and begins another. */
export class PortOpener {
  readonly #options: PortOpenerOptions;
  #opening: Opening = { kind: "off" };
  #timer: NodeJS.Timeout | null = null;
  /** Which round counts; answers of earlier ones are taken back. */
  #round = 0;
  #failures = 0;
  #closed = false;

  constructor(options: PortOpenerOptions) {
    this.#options = options;
  }

  get opening(): Opening {
    return this.#opening;
  }

  /** `host:port` under which the gateways let others in. */
  endpoints(): readonly string[] {
    return this.#mappings().map(({ endpoint }) => endpoint);
  }

  protocol(): PortMapping["protocol"] | null {
    return this.#mappings()[0]?.protocol ?? null;
  }

  /** At start, after a move, with another port, or switched on or off: what was open before is taken back. */
  renew(): void {
    const before = this.#mappings();
    this.#failures = 0;
    this.#begin(this.#options.isOn() ? { kind: "asking" } : { kind: "off" });
    for (const mapping of before) void mapping.remove();
    if (this.#opening.kind === "asking") void this.#open(this.#round);
  }

  /** Takes everything back; resolves when the gateways have answered or will not. */
  async close(): Promise<void> {
    const before = this.#mappings();
    this.#closed = true;
    this.#begin({ kind: "off" });
    await Promise.all(before.map((mapping) => mapping.remove()));
  }

  #begin(opening: Opening): void {
    const isNews = this.#mappings().length > 0;
    this.#round++;
    this.#opening = opening;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
    if (isNews && !this.#closed) this.#options.changed();
  }

  async #open(round: number): Promise<void> {
    const { port, map = mapPort } = this.#options;
    const places = gatewayPlaces(this.#options.system);
    const number = port();
    if (places.length === 0 || number === 0) {
      this.#opening = { kind: "unneeded" };
      return;
    }
    const asked = await Promise.all(places.map((place) => map(place, number)));
    this.#settle(
      round,
      asked.filter((mapping) => mapping !== null),
    );
  }

  async #renewAll(round: number): Promise<void> {
    const renewed = await Promise.all(this.#mappings().map((mapping) => mapping.renew()));
    if (renewed.every((mapping) => mapping !== null)) this.#settle(round, renewed);
    else if (round === this.#round) this.renew();
  }

  #settle(round: number, mappings: readonly PortMapping[]): void {
    if (round !== this.#round) {
      for (const mapping of mappings) void mapping.remove();
      return;
    }
    const before = this.endpoints().join();
    this.#opening = mappings.length === 0 ? { kind: "refused" } : { kind: "open", mappings };
    if (mappings.length > 0) {
      this.#failures = 0;
      // Half of the shortest lease; one that is for ever is looked at now and then all the same.
      const seconds = Math.min(...mappings.map((mapping) => mapping.seconds ?? forEverSeconds));
      this.#later((seconds * 1000) / 2, () => void this.#renewAll(round));
    } else {
      const wait = Math.min(firstRetryMillis * 2 ** this.#failures++, longestRetryMillis);
      this.#later(wait, () => void this.#open(round));
    }
    if (this.endpoints().join() === before) return;
    this.#options.log("ports", { open: this.endpoints().join(", "), by: this.protocol() });
    this.#options.changed();
  }

  #later(millis: number, what: () => void): void {
    this.#timer = setTimeout(what, millis);
    this.#timer.unref();
  }

  #mappings(): readonly PortMapping[] {
    return this.#opening.kind === "open" ? this.#opening.mappings : [];
  }
}

/** Gateways of the IPv4 default routes, where our own address is one that needs translation. */
export function gatewayPlaces(system: Pick<System, "interfaces" | "routes">): readonly GatewayPlace[] {
  const interfaces = new Map(system.interfaces().map((each) => [each.name, each]));
  const places = system
    .routes()
    .filter(({ prefix }) => prefix.length === 0 && prefix.family === 4)
    .sort((one, other) => one.metric - other.metric)
    .flatMap(({ gateway, interface: device }) => {
      const found = device === null ? undefined : interfaces.get(device);
      const local = found?.addresses.find(({ address }) => address.family === 4 && isPrivate(address));
      if (gateway === null || local === undefined) return [];
      return [{ gateway: formatAddress(gateway), local: formatAddress(local.address) }];
    });
  return [...new Map(places.map((place) => [place.local, place])).values()].slice(0, mostPlaces);
}

const mostPlaces = 2;
const forEverSeconds = 3600;
const firstRetryMillis = 30_000;
const longestRetryMillis = 1_800_000;
