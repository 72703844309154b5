/**
 * One network as a node decides about it: who is in it, with whom it talks, over which path, and why.
 *
 * ```ts
 * const machine = new Network({ network, self: { identity, sessionKey }, ownRelay: () => null, random, hash });
 * perform(machine.handle({ kind: "entries", entries: stored }, now));   // at start: what the disk has
 * perform(machine.handle({ kind: "wanted", peer }, now));               // then: whatever happens
 * setTimer(machine.deadline(), () => perform(machine.handle({ kind: "tick" }, now)));
 * show(machine.peers(now), machine.ownState());
 * ```
 */
import type { Prefix } from "../../src-shared/address.ts";
import { contains, formatPrefix, parseAddress, parsePrefix } from "../../src-shared/address.ts";
import type { IdentityKey, Millis, NetworkId, SessionKey } from "../../src-shared/ids.ts";
import type { Transport } from "../../src-shared/status.ts";
import type { EntryOf, NatFacts, NetworkRecord, NodeRecord } from "../../src-shared/trust.ts";
import type { Presence, PunchFacts } from "../../src-shared/wire.ts";
import type { LocalPrefix } from "./addresses.ts";
import type { Around } from "./around.ts";
import { Attention } from "./attention.ts";
import { isLossy, outsideHosts, triable } from "./candidate.ts";
import type { Effect, Endpoint, Input, Measure, OwnCandidate } from "./effect.ts";
import { hostOf } from "./endpoint.ts";
import { Gateways } from "./gateways.ts";
import type { PolicyStanding } from "./guard.ts";
import { Guard } from "./guard.ts";
import type { HashOf, Member } from "./membership.ts";
import { Membership } from "./membership.ts";
import { Neighbours } from "./neighbours.ts";
import { Peer } from "./peer.ts";
import type { PeerInput } from "./peer-input.ts";
import { hearPeer } from "./peer-input.ts";
import type { PeerView } from "./peer-view.ts";
import { viewPeer } from "./peer-view.ts";
import type { Pin } from "./pin.ts";
import { hasReturned, Presences } from "./presences.ts";
import { Publication } from "./publication.ts";
import { Punches } from "./punches.ts";
import { Recent } from "./recent.ts";
import type { DirectLink, RelaysChanged } from "./relays.ts";
import { Relays } from "./relays.ts";
import { Roster } from "./roster.ts";
import type { Reach, RouteView } from "./route-table.ts";
import { Timers } from "./timers.ts";
import { ToldAddresses } from "./told-addresses.ts";
import type { SameAddresses } from "./verdict.ts";
import { gatewayOf, neighbourOf, portOf } from "./vicinity.ts";

export interface NetworkOptions {
  readonly network: NetworkId;
  readonly self: { readonly identity: IdentityKey; readonly sessionKey: SessionKey };
  /** Session key of this install's own router role, through which it never relays. */
  readonly ownRelay: () => SessionKey | null;
  /** 0 ≤ x < 1. */
  readonly random: () => number;
  /** SHA-256, base64. */
  readonly hash: HashOf;
  /** State that several machines of one process hold in common; absent: its own. */
  readonly membership?: Membership;
}

/** Where this node stands in the network. `unknown`: no certificate of its own has come. */
export type OwnState =
  | { readonly kind: "member"; readonly address: string | null }
  /** Waits for approval on one of these devices. */
  | { readonly kind: "pending"; readonly devices: readonly string[] }
  | { readonly kind: "removed" }
  /** A member whose address another certificate has. */
  | { readonly kind: "addressLost"; readonly address: string; readonly to: string }
  | { readonly kind: "unknown" };

