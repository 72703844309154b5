/** Routes of one network on this machine: what it routes for others, and what it takes from other gateways. */

import type { NatOptions } from "../../drivers/dataplane.ts";
import type { Prefix } from "../../src-shared/address.ts";
import { formatPrefix, overlaps, parseAddress, parsePrefix } from "../../src-shared/address.ts";
import type { OwnRouteStatus, RouteAcceptance } from "../../src-shared/route-status.ts";
import type { AdvertisedRoute } from "../../src-shared/trust.ts";
import type { LocalPrefix } from "../mesh/addresses.ts";
import { overlapping } from "../mesh/addresses.ts";
import type { Input } from "../mesh/effect.ts";
import { hostPortOf } from "../mesh/endpoint.ts";
import type { Network } from "../mesh/network.ts";
import type { Overlap } from "../mesh/overlap.ts";
import { findOverlaps } from "../mesh/overlap.ts";
import { mayRoute, usualPriority } from "../mesh/route-table.ts";
import type { Site } from "../system/passage.ts";
import { connectedPrefixes } from "../system/system.ts";
import type { Forwarding } from "./forwarding.ts";
import { lanSideOf } from "./lan-side.ts";
import { isOverlay } from "./locals.ts";
import type { Unrouted } from "./overlay-routes.ts";
import { OverlayRoutes } from "./overlay-routes.ts";
import type { StoredNetwork, StoredRoute } from "./stored.ts";
import type { Surroundings } from "./surroundings.ts";

export interface NetworkRoutesOptions {
  readonly surroundings: Pick<Surroundings, "system" | "journal" | "dataPlane" | "log" | "changed" | "now">;
  readonly forwarding: Forwarding;
  readonly machine: Network;
  readonly stored: () => StoredNetwork;
  /** Name of the interface; null without TUN. */
  readonly device: string | null;
  /** Own addresses, one of each family. */
  readonly sources: () => readonly string[];
  /** The interface has them. */
  readonly ready: () => Promise<void>;
  readonly feed: (input: Input) => void;
}

