/** Places with hosts, joined by an internet with latency, jitter and loss: where a datagram arrives, if it does. */
import type { Transport } from "../../../src-shared/status.ts";
import type { Random } from "../../fakes/random.ts";
import type { NatKind } from "./nat.ts";
import { Nat } from "./nat.ts";

/** A machine with one UDP port. */
export interface Host {
  readonly name: string;
  readonly place: Place;
  /** `address:port` inside its place. */
  readonly endpoint: string;
}

/** A local network with its way out, or a single host on the internet. */
export interface Place {
  readonly address: string;
  readonly nat: Nat | null;
  readonly kind: NatKind | null;
  readonly hosts: Map<string, Host>;
  /** Where it lies: latency follows from the distance. */
  readonly x: number;
  readonly y: number;
}

/** A datagram at its destination. */
export interface Arrival {
  readonly host: Host;
  /** Source as the destination sees it. */
  readonly source: string;
  readonly delayMillis: number;
  /** The endpoint inside the place that it came to. */
  readonly at: string;
}

export interface Conditions {
  /** Share of datagrams that get lost between places, 0–1. */
  readonly loss: number;
  readonly jitterMillis: number;
}

/** All places; knows nothing of what the datagrams carry. */
export class Internet {
  /** Whether datagrams from one host reach another at all; within one place they always do. */
  passes: (from: Host, to: Host) => boolean = () => true;
  /** The same for plain datagrams alone, and for links of a transport: what firewalls tell apart. */
  passesPlain: (from: Host, to: Host) => boolean = () => true;
  passesLinks: (from: Host, to: Host, transport: Transport) => boolean = () => true;
  /** What a crowded line adds to the way from one host to another, in milliseconds. */
  crowding: (from: Host, to: Host) => number = () => 0;
  readonly #random: Random;
  readonly #conditions: Conditions;
  readonly #places = new Map<string, Place>();
  /** Endpoints that were sent to, taken apart. */
  readonly #parsed = new Map<string, { readonly address: string; readonly port: number }>();

  constructor(random: Random, conditions: Conditions) {
    this.#random = random;
    this.#conditions = conditions;
  }

  /** A new place; `null`: no NAT, its one host has the public address itself. */
  place(kind: NatKind | null): Place {
    const number = this.#places.size + 1;
    const address = `203.${number >> 16}.${(number >> 8) & 255}.${number & 255}`;
    const place: Place = {
      address,
      kind,
      nat: kind === null ? null : new Nat(kind, address, this.#random.next),
      hosts: new Map(),
      x: this.#random.between(0, 60),
      y: this.#random.between(0, 60),
    };
    this.#places.set(address, place);
    return place;
  }

  /** A new host at a place. */
  host(name: string, place: Place): Host {
    const local = place.nat === null ? place.address : `192.168.1.${place.hosts.size + 2}`;
    const host = { name, place, endpoint: `${local}:7743` };
    place.hosts.set(local, host);
    return host;
  }

  /** The host that takes links at an address; none is reached behind a NAT. */
  find(hostPort: string): Host | null {
    const { address } = this.#parse(hostPort);
    const place = this.#places.get(address);
    return place === undefined || place.nat !== null ? null : (place.hosts.get(address) ?? null);
  }

  /** The source as which a datagram of a host shows outside, from an endpoint of it other than its usual one maybe. */
  outside(from: Host, to: string, facts: { readonly now: number; readonly own?: string }): string {
    const own = facts.own ?? from.endpoint;
    return from.place.nat?.outbound(own, to, facts.now) ?? own;
  }

  /** Sends a datagram: NATs on the way learn of it even if it gets lost later. */
  send(from: Host, to: string, facts: { readonly now: number; readonly own?: string }): Arrival | null {
    const { address, port } = this.#parse(to);
    const { now, own = from.endpoint } = facts;
    const neighbour = from.place.hosts.get(address);
    if (neighbour !== undefined) return { host: neighbour, source: own, delayMillis: 0.4, at: to };
    const place = this.#places.get(address);
    const source = this.outside(from, to, facts);
    if (place === undefined || place === from.place || this.#random.next() < this.#conditions.loss)
      return null;
    const internal = place.nat === null ? to : place.nat.inbound(port, source, now);
    const host = internal === null ? undefined : place.hosts.get(this.#parse(internal).address);
    if (host === undefined || !this.passes(from, host) || !this.passesPlain(from, host)) return null;
    return {
      host,
      source,
      at: internal ?? to,
      delayMillis:
        this.latency(from.place, place) +
        this.crowding(from, host) +
        this.#random.next() * this.#conditions.jitterMillis,
    };
  }

  #parse(endpoint: string): { readonly address: string; readonly port: number } {
    let parsed = this.#parsed.get(endpoint);
    if (parsed === undefined) {
      const [address = "", port] = endpoint.split(":");
      parsed = { address, port: Number(port) };
      this.#parsed.set(endpoint, parsed);
    }
    return parsed;
  }

  /** One way, without jitter. */
  latency(one: Place, other: Place): number {
    return 2 + Math.hypot(one.x - other.x, one.y - other.y);
  }
}
