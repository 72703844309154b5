/** A model of the router: carries state and presence, passes sealed datagrams on. It admits with the product's own rules. */
import { AddressBook } from "../../../src-main/mesh/addresses.ts";
import { canAdmit } from "../../../src-main/mesh/admission.ts";
import type { Endpoint } from "../../../src-main/mesh/effect.ts";
import { Membership } from "../../../src-main/mesh/membership.ts";
import type { IdentityKey, SessionKey } from "../../../src-shared/ids.ts";
import type { Transport } from "../../../src-shared/status.ts";
import type { Certificate, Entry, EntryOf } from "../../../src-shared/trust.ts";
import type { Presence } from "../../../src-shared/wire.ts";
import type { TestNetwork } from "../../fakes/entries.ts";
import { hashOf, sessionOf } from "../../fakes/entries.ts";
import type { HeapClock } from "./clock.ts";
import type { Host } from "./internet.ts";
import type { Plane } from "./plane.ts";

/** A node as the router knows it: how it is told, where it answers. */
export interface Client {
  readonly identity: IdentityKey;
  readonly plane: Plane;
  /** How much of the router's log it knows. */
  readonly heard: number;
  /** Entries, and how much of the log is known with them. */
  readonly told: (entries: readonly Entry[], known: number) => void;
  readonly presence: (complete: boolean, members: readonly Presence[]) => void;
  readonly offered: (from: SessionKey, channel: number, handshake: number) => void;
  readonly carried: (from: SessionKey) => void;
}

interface Seat {
  readonly client: Client;
  /** Where its datagrams come from; null without a UDP session. */
  bound: Endpoint | null;
  /** Where it was lately; it may use its channels from there. */
  places: readonly Endpoint[];
  presence: Presence;
}

/** Everybody's meeting place. */
export class Router {
  readonly host: Host;
  readonly key = sessionOf("router");
  readonly membership: Membership;
  isUp = true;
  /** Links that it takes. */
  takes: readonly Transport[] = [];
  /** Whether what it sends arrives at an endpoint. */
  reaches: (to: Endpoint) => boolean = () => true;
  /** Datagrams passed on. */
  relayed = 0;
  /** Bytes of entries and presence told to nodes, by the size of their JSON. */
  toldBytes = 0;
  readonly #clock: HeapClock;
  readonly #net: TestNetwork;
  readonly #book: AddressBook;
  readonly #seats = new Map<SessionKey, Seat>();
  readonly #channels = new Map<number, { readonly owner: SessionKey; readonly to: number }>();
  readonly #pairs = new Map<string, number>();
  #nextChannel = 1;
  #unsaid: Entry[] = [];
  /** Everything that was ever taken in, so that a node is told only what it missed. */
  readonly #log: Entry[] = [];

  constructor(host: Host, net: TestNetwork, clock: HeapClock) {
    this.host = host;
    this.#net = net;
    this.#clock = clock;
    this.#book = new AddressBook(net.id, hashOf);
    this.membership = new Membership(net.id, hashOf);
  }

  get endpoint(): Endpoint {
    return this.host.endpoint;
  }

  /** Steps 3 to 6 of joining: a certificate by the invite's key, with the address that was reserved. */
  join(name: string, identity: IdentityKey, key: SessionKey): EntryOf<"certificate"> {
    const now = this.#clock.now;
    const facts = { ranges: this.membership.record?.ranges ?? [], inUse: this.membership.addressesInUse() };
    const reserved = this.#book.reserve({ identity, name }, facts, now);
    if (!reserved.ok) throw new Error(reserved.code);
    const change: Partial<Certificate> = {
      identity,
      sessionKey: key,
      addresses: [reserved.address],
      issued: now,
    };
    const entry = this.#net.delegated("invite", reserved.name, 0, change);
    const admission = canAdmit(this.membership, entry, now);
    if (!admission.ok) throw new Error(admission.code);
    this.publish([entry]);
    return entry;
  }

