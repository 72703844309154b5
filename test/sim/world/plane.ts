/** A model of the data plane's contract: handshakes, sessions, probes and what they tell, without a byte of content. */
import type { Effect, Endpoint, Input, Measure } from "../../../src-main/mesh/effect.ts";
import type { SessionKey } from "../../../src-shared/ids.ts";
import type { HeapClock } from "./clock.ts";
import type { Host } from "./internet.ts";
import type { Link } from "./plane-link.ts";
import { lossOf, newLink, routeOf } from "./plane-link.ts";
import { Prober } from "./prober.ts";
import { Puncher } from "./puncher.ts";

/** How datagrams get about; `source` is what the receiver sees, a relay's channel included. */
export interface Carrier {
  readonly clock: HeapClock;
  send(
    from: Host,
    to: Endpoint,
  ): { readonly plane: Plane; readonly source: Endpoint; readonly delayMillis: number } | null;
  /** Where a host is seen by whom it sends to. */
  outside(from: Host, to: Endpoint): Endpoint;
  /** The running data plane of a key. */
  plane(key: SessionKey): Plane | null;
}

type Event = Extract<
  Input,
  { kind: "wanted" | "session" | "ended" | "heard" | "proved" | "lost" | "measured" | "traffic" }
>;

/** One node's data plane in one network. */
export class Plane {
  readonly host: Host;
  readonly key: SessionKey;
  readonly puncher: Puncher;
  readonly #prober: Prober;
  readonly #carrier: Carrier;
  readonly #tell: (event: Event) => void;
  /** Keys that it was told of, and what goes on with those of them that anything goes on with. */
  readonly #peers = new Set<SessionKey>();
  readonly #links = new Map<SessionKey, Link>();
  #traffic = new Set<SessionKey>();
  /** Bytes a second that applications would send to peers, and that arrived there so far. */
  readonly load = new Map<SessionKey, number>();
  loadArrived = 0;
  /** Bytes a second that the way to an endpoint carries; what is more gets lost. */
  room: (endpoint: Endpoint) => number = () => Number.POSITIVE_INFINITY;
  #stopped = false;
  /** Bytes of probes and echoes sent, with their outer headers. */
  probeBytes = 0;