/** Follows what was asked for here, what administrators grant, and what the system has. */
export class NetworkRoutes {
  readonly #options: NetworkRoutesOptions;
  readonly #overlay: OverlayRoutes | null;
  #wanted: readonly string[] = [];
  #unrouted: readonly Unrouted[] = [];
  #problem: string | null = null;
  #told = "";
  #nat = "null";
  #grounds = "";
  #isOpen = true;
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: NetworkRoutesOptions) {
    this.#options = options;
    const { system, journal } = options.surroundings;
    this.#overlay =
      options.device === null ? null : new OverlayRoutes({ system, journal, device: options.device });
  }

  /** What was chosen, granted or connected may be other than before; done at once, carried out in turn. */
  refresh(): void {
    if (!this.#isOpen) return;
    this.#tell();
    this.#translate();
    void this.#inTurn(() => this.#pass());
    void this.#inTurn(() => this.#route());
  }

  /** Entries came: what administrators grant may be something else, and so may the own addresses. */
  learned(): void {
    const { machine } = this.#options;
    const grounds = `${machine.ownCertificate()?.hash} ${machine.record()?.version}`;
    if (grounds === this.#grounds) return;
    this.#grounds = grounds;
    this.refresh();
  }

  /** These prefixes lead into the network from now on. */
  want(prefixes: readonly string[]): void {
    this.#wanted = prefixes;
    void this.#inTurn(() => this.#route());
  }

  /** Nothing passes any more; the routes go with the interface. */
  async close(): Promise<void> {
    this.#isOpen = false;
    await this.#last;
    await this.#options.forwarding.set(this.#options.stored().network, null).catch(() => undefined);
  }

  /** What this machine was asked to route for others. */
  own(): readonly OwnRouteStatus[] {
    const { name } = this.#options.stored();
    return this.#routes().map(({ route, prefix, granted }) => ({
      network: name,
      prefix: formatPrefix(prefix),
      as: route.as ?? null,
      granted,
      up: this.#isUp(route, prefix),
      priority: route.priority ?? usualPriority,
      snat: route.snat,
      allow: route.allow,
      problem: granted ? this.#problem : null,
    }));
  }

  /** Routes that the system does not have though they are wanted. */
  unrouted(): readonly Unrouted[] {
    return this.#unrouted;
  }

  /** Addresses used twice. Where a gateway is met on the very LAN that it routes, they are the same ones. */
  overlaps(): readonly Overlap[] {
    const { machine } = this.#options;
    const ranges = machine.record()?.ranges ?? [];
    return findOverlaps({ ranges, routes: this.#wanted }, this.#locals()).filter(
      ({ kind, wanted, local }) => kind === "range" || !this.#isSameLan(wanted, local.prefix),
    );
  }

  /** Which routes of others are taken here. */
  acceptance(): RouteAcceptance {
    return this.#options.stored().acceptance ?? everything;
  }

  #tell(): void {
    const own: AdvertisedRoute[] = [];
    const requests: string[] = [];
    for (const { route, prefix, outside, granted } of this.#routes()) {
      if (!granted) requests.push(outside);
      else
        own.push({
          prefix: formatPrefix(prefix),
          ...(route.as === undefined ? {} : { as: route.as }),
          ...(route.priority === undefined ? {} : { priority: route.priority }),
          ...(this.#isUp(route, prefix) ? {} : { down: true }),
        });
    }
    const exit = this.#options.stored().exit?.identity ?? null;
    const ranges = this.#options.machine.record()?.ranges ?? [];
    const clashes = ranges.flatMap((range) => overlapping(range, this.#locals()));
    const input: Input = { kind: "routes", acceptance: this.acceptance(), exit, own, requests, clashes };
    const text = JSON.stringify(input);
    if (text === this.#told) return;
    this.#told = text;
    this.#options.feed(input);
  }

  /** LANs that are known to others by other addresses, or share this machine's, are translated in the data plane. */
  #translate(): void {
    const maps = this.#routes().flatMap(({ route, prefix, granted }) =>
      granted && route.as !== undefined ? [{ inside: formatPrefix(prefix), outside: route.as }] : [],
    );
    const masquerade = this.#masquerade();
    const nat = maps.length === 0 && masquerade === null ? null : { maps, ...(masquerade && { masquerade }) };
    const text = JSON.stringify(nat);
    if (text === this.#nat) return;
    this.#nat = text;
    this.#options.surroundings.dataPlane.setNat(this.#options.stored().network, nat);
  }

  #masquerade(): NatOptions["masquerade"] | null {
    const { stored, sources } = this.#options;
    const { shared } = stored();
    if (shared === undefined) return null;
    const [address4, address6] = ([4, 6] as const).map((family) =>
      sources().find((address) => parseAddress(address)?.family === family),
    );
    return {
      from: shared.prefixes,
      fullCone: shared.fullCone,
      ...(address4 === undefined ? {} : { address4 }),
      ...(address6 === undefined ? {} : { address6 }),
    };
  }

  async #pass(): Promise<void> {
    const { device, forwarding, stored } = this.#options;
    const granted = this.#routes().filter((each) => each.granted);
    if (device === null) {
      this.#problem = granted.length === 0 ? null : "this machine has no interface in the network";
      return;
    }
    const { shared } = stored();
    const behind = (shared?.prefixes ?? []).flatMap((text) => parsePrefix(text) ?? []);
    const site: Site = {
      device,
      routes: [
        ...granted.map(({ route, prefix }) => ({
          prefix,
          snat: route.snat,
          allow: route.allow.flatMap((text) => parsePrefix(text) ?? []),
        })),
        // What nobody asked for from there: the data plane lets in what comes to a port that is open to all, and no more.
        ...(shared?.fullCone ? behind.map((prefix) => ({ prefix, snat: false, allow: [] })) : []),
      ],
      shared: behind,
    };
    const before = this.#problem;
    try {
      await forwarding.set(stored().network, site);
      this.#problem = null;
    } catch (error) {
      this.#problem = error instanceof Error ? error.message : String(error);
      this.#options.surroundings.log("forwarding failed", { error: this.#problem });
    }
    if (this.#problem !== before) this.#options.surroundings.changed();
  }

  async #route(): Promise<void> {
    const { surroundings, device, sources, ready } = this.#options;
    await ready();
    if (this.#overlay === null || !this.#isOpen) return;
    const connected = connectedPrefixes(surroundings.system.interfaces(), device ?? undefined);
    const isFree = (text: string) => {
      const prefix = parsePrefix(text);
      return prefix !== null && !connected.some((each) => overlaps(each.prefix, prefix));
    };
    const before = JSON.stringify(this.#unrouted);
    this.#unrouted = await this.#overlay.apply(this.#wanted.filter(isFree), sources());
    if (JSON.stringify(this.#unrouted) !== before) surroundings.changed();
  }

  #routes() {
    const { machine, stored } = this.#options;
    const certificate = machine.ownCertificate()?.body;
    return (stored().routes ?? []).flatMap((route) => {
      const prefix = parsePrefix(route.prefix);
      const outside = parsePrefix(route.as ?? route.prefix);
      if (prefix === null || outside === null) return [];
      const granted = certificate !== undefined && mayRoute({ certificate }, outside);
      return [{ route, prefix, outside: formatPrefix(outside), granted }];
    });
  }

  /** A LAN that this machine was connected to when it was asked to route it is reached over that, or not at all. */
  #isUp(route: StoredRoute, prefix: Prefix): boolean {
    const side = lanSideOf(prefix, this.#options.surroundings.system);
    return side === "connected" || side === "routed" || (side === "default" && !route.direct);
  }

  /** What this machine is connected to by interfaces that are not ours. */
  #locals(): readonly LocalPrefix[] {
    const { system } = this.#options.surroundings;
    const foreign = system.interfaces().filter(({ name, loopback }) => !loopback && !isOverlay(name));
    return connectedPrefixes(foreign).map(({ prefix, interface: name }) => ({
      prefix: formatPrefix(prefix),
      interface: name,
    }));
  }

  /** Whether a gateway of the prefix is reached directly at an address of the local one. */
  #isSameLan(wanted: string, local: string): boolean {
    const { machine, surroundings } = this.#options;
    const gateways = machine.routes().find(({ prefix }) => prefix === wanted)?.gateways ?? [];
    const lan = parsePrefix(local);
    return gateways.some(({ identity, inside }) => {
      const key = machine.membership.member(identity)?.sessionKey;
      const path = key === undefined ? null : (machine.peer(key, surroundings.now())?.path ?? null);
      if (inside !== wanted || lan === null || path?.kind !== "direct") return false;
      const host = parseAddress(hostPortOf(path.remote).replace(/:\d+$/, "").replaceAll(/[[\]]/g, ""));
      return host !== null && overlaps({ ...host, length: host.family === 4 ? 32 : 128 }, lan);
    });
  }

  #inTurn(task: () => Promise<void>): Promise<void> {
    const result = this.#last.then(task).catch((error: unknown) => {
      this.#options.surroundings.log("routes failed", { error: String(error) });
    });
    this.#last = result;
    return result;
  }
}

const everything: RouteAcceptance = { all: true, prefixes: [] };