  /** Takes entries in and tells everybody what is new, a batch every half second. */
  publish(entries: readonly Entry[]): void {
    const { changed } = this.membership.merge(entries, this.#clock.now);
    if (!changed) return;
    this.#log.push(...entries);
    if (this.#unsaid.length === 0) this.#clock.after(batchMillis, () => this.#say());
    this.#unsaid.push(...entries);
  }

  /** Everything so far, and its length. */
  get log(): readonly Entry[] {
    return this.#log;
  }

  attach(client: Client): void {
    if (!this.isUp) return;
    const presence = { identity: client.identity, online: true, udp: false };
    this.#seats.set(client.plane.key, { client, bound: null, places: [], presence });
    const entries = this.#log.slice(client.heard);
    const members = [...this.#seats.values()].map((seat) => seat.presence);
    this.toldBytes += bytesOf(entries) + members.length * presenceBytes;
    client.told(entries, this.#log.length);
    client.presence(true, members);
    this.#sayPresence(client.plane.key);
  }

  detach(key: SessionKey): void {
    const seat = this.#seats.get(key);
    if (seat === undefined) return;
    this.#seats.delete(key);
    for (const [channel, { owner }] of this.#channels) if (owner === key) this.#channels.delete(channel);
    this.#tellOthers(key, { identity: seat.client.identity, online: false, udp: false });
  }

  /** A node's UDP session with the router stands: its datagrams come from there. */
  bind(key: SessionKey, source: Endpoint): void {
    const seat = this.#seats.get(key);
    if (seat === undefined || !this.isUp) return;
    const isNews = seat.bound === null;
    seat.bound = source;
    seat.places = [...seat.places.filter((place) => place !== source), source].slice(-mostPlaces);
    if (isNews) seat.presence = { ...seat.presence, udp: true };
    if (isNews) this.#sayPresence(key);
  }

  carry(from: SessionKey, to: SessionKey): void {
    if (this.isUp) this.#seats.get(to)?.client.carried(from);
  }

  /** Opens a pair of channels; what answers is the asking end's, or why there is none. */
  open(
    from: SessionKey,
    to: SessionKey,
    handshake: number,
  ): { readonly channel: number } | { readonly refused: string } | null {
    if (!this.isUp || this.#seats.get(from)?.bound == null) return null;
    const other = this.#seats.get(to);
    if (other === undefined || other.bound === null) return { refused: "offline" };
    const pair = `${from} ${to}`;
    let channel = this.#pairs.get(pair);
    if (channel === undefined || !this.#channels.has(channel) || !this.#channels.has(channel + 1)) {
      channel = this.#nextChannel;
      this.#nextChannel += 2;
      this.#pairs.set(pair, channel);
      this.#channels.set(channel, { owner: from, to: channel + 1 });
      this.#channels.set(channel + 1, { owner: to, to: channel });
    }
    other.client.offered(from, channel + 1, handshake);
    return { channel };
  }

  /** Where a datagram on a channel goes on to; null when it is dropped. */
  forward(channel: number, source: Endpoint): { readonly to: Endpoint; readonly channel: number } | null {
    const entry = this.#channels.get(channel);
    const there = entry === undefined ? undefined : this.#channels.get(entry.to);
    if (!this.isUp || entry === undefined || there === undefined) return null;
    const bound = this.#seats.get(there.owner)?.bound;
    const isThere = this.#seats.get(entry.owner)?.places.includes(source) === true;
    if (!isThere || bound == null) return null;
    this.relayed++;
    return { to: bound, channel: entry.to };
  }

  /** The process ended: what is in memory only is gone. */
  stop(): void {
    this.isUp = false;
    this.#seats.clear();
    this.#channels.clear();
    this.#pairs.clear();
    this.#unsaid = [];
  }

  #say(): void {
    const entries = this.#unsaid;
    this.#unsaid = [];
    this.#book.observe(this.membership.addressesInUse(), this.#clock.now);
    if (!this.isUp) return;
    const known = this.#log.length;
    this.toldBytes += bytesOf(entries) * this.#seats.size;
    for (const { client } of [...this.#seats.values()])
      this.#clock.after(30, () => client.told(entries, known));
  }

  #sayPresence(key: SessionKey): void {
    const seat = this.#seats.get(key);
    if (seat !== undefined) this.#tellOthers(key, seat.presence);
  }

  #tellOthers(key: SessionKey, presence: Presence): void {
    this.#presences.set(key, presence);
    if (this.#presences.size > 1) return;
    this.#clock.after(batchMillis / 5, () => {
      const members = [...this.#presences.values()];
      this.#presences.clear();
      this.toldBytes += members.length * presenceBytes * this.#seats.size;
      if (this.isUp) for (const { client } of [...this.#seats.values()]) client.presence(false, members);
    });
  }

  readonly #presences = new Map<SessionKey, Presence>();
}

const batchMillis = 500;
const mostPlaces = 8;
/** `{"identity":"…44 characters…","online":true,"udp":true}`. */
const presenceBytes = 90;

/** Each entry's body, with kind, key and signature around it. */
function bytesOf(entries: readonly Entry[]): number {
  return entries.reduce((sum, { signed }) => sum + signed.body.length + 200, 0);
}