  constructor(
    host: Host,
    key: SessionKey,
    options: {
      readonly carrier: Carrier;
      readonly tell: (event: Event) => void;
      readonly random: () => number;
    },
  ) {
    this.host = host;
    this.key = key;
    this.#carrier = options.carrier;
    this.#tell = options.tell;
    this.#prober = new Prober({
      clock: options.carrier.clock,
      links: this.#links,
      isStopped: () => this.#stopped,
      roundTrip: (link, endpoint, bytes) => this.#roundTrip(link, endpoint, bytes),
      tell: options.tell,
    });
    this.puncher = new Puncher(this, options.carrier, options.random);
  }

  /** What `wanted` peers get each second while they have a session; what asks for one else. */
  beat(wanted: readonly SessionKey[]): void {
    if (this.#stopped) return;
    for (const key of wanted) this.#sendPacket(key);
    const peers = [...this.#traffic];
    this.#traffic = new Set();
    const heavy = peers.filter((peer) => this.load.has(peer));
    if (peers.length > 0) this.#tell({ kind: "traffic", peers, heavy });
    this.#expire();
    this.#prober.beat();
    this.#summarise();
  }

  perform(effect: Effect): void {
    const now = this.#now;
    switch (effect.kind) {
      case "setPeer":
        this.#peers.add(effect.peer);
        break;
      case "removePeer":
        this.#peers.delete(effect.peer);
        this.#links.delete(effect.peer);
        break;
      case "setPaths":
        this.#prober.setPaths(effect);
        break;
      case "handshake": {
        const link = this.#link(effect.peer);
        if (link === null || (link.session !== null && !effect.force && link.handshake === null)) return;
        link.handshake ??= { id: nextSession++, since: now, endpoints: new Set(), sent: 0 };
        const added = effect.endpoints.filter((endpoint) => !link.handshake?.endpoints.has(endpoint));
        for (const endpoint of added) link.handshake.endpoints.add(endpoint);
        this.#call(link, added);
        if (link.handshake.sent++ === 0) this.#repeat(link, link.handshake.id, 0);
        break;
      }
      case "punch":
        this.puncher.perform(effect);
        break;
      case "confine":
      case "setFilter":
      case "setRoutes":
      case "setUnreachable":
        break;
      case "dropSessions":
        for (const link of this.#links.values())
          if (effect.peer === null || link.key === effect.peer) link.session = null;
        break;
      default:
        throw new Error(`no call of the data plane: ${effect.kind}`);
    }
  }

  /** One probe outside the list of paths: who is reached hears where it came from, and so do we of the echo. */
  touch(peer: SessionKey, endpoint: Endpoint): void {
    const link = this.#links.get(peer);
    if (link === undefined || link.session === null) return;
    const there = this.#carrier.send(this.host, endpoint);
    if (there === null || there.plane.key !== peer) return;
    if (!there.plane.#accepts(this.key, link.session, there.source)) return;
    there.plane.#hear(this.key, there.source);
    const back = this.#carrier.send(there.plane.host, there.source);
    if (back?.plane === this) this.#hear(peer, back.source);
  }

  /** Brings a request to the peer over the path in use and its answer back; repeated while there is none. */
  ask<Answer>(peer: SessionKey, what: (there: Plane) => Answer, answered: (answer: Answer) => void): void {
    let kept: { readonly answer: Answer } | null = null;
    let isDone = false;
    const send = (times: number) => {
      const [active] = this.#links.get(peer)?.active ?? [];
      if (isDone || times > 5 || active === undefined) return;
      this.#carrier.clock.after(250 * 2 ** times, () => send(times + 1));
      this.#send(active, (there, source) => {
        if (there.key !== peer) return;
        kept ??= { answer: what(there) };
        const { answer } = kept;
        there.#send(source, () => {
          if (!isDone) answered(answer);
          isDone = true;
        });
      });
    };
    send(0);
  }

  /** A message 1 to be carried by other means. */
  handshakeMessage(peer: SessionKey): number | null {
    const link = this.#link(peer);
    if (link === null) return null;
    if (link.handshake === null) {
      link.handshake = { id: nextSession++, since: this.#now, endpoints: new Set(), sent: 1 };
      this.#repeat(link, link.handshake.id, 0);
    }
    return link.handshake.id;
  }

  receiveMessage1(from: SessionKey, source: Endpoint, id: number): void {
    const link = this.#stopped ? null : this.#link(from);
    if (link === null) return;
    link.pending = id;
    this.#send(source, (plane, back) => plane.#receiveMessage2(this.key, back, id));
  }

  /** Forgets everything: the process ended. */
  stop(): void {
    this.#stopped = true;
    this.#peers.clear();
    this.#links.clear();
  }

  /** Whether a packet for the peer would arrive there now. */
  reaches(peer: SessionKey): boolean {
    const link = this.#links.get(peer);
    const route = link === undefined ? null : routeOf(link);
    if (link?.session == null || route === null) return false;
    const arrival = this.#carrier.send(this.host, route);
    return arrival?.plane.key === peer && arrival.plane.#holds(this.key, link.session);
  }

  hasSession(peer: SessionKey): boolean {
    return this.#links.get(peer)?.session != null;
  }

  #link(key: SessionKey): Link | null {
    const known = this.#links.get(key);
    if (known !== undefined) return known;
    if (!this.#peers.has(key)) return null;
    const link = newLink(key);
    this.#links.set(key, link);
    return link;
  }

  get #now(): number {
    return this.#carrier.clock.now;
  }

  #holds(peer: SessionKey, session: number): boolean {
    return !this.#stopped && this.#links.get(peer)?.session === session;
  }

  #send(to: Endpoint, what: (plane: Plane, source: Endpoint) => void): void {
    const arrival = this.#carrier.send(this.host, to);
    if (arrival !== null)
      this.#carrier.clock.after(arrival.delayMillis, () => what(arrival.plane, arrival.source));
  }

  #call(link: Link, endpoints: Iterable<Endpoint>): void {
    const { handshake } = link;
    if (handshake === null) return;
    for (const endpoint of endpoints) {
      this.#send(endpoint, (plane, source) => {
        if (plane.key === link.key) plane.receiveMessage1(this.key, source, handshake.id);
      });
    }
  }

  #repeat(link: Link, id: number, step: number): void {
    this.#carrier.clock.after(repeats[step] ?? 5000, () => {
      const { handshake } = link;
      if (handshake?.id !== id || this.#stopped || this.#links.get(link.key) !== link) return;
      if (this.#now - handshake.since >= 90_000) {
        link.handshake = null;
        this.#tell({ kind: "ended", peer: link.key, reason: "no-answer" });
        return;
      }
      this.#call(link, handshake.endpoints);
      this.#repeat(link, id, step + 1);
    });
  }

  #receiveMessage2(from: SessionKey, source: Endpoint, id: number): void {
    const link = this.#links.get(from);
    if (link?.handshake?.id !== id) return;
    link.handshake = null;
    this.#establish(link, id, { source, initiator: true });
    this.#send(source, (plane, back) => plane.#receiveConfirmation(this.key, back, id));
  }

  #receiveConfirmation(from: SessionKey, source: Endpoint, id: number): void {
    this.#accepts(from, id, source);
  }

  /** Whether an authentic packet of that session is one here; the first one makes it. */
  #accepts(from: SessionKey, session: number | null, source: Endpoint): boolean {
    const link = this.#stopped ? null : this.#link(from);
    if (link === null || session === null) return false;
    if (link.pending === session) {
      link.pending = null;
      this.#establish(link, session, { source, initiator: false });
    }
    if (link.session !== session) return false;
    link.receivedAt = this.#now;
    return true;
  }

  #establish(
    link: Link,
    id: number,
    { source, initiator }: { readonly source: Endpoint; readonly initiator: boolean },
  ): void {
    const rekey = link.session !== null;
    // Two handshakes crossed: both ends keep the one that began later.
    if (link.session !== null && link.session > id) return;
    link.session = id;
    link.sessionUsedAt = this.#now;
    this.#tell({ kind: "session", peer: link.key, endpoint: source, initiator, rekey });
  }

  /** Probe and echo at once; the time they take is added by the caller. */
  #roundTrip(link: Link, endpoint: Endpoint, bytes: number): number | null {
    this.probeBytes += bytes;
    const there = this.#carrier.send(this.host, endpoint);
    if (there === null || there.plane.key !== link.key) return null;
    if (!there.plane.#accepts(this.key, link.session, there.source)) return null;
    there.plane.#hear(this.key, there.source);
    const back = this.#carrier.send(there.plane.host, there.source);
    there.plane.probeBytes += bytes;
    return back?.plane === this ? there.delayMillis + back.delayMillis : null;
  }

  #hear(from: SessionKey, source: Endpoint): void {
    const link = this.#links.get(from);
    if (link === undefined || link.paths.has(source)) return;
    if (this.#now - (link.heardAt.get(source) ?? Number.NEGATIVE_INFINITY) < 60_000) return;
    link.heardAt.set(source, this.#now);
    this.#carrier.clock.after(1, () => this.#tell({ kind: "heard", peer: from, endpoint: source }));
  }

  #sendPacket(key: SessionKey): void {
    const link = this.#link(key);
    if (link === null) return;
    const route = routeOf(link);
    if (link.session === null || route === null) {
      if (this.#now - link.wantedAt < 5000) return;
      link.wantedAt = this.#now;
      this.#tell({ kind: "wanted", peer: key });
      return;
    }
    this.#traffic.add(key);
    link.sessionUsedAt = this.#now;
    link.sentAt = this.#now;
    const arrival = this.#carrier.send(this.host, route);
    if (arrival?.plane.key !== key) return;
    if (arrival.plane.#accepts(this.key, link.session, arrival.source))
      arrival.plane.#receivePacket(this.key);
  }

  #receivePacket(from: SessionKey): void {
    const link = this.#links.get(from);
    if (link !== undefined) link.sessionUsedAt = this.#now;
    this.#traffic.add(from);
  }

  #expire(): void {
    for (const link of this.#links.values()) {
      if (link.session === null || this.#now - link.sessionUsedAt < 180_000) continue;
      link.session = null;
      this.#tell({ kind: "ended", peer: link.key, reason: "expired" });
    }
  }

  #summarise(): void {
    const paths: Measure[] = [];
    for (const link of this.#links.values()) {
      for (const path of link.paths.values()) {
        if (!path.isFresh) continue;
        path.isFresh = false;
        const { endpoint, rttMillis, minRttMillis, lastEchoMillis } = path;
        const loss = lossOf(path);
        const found = { jitterMillis: 0, lossIn: null, mtu: path.isProved ? 1400 : null };
        const told = { ...found, ...this.#fill(link, endpoint), lastEchoMillis };
        paths.push({ peer: link.key, endpoint, rttMillis, minRttMillis, loss, ...told });
      }
    }
    if (paths.length > 0) this.#tell({ kind: "measured", paths });
  }

  /** What became of a second of load. */
  #fill(link: Link, endpoint: Endpoint): Pick<Measure, "lossOut" | "deliveredPerSecond"> {
    const load = routeOf(link) === endpoint ? (this.load.get(link.key) ?? 0) : 0;
    if (load === 0) return { lossOut: null, deliveredPerSecond: null };
    const deliveredPerSecond = Math.min(load, this.room(endpoint));
    this.loadArrived += deliveredPerSecond;
    // Senders find out how much is too much, and lose some of it again and again.
    return { lossOut: deliveredPerSecond < load ? 0.02 : 0, deliveredPerSecond };
  }
}

/** Message 1 is sent again after these, then every 5 s. */
const repeats = [250, 500, 1000, 2000];
/** Numbers of handshakes; only their order matters. */
let nextSession = 1;