/** Hears inputs, answers effects. Owns no socket, clock or randomness. */
export class Network {
  readonly membership: Membership;
  readonly #options: NetworkOptions;
  readonly #roster: Roster;
  readonly #gateways: Gateways;
  /** The time of what is being heard. */
  #now: Millis = 0;
  readonly #guard: Guard;
  readonly #publication = new Publication();
  readonly #timers = new Timers();
  /** Peers that something is known of; all others are idle and cost nothing. */
  readonly #peers = new Map<SessionKey, Peer>();
  readonly #neighbours = new Neighbours();
  /** Sessions of stock clients that this node serves: where they were heard last. */
  readonly #stock = new Map<SessionKey, Endpoint>();
  readonly #relays: Relays;
  /** A session with a relay may stand, or be gone, or its path be another. */
  #isRelayNews = false;
  readonly #presences = new Presences();
  readonly #punches: Punches;
  readonly #recent = new Recent();
  readonly #refused = new Map<string, number>();
  /** What the user chose for the paths to some. */
  #pins: ReadonlyMap<IdentityKey, Pin> = new Map();
  #online = false;
  #own: readonly OwnCandidate[] = [];
  #nat: NatFacts | undefined;
  #opensPorts = true;
  /** What is taken at the own candidates' places besides plain UDP. */
  #takes: readonly Transport[] = [];
  /** The transport that alone may be used, and the one by which links stood last. */
  #transport: { readonly only: Transport | null; readonly worked: Transport | null } = {
    only: null,
    worked: null,
  };
  #ranges: readonly Prefix[] = [];
  #clashes: readonly LocalPrefix[] = [];
  /** The ranges, and what is routed into the network from here. */
  #inside: readonly Prefix[] = [];
  readonly #told = new ToldAddresses();
  readonly #attention = new Attention(() => this.#peers.values());
  /** Peers that the data plane keeps to one transport. */
  readonly #confined = new Map<SessionKey, Transport>();
  #effects: Effect[] = [];

  constructor(options: NetworkOptions) {
    this.#options = options;
    this.membership = options.membership ?? new Membership(options.network, options.hash);
    this.#gateways = new Gateways({
      self: options.self.identity,
      membership: this.membership,
      reach: (key) => this.#reach(key),
    });
    this.#roster = new Roster(this.membership, options.self, (identity) => this.#gateways.table.of(identity));
    this.#guard = new Guard(this.membership, options.self.identity);
    this.#punches = new Punches(
      () => ({
        key: options.self.sessionKey,
        own: this.#own,
        nat: this.#nat,
        ranges: this.#inside,
        isKept: (key, now) => this.#recent.keeping(key, now) !== null,
        only: (key) => this.#onlyFor(key),
        random: options.random,
      }),
      (effect) => this.#emit(effect),
    );
    this.#relays = new Relays({
      self: options.self.identity,
      random: options.random,
      member: (identity) => this.membership.member(identity),
      link: (key) => this.#peers.get(key)?.link ?? null,
    });
  }

  /** Takes in what happened; answers what is to be done, in this order. */
  handle(input: Input, now: Millis): readonly Effect[] {
    this.#effects = [];
    this.#now = now;
    this.#hear(input, now);
    for (const name of this.#timers.takeDue(now)) this.#ring(name, now);
    if (this.#isRelayNews) this.#settleRelays(now);
    if (this.#attention.takeAlarm(now)) {
      this.#settleAll(now);
      this.#emit({ kind: "doubt" });
    }
    // Gateways that are called now may be of another mind at once.
    for (let round = 0; round < 2 && this.#gateways.isNews; round++) this.#settleRoutes(now);
    for (const effect of this.#gateways.takeEffects()) this.#emit(effect);
    const effects = inOnce(this.#effects);
    this.#effects = [];
    return effects;
  }

  /** When `handle({ kind: "tick" })` has something to do; null: not before another input. */
  deadline(): Millis | null {
    return this.#timers.next();
  }

  /** Every other member, with how it is reached. */
  peers(now: Millis): readonly PeerView[] {
    return this.membership
      .members()
      .filter(({ identity }) => identity !== this.#options.self.identity)
      .map((member) => this.#view(member, now));
  }

  /** One peer by its session key; null when it is no member. */
  peer(key: SessionKey, now: Millis): PeerView | null {
    const member = this.membership.memberOf(key);
    return member === null ? null : this.#view(member, now);
  }

  /** Peers that are more than a name: called, connected, or given up a while ago. */
  met(now: Millis): readonly PeerView[] {
    return [...this.#peers.keys(), ...this.#stock.keys()].flatMap((key) => this.peer(key, now) ?? []);
  }

  /** Names of the relays that can be used now, and of members that relay. */
  relayNames(): readonly string[] {
    const members = this.membership.members().filter(({ node }) => node?.relay !== undefined);
    const names = [...this.#relays.standing.values()].map(({ name }) => name);
    return [...new Set([...names, ...members.map(({ certificate }) => certificate.name)])];
  }

  /** The relays of this network as this node knows them. */
  get relays(): Pick<Relays, "standing" | "ownCost" | "links" | "kept" | "member"> {
    return this.#relays;
  }

  /** Peers whose sessions stand: those kept as relays first, then others in the order they were met. */
  acquaintances(): readonly SessionKey[] {
    const all = [...this.#peers].filter(([, peer]) => peer.active?.standing === "proved").map(([key]) => key);
    const kept = this.#relays.kept();
    return [...all.filter((key) => kept.has(key)), ...all.filter((key) => !kept.has(key))];
  }

  /** Whether packets that flow get lost where they go through a relay. */
  losesRelayed(now: Millis): boolean {
    for (const peer of this.#peers.values()) {
      const { active } = peer;
      if (active?.kind === "relay" && peer.isFlowing(now) && isLossy(active, false, now)) return true;
    }
    return false;
  }

  /** Whether what is new reaches a peer by no router, as far as this node can tell. */
  lacksRouter(key: SessionKey): boolean {
    return !this.#online || this.#presenceOf(key)?.online === false;
  }

  /** The direct way to a peer that answers; null without one. */
  linkOf(key: SessionKey): DirectLink | null {
    return this.#peers.get(key)?.link ?? null;
  }

  members(): readonly Member[] {
    return this.membership.members();
  }

  record(): NetworkRecord | null {
    return this.membership.record;
  }

  /** The policy as it counts here now. */
  policy(now: Millis): PolicyStanding {
    return this.#guard.standing(now);
  }

  /** The prefixes behind gateways, and how each is routed. */
  routes(): readonly RouteView[] {
    return this.#gateways.table.views();
  }

  /** Entries that counted for nothing when they came, by cause. */
  refused(): Readonly<Record<string, number>> {
    return Object.fromEntries(this.#refused);
  }

  /** The certificate that speaks for this node, waiting for approval or not. */
  ownCertificate(): EntryOf<"certificate"> | null {
    return this.#roster.own()?.entry ?? null;
  }

  ownState(): OwnState {
    return this.#roster.ownState();
  }

  /** What this node tells a peer when they punch, but for a port that was measured just now. */
  punchFacts(): Pick<PunchFacts, "endpoints" | "nat"> {
    return this.#punches.facts();
  }

  #hear(input: Input, now: Millis): void {
    switch (input.kind) {
      case "entries":
        this.#merge(input.entries, now);
        break;
      case "rendezvous":
        this.#online = input.online;
        if (!input.online) this.#presences.forget();
        this.#emit({ kind: "changed" });
        this.#settleAll(now);
        break;
      case "presence":
        this.#hearPresence(input, now);
        break;
      case "relay":
        this.#hearRelay(input, now);
        break;
      case "candidates":
        this.#own = input.candidates;
        this.#nat = input.nat;
        this.#opensPorts = input.opensPorts ?? true;
        this.#takes = input.takes ?? [];
        this.#noteInside();
        this.#told.clear();
        this.#publish(now);
        this.#settleAll(now);
        break;
      case "link":
        for (const key of [...this.#peers.keys()])
          this.#tell(key, now, (peer, around) => peer.handleLink(input.endpoint, input.up, around));
        break;
      case "transport":
        this.#transport = input;
        this.#confineAll();
        this.#settleAll(now);
        break;
      case "measured":
        this.#hearMeasured(input.paths, now);
        break;
      case "traffic":
        this.#hearTraffic(input, now);
        break;
      case "neighbour":
        this.#hearNeighbour(input, now);
        break;
      case "woke":
        this.#wake(input.slept ?? true, input.awayMillis ?? 0, now);
        break;
      case "early":
        this.#recent.wish(input.on);
        this.#settleAll(now);
        break;
      case "inbound":
        this.#guard.acceptsInbound = input.accepts;
        this.#settleFilter(now);
        break;
      case "relaying":
        this.#relays.setOwnCost(input.cost);
        this.#isRelayNews = true;
        this.#publish(now);
        break;
      case "routes":
        this.#clashes = input.clashes ?? [];
        this.#gateways.hear(input);
        this.#publish(now);
        break;
      case "pins":
        this.#pins = input.pins;
        this.#relays.setChosen([...input.pins.values()].flatMap(({ via }) => via ?? []));
        this.#isRelayNews = true;
        this.#confineAll();
        this.#emit({ kind: "changed" });
        this.#settleAll(now);
        break;
      case "punchAsked":
      case "punchAnswered":
        this.#tell(input.peer, now, (peer) =>
          this.#punches.hear(input, { peer, record: this.#recordOf(input.peer), now }),
        );
        break;
      case "tick":
        break;
      default:
        this.#hearPeer(input, now);
    }
  }

  #hearNeighbour({ peer, endpoint }: Extract<Input, { kind: "neighbour" }>, now: Millis): void {
    const member = this.membership.memberOf(peer);
    if (member === null || member.rank === "stock" || !this.#roster.isPeer(member)) return;
    const where = triable([{ endpoint, kind: "lan" }], { ranges: this.#inside, own: this.#own });
    if (where.length > 0 && this.#neighbours.hear(peer, endpoint, now))
      this.#tell(peer, now, () => undefined);
  }

  #hearPeer(input: PeerInput, now: Millis): void {
    const member = this.membership.memberOf(input.peer);
    if (member === null || !this.#roster.isPeer(member)) return;
    if (member.rank === "stock") {
      if (input.kind === "session" || input.kind === "heard") this.#stock.set(input.peer, input.endpoint);
      else if (input.kind === "ended") this.#stock.delete(input.peer);
      this.#emit({ kind: "changed" });
      return;
    }
    const begins = input.kind === "wanted" || input.kind === "carried" || input.kind === "session";
    if (begins || input.kind === "relayOffered") this.#meet(input.peer, now);
    this.#tell(input.peer, now, (peer, around) => hearPeer(peer, input, around));
  }

  #merge(entries: Extract<Input, { kind: "entries" }>["entries"], now: Millis): void {
    const { changed, touched, told, refused } = this.membership.merge(entries, now);
    for (const [cause, times] of Object.entries(refused)) {
      this.#refused.set(cause, (this.#refused.get(cause) ?? 0) + times);
    }
    this.#timers.set("expiry", this.membership.nextExpiry);
    if (!changed) return;
    this.#emit({ kind: "store" });
    this.#emit({ kind: "changed" });
    if (touched === null) {
      this.#ranges = (this.membership.record?.ranges ?? []).flatMap((range) => parsePrefix(range) ?? []);
      this.#noteInside();
      this.#told.clear();
    }
    this.#relays.learn(touched === null ? this.#identities() : new Set([...touched, ...told]));
    this.#gateways.learn(touched === null ? null : new Set([...touched, ...told]), this.#ranges);
    this.#isRelayNews = true;
    // Before its peers are known the data plane knows what to let in from them.
    this.#settleFilter(now);
    for (const effect of this.#roster.update(touched)) {
      if (effect.kind === "removePeer") {
        this.#recent.forget(effect.peer);
        this.#part(effect.peer);
        this.#confined.delete(effect.peer);
      }
      this.#emit(effect);
      if (effect.kind === "setPeer" && effect.peerKind === "node") this.#confine(effect.peer);
    }
    this.#publish(now);
    this.#settleAll(now, touched === null ? null : new Set([...touched, ...told]));
  }

  /** What comes in follows the policy, its trials and the own wish. */
  #settleFilter(now: Millis): void {
    const filter = this.#guard.settle(now);
    this.#timers.set("policy", this.#guard.deadline(now));
    if (filter === undefined) return;
    this.#emit({ kind: "setFilter", filter });
    this.#emit({ kind: "changed" });
  }

  #hearPresence({ complete, members }: Extract<Input, { kind: "presence" }>, now: Millis): void {
    const before = [...this.#peers.keys()].map((key) => [key, this.#presenceOf(key)] as const);
    this.#presences.hear(members, complete);
    this.#emit({ kind: "changed" });
    for (const { identity } of members) {
      const key = this.membership.member(identity)?.sessionKey;
      if (key !== undefined) this.#gateways.noteReach(key, identity);
    }
    for (const [key, was] of before) {
      const is = this.#presenceOf(key);
      if (was?.online === is?.online && was?.udp === is?.udp) continue;
      this.#tell(key, now, (peer, around) =>
        hasReturned(was, is) ? peer.handleReturned(around) : undefined,
      );
    }
  }

  #presenceOf(key: SessionKey): Presence | null {
    const member = this.membership.memberOf(key);
    return member === null ? null : this.#presences.of(member.identity);
  }

  #hearRelay({ relay, name, endpoint }: Extract<Input, { kind: "relay" }>, now: Millis): void {
    if (relay === this.#options.ownRelay()) return;
    if (endpoint !== null) this.#publication.relayed();
    this.#relaysChanged(this.#relays.hearRouter(relay, name, endpoint), now);
  }

  /** Keeps sessions with member relays, and hears which of them can be used. */
  #settleRelays(now: Millis): void {
    this.#isRelayNews = false;
    if (!this.#roster.isMember) return;
    const changed = this.#relays.settle(now);
    if (changed.isNews) this.#relaysChanged(changed, now);
    for (const key of this.#relays.kept()) {
      this.#meet(key, now);
      if (this.#peers.get(key)?.link == null) this.#tell(key, now, () => undefined);
    }
    this.#isRelayNews = false;
    this.#publish(now);
    this.#timers.set("relays", this.#relays.deadline(now));
  }

  /** Who carries which prefix may have changed: those told who lose one before those who gain it. */
  #settleRoutes(now: Millis): void {
    const rerouted = this.#gateways.settle(now);
    if (this.#noteInside()) this.#settleAll(now);
    for (const effect of this.#roster.reroute(rerouted)) this.#emit(effect);
    for (const key of this.#gateways.table.kept()) {
      this.#meet(key, now);
      if (this.#peers.get(key)?.sessionSince == null) this.#tell(key, now, () => undefined);
    }
    this.#timers.set("routes", this.#gateways.table.deadline());
    this.#emit({ kind: "changed" });
  }

  /** What leads into the network from here; a LAN that this node is in does not. Answers whether that is something else now. */
  #noteInside(): boolean {
    const lans = this.#own.flatMap(({ endpoint, kind }) =>
      kind === "lan" ? (parseAddress(hostOf(endpoint)) ?? []) : [],
    );
    const routed = this.#gateways.table
      .routed()
      .flatMap((text) => parsePrefix(text) ?? [])
      .filter((prefix) => !lans.some((address) => contains(prefix, address)));
    const now = [...this.#ranges, ...routed];
    if (now.map(formatPrefix).join() === this.#inside.map(formatPrefix).join()) return false;
    this.#inside = now;
    this.#told.clear();
    return true;
  }

  #reach(key: SessionKey): Reach {
    const peer = this.#peers.get(key);
    const isAway = this.#presenceOf(key)?.online === false;
    if (peer === undefined) return { health: isAway ? "lost" : "untried", rttMillis: null, usedAt: null };
    return {
      health: peer.health(this.#now, isAway),
      rttMillis: peer.active?.rttMillis ?? null,
      usedAt: peer.usedAt,
    };
  }

  #relaysChanged({ gone, moved = [] }: RelaysChanged, now: Millis): void {
    for (const move of moved) {
      for (const peer of this.#peers.values()) peer.handleRelayMoved(move, this.#around(peer.key, now));
    }
    for (const relay of gone) {
      for (const peer of this.#peers.values()) peer.handleRelayGone(relay, this.#around(peer.key, now));
    }
    this.#emit({ kind: "changed" });
    this.#publish(now);
    this.#settleAll(now);
  }

  #identities(): Iterable<IdentityKey> {
    return this.membership.members().map(({ identity }) => identity);
  }

  #hearTraffic({ peers, heavy }: Extract<Input, { kind: "traffic" }>, now: Millis): void {
    this.#recent.used(peers, now);
    for (const key of peers) {
      const peer = this.#peers.get(key);
      if (peer !== undefined && !peer.isFlowing(now))
        this.#gateways.noteTraffic(this.membership.memberOf(key)?.identity);
      // The usual case changes nothing: its timer may ring too early, and is set anew then.
      if (peer?.handleTraffic({ now }, heavy?.includes(key)) === true) this.#tell(key, now, () => undefined);
    }
  }

  #hearMeasured(paths: readonly Measure[], now: Millis): void {
    const byPeer = new Map<SessionKey, Measure[]>();
    for (const measure of paths) {
      const others = byPeer.get(measure.peer);
      if (others === undefined) byPeer.set(measure.peer, [measure]);
      else others.push(measure);
    }
    for (const [key, measures] of byPeer) {
      this.#tell(key, now, (peer, around) => {
        for (const measure of measures) peer.handleMeasured(measure, around);
      });
    }
    this.#emit({ kind: "changed" });
  }

  #wake(slept: boolean, away: Millis, now: Millis): void {
    this.#neighbours.clear();
    if (slept) {
      this.#emit({ kind: "dropSessions", peer: null });
      this.#stock.clear();
    }
    for (const key of [...this.#peers.keys()])
      this.#tell(key, now, (peer, around) => peer.handleWoke(slept ? { away } : null, around));
  }

  #ring(name: string, now: Millis): void {
    if (name === "expiry") this.#merge([], now);
    else if (name === "policy") this.#settleFilter(now);
    else if (name === "publish") this.#publish(now);
    else if (name === "relays") this.#isRelayNews = true;
    else if (name === "routes") this.#settleRoutes(now);
    else this.#tell(name as SessionKey, now, () => this.#emit({ kind: "changed" }));
  }

  #publish(now: Millis): void {
    const { record } = this.membership;
    const { effect, next } = this.#publication.due({
      own: this.#own,
      takes: this.#takes,
      nat: this.#nat,
      relays: this.#relays.told(now),
      relayCost: this.#relays.ownCost,
      ...this.#gateways.own,
      record,
      now,
    });
    this.#timers.set("publish", this.#roster.isMember ? next : null);
    if (!this.#roster.isMember || effect === null) return;
    this.#publication.done(effect, now);
    this.#emit(effect);
  }

  /** What the peer says of itself. */
  #recordOf(key: SessionKey): NodeRecord | null {
    return this.membership.memberOf(key)?.node ?? null;
  }

  #meet(key: SessionKey, now: Millis): void {
    if (!this.#peers.has(key)) this.#peers.set(key, new Peer(key, now));
  }

  #part(key: SessionKey): void {
    this.#peers.get(key)?.part({ emit: this.#emit });
    this.#peers.delete(key);
    this.#punches.part(key);
    this.#gateways.noteDead(key, false);
    this.#stock.delete(key);
    this.#timers.set(key, null);
  }

  /** Tells a peer, lets it draw its conclusions, and sets when it wants to be asked again. */
  #tell(key: SessionKey, now: Millis, what: (peer: Peer, around: Around) => void): void {
    const peer = this.#peers.get(key);
    if (peer === undefined) return;
    const around = this.#around(key, now);
    const decisions = peer.decisions.at(-1);
    const standing = peer.standing(now);
    const link = peer.link?.endpoint;
    what(peer, around);
    peer.settle(around);
    if (peer.link?.endpoint !== link && this.#relays.member(key) !== null) this.#isRelayNews = true;
    if (peer.decisions.at(-1) !== decisions || peer.standing(now) !== standing)
      this.#emit({ kind: "changed" });
    const isAway = around.presence?.online === false;
    const isGone = isAway && peer.health(now, isAway) === "lost";
    this.#gateways.noteDead(key, isGone || ["broken", "unanswered"].includes(peer.standing(now)));
    const identity = this.membership.memberOf(key)?.identity;
    if (identity !== undefined) this.#gateways.noteReach(key, identity);
    if (peer.isForgettable(now)) this.#part(key);
    else
      this.#timers.set(
        key,
        Math.min(peer.deadline(now), this.#punches.settle(peer, this.#recordOf(key), now)),
      );
  }

  /** All peers, or those touched. */
  #settleAll(now: Millis, touched: ReadonlySet<IdentityKey> | null = null): void {
    for (const key of [...this.#peers.keys()]) {
      const identity = touched === null ? undefined : this.membership.memberOf(key)?.identity;
      if (identity === undefined || touched?.has(identity)) this.#tell(key, now, () => undefined);
    }
  }

  #around(key: SessionKey, now: Millis): Around {
    const member = this.membership.memberOf(key);
    const pin = member === null ? null : (this.#pins.get(member.identity) ?? null);
    const told = this.#told.of(member?.node ?? null, { ranges: this.#inside, own: this.#own });
    return {
      now,
      name: member?.certificate.name ?? "",
      relays: this.#relays.standing,
      asked: () => this.#relays.asked(member, pin?.via ?? null),
      isRouted: this.#relays.hasRouter,
      keeping: this.#relays.keeping(member) ?? this.#gateways.keeping(key) ?? this.#recent.keeping(key, now),
      nameOf: this.#nameOf,
      online: this.#online,
      presence: member === null ? null : this.#presences.of(member.identity),
      addresses: [...this.#neighbours.of(key, now), ...told.addresses],
      offer: told.offer,
      inside: this.#inside,
      only: pin?.transport ?? this.#transport.only,
      worked: this.#transport.worked,
      pin,
      relayCost: this.#relayCost,
      flowing: this.#attention.flowing(now),
      isAlarmed: this.#attention.isAlarmed(now),
      alarm: this.#attention.alarm,
      random: this.#options.random,
      emit: this.#emit,
    };
  }

  #view(member: Member, now: Millis): PeerView {
    return viewPeer(member, {
      peer: this.#peers.get(member.sessionKey) ?? null,
      around: this.#around(member.sessionKey, now),
      stockEndpoint: this.#stock.get(member.sessionKey) ?? null,
      served: member.certificate.gateway === this.#options.self.identity,
      gateway: gatewayOf(member, this.membership),
      relaysHere: this.#relays.standing.size > 0 || this.#options.ownRelay() !== null,
      here: {
        nat: this.#nat,
        outside: outsideHosts(this.#own),
        port: portOf(this.#own),
        mayMapPorts: this.#opensPorts,
      },
      there: { nat: member.node?.nat, outside: outsideHosts(member.node?.candidates ?? []) },
      neighbour: () => neighbourOf(member, this.membership, this.#peers),
      overlap: this.#overlapOf(member),
    });
  }

  #overlapOf({ addresses }: Member): SameAddresses | null {
    if (this.#clashes.length === 0) return null;
    for (const address of addresses)
      for (const clash of this.#clashes) {
        const [parsed, local] = [parseAddress(address), parsePrefix(clash.prefix)];
        if (parsed === null || local === null || !contains(local, parsed)) continue;
        const range = this.#ranges.find((each) => contains(each, parsed));
        const { prefix, interface: name } = clash;
        return {
          address,
          range: range === undefined ? "" : formatPrefix(range),
          local: prefix,
          interface: name,
        };
      }
    return null;
  }

  #confineAll(): void {
    for (const member of this.membership.members())
      if (member.rank !== "stock" && this.#roster.isPeer(member)) this.#confine(member.sessionKey);
  }

  /** Has the data plane keep to the transport that alone may be used. */
  #confine(peer: SessionKey): void {
    const only = this.#onlyFor(peer);
    if (only === (this.#confined.get(peer) ?? null)) return;
    if (only === null) this.#confined.delete(peer);
    else this.#confined.set(peer, only);
    this.#emit({ kind: "confine", peer, only });
  }

  /** The transport that alone may be used towards a peer. */
  #onlyFor(key: SessionKey): Transport | null {
    const identity = this.membership.memberOf(key)?.identity;
    const pin = identity === undefined ? undefined : this.#pins.get(identity);
    return pin?.transport ?? this.#transport.only;
  }

  readonly #nameOf = (identity: IdentityKey): string =>
    this.membership.member(identity)?.certificate.name ?? "";

  readonly #relayCost = (relay: SessionKey): Millis =>
    this.membership.memberOf(relay)?.node?.relay?.cost ?? 0;

  readonly #emit = (effect: Effect): void => {
    this.#effects.push(effect);
  };
}

/** `store` and `changed` at most once, at the end. */
function inOnce(effects: readonly Effect[]): readonly Effect[] {
  const others = effects.filter(({ kind }) => kind !== "store" && kind !== "changed");
  const flags = (["store", "changed"] as const).filter((flag) => effects.some(({ kind }) => kind === flag));
  return [...others, ...flags.map((kind) => ({ kind }))];
}
