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
import type { IdentityKey, Millis, NetworkId, SessionKey } from "../../src-shared/ids.ts";
import type { EntryOf, NetworkRecord } from "../../src-shared/trust.ts";
import type { PunchFacts } from "../../src-shared/wire.ts";
import { Arounds } from "./arounds.ts";
import { Attention } from "./attention.ts";
import { outsideHosts, triable } from "./candidate.ts";
import { Choices } from "./choices.ts";
import type { Effect, Endpoint, Input } from "./effect.ts";
import { Gateways } from "./gateways.ts";
import type { PolicyStanding } from "./guard.ts";
import { Guard } from "./guard.ts";
import type { HashOf, Member } from "./membership.ts";
import { Membership } from "./membership.ts";
import type { PeerInput } from "./peer-input.ts";
import { hearPeer } from "./peer-input.ts";
import type { PeerView } from "./peer-view.ts";
import { viewPeer } from "./peer-view.ts";
import { Peers } from "./peers.ts";
import { hasReturned } from "./presences.ts";
import { Publication } from "./publication.ts";
import { Punches } from "./punches.ts";
import type { DirectLink, RelaysChanged } from "./relays.ts";
import { Relays } from "./relays.ts";
import type { OwnState } from "./roster.ts";
import { Roster } from "./roster.ts";
import type { RouteView } from "./route-table.ts";
import { Standpoint } from "./standpoint.ts";
import { Timers } from "./timers.ts";
import { gatewayOf, neighbourOf } from "./vicinity.ts";

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
  readonly #standpoint = new Standpoint(() => this.#gateways.table.routed());
  readonly #attention = new Attention(() => this.#peers.all.values());
  readonly #choices: Choices;
  readonly #relays: Relays;
  readonly #punches: Punches;
  readonly #arounds: Arounds;
  readonly #peers: Peers;
  /** Sessions of stock clients that this node serves: where they were heard last. */
  readonly #stock = new Map<SessionKey, Endpoint>();
  readonly #refused = new Map<string, number>();
  #effects: Effect[] = [];

  constructor(options: NetworkOptions) {
    const { self, random } = options;
    const [emit, standpoint, attention, timers] = [
      this.#emit,
      this.#standpoint,
      this.#attention,
      this.#timers,
    ];
    this.#options = options;
    const membership = options.membership ?? new Membership(options.network, options.hash);
    this.membership = membership;
    const gateways = new Gateways({
      self: self.identity,
      membership,
      reach: (key) => this.#peers.reach(key, this.#arounds.presenceOf(key)?.online === false, this.#now),
    });
    this.#gateways = gateways;
    this.#roster = new Roster(membership, self, (identity) => gateways.table.of(identity));
    this.#guard = new Guard(membership, self.identity);
    const choices = new Choices({ identityOf: (key) => membership.memberOf(key)?.identity, emit });
    this.#choices = choices;
    const punches = new Punches(
      () => ({
        key: self.sessionKey,
        own: standpoint.own,
        nat: standpoint.nat,
        ranges: standpoint.inside,
        isKept: (key, now) => this.#arounds.recent.keeping(key, now) !== null,
        only: (key) => choices.onlyFor(key),
        random,
      }),
      emit,
    );
    this.#punches = punches;
    const relays = new Relays({
      self: self.identity,
      random,
      member: (identity) => membership.member(identity),
      link: (key) => this.#peers.linkOf(key),
    });
    this.#relays = relays;
    const arounds = new Arounds({
      membership,
      standpoint,
      choices,
      relays,
      gateways,
      attention,
      random,
      emit,
    });
    this.#arounds = arounds;
    this.#peers = new Peers({
      membership,
      gateways,
      relays,
      punches,
      timers,
      around: (key, now) => arounds.of(key, now),
      emit,
    });
  }

  /** Takes in what happened; answers what is to be done, in this order. */
  handle(input: Input, now: Millis): readonly Effect[] {
    this.#effects = [];
    this.#now = now;
    this.#hear(input, now);
    for (const name of this.#timers.takeDue(now)) this.#ring(name, now);
    if (this.#peers.isRelayNews) this.#settleRelays(now);
    if (this.#attention.takeAlarm(now)) {
      this.#peers.settleAll(now);
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
    return [...this.#peers.all.keys(), ...this.#stock.keys()].flatMap((key) => this.peer(key, now) ?? []);
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
    const all = this.#peers.connected();
    const kept = this.#relays.kept();
    return [...all.filter((key) => kept.has(key)), ...all.filter((key) => !kept.has(key))];
  }

  /** Whether packets that flow get lost where they go through a relay. */
  losesRelayed(now: Millis): boolean {
    return this.#peers.losesRelayed(now);
  }

  /** Whether what is new reaches a peer by no router, as far as this node can tell. */
  lacksRouter(key: SessionKey): boolean {
    return !this.#arounds.online || this.#arounds.presenceOf(key)?.online === false;
  }

  /** The direct way to a peer that answers; null without one. */
  linkOf(key: SessionKey): DirectLink | null {
    return this.#peers.linkOf(key);
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
        this.#arounds.online = input.online;
        if (!input.online) this.#arounds.presences.forget();
        this.#emit({ kind: "changed" });
        this.#peers.settleAll(now);
        break;
      case "presence":
        this.#hearPresence(input, now);
        break;
      case "relay":
        this.#hearRelay(input, now);
        break;
      case "candidates":
        this.#standpoint.hear(input);
        this.#publish(now);
        this.#peers.settleAll(now);
        break;
      case "link":
        this.#peers.tellAll(now, (peer, around) => peer.handleLink(input.endpoint, input.up, around));
        break;
      case "transport":
        this.#choices.setOnly(input.only);
        this.#arounds.worked = input.worked;
        this.#confineAll();
        this.#peers.settleAll(now);
        break;
      case "measured":
        this.#peers.hearMeasured(input.paths, now);
        this.#emit({ kind: "changed" });
        break;
      case "traffic":
        this.#arounds.recent.used(input.peers, now);
        this.#peers.hearTraffic(input, now);
        break;
      case "neighbour":
        this.#hearNeighbour(input, now);
        break;
      case "woke":
        this.#wake(input.slept ?? true, input.awayMillis ?? 0, now);
        break;
      case "early":
        this.#arounds.recent.wish(input.on);
        this.#peers.settleAll(now);
        break;
      case "inbound":
        this.#guard.acceptsInbound = input.accepts;
        this.#settleFilter(now);
        break;
      case "relaying":
        this.#relays.setOwnCost(input.cost);
        this.#peers.isRelayNews = true;
        this.#publish(now);
        break;
      case "routes":
        this.#standpoint.setClashes(input.clashes ?? []);
        this.#gateways.hear(input);
        this.#publish(now);
        break;
      case "pins":
        this.#choices.setPins(input.pins);
        this.#relays.setChosen([...input.pins.values()].flatMap(({ via }) => via ?? []));
        this.#peers.isRelayNews = true;
        this.#confineAll();
        this.#emit({ kind: "changed" });
        this.#peers.settleAll(now);
        break;
      case "punchAsked":
      case "punchAnswered":
        this.#peers.tell(input.peer, now, (peer) =>
          this.#punches.hear(input, { peer, record: this.#peers.recordOf(input.peer), now }),
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
    const { inside: ranges, own } = this.#standpoint;
    const where = triable([{ endpoint, kind: "lan" }], { ranges, own });
    if (where.length > 0 && this.#arounds.neighbours.hear(peer, endpoint, now)) this.#peers.settle(peer, now);
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
    if (begins || input.kind === "relayOffered") this.#peers.meet(input.peer, now);
    this.#peers.tell(input.peer, now, (peer, around) => hearPeer(peer, input, around));
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
    if (touched === null) this.#standpoint.govern(this.membership.record?.ranges ?? []);
    const concerned = touched === null ? null : new Set([...touched, ...told]);
    this.#relays.learn(concerned ?? this.membership.members().map(({ identity }) => identity));
    this.#gateways.learn(concerned, this.#standpoint.ranges);
    this.#peers.isRelayNews = true;
    // Before its peers are known the data plane knows what to let in from them.
    this.#settleFilter(now);
    for (const effect of this.#roster.update(touched)) {
      if (effect.kind === "removePeer") {
        this.#arounds.recent.forget(effect.peer);
        this.#peers.part(effect.peer);
        this.#stock.delete(effect.peer);
        this.#choices.forget(effect.peer);
      }
      this.#emit(effect);
      if (effect.kind === "setPeer" && effect.peerKind === "node") this.#choices.confine(effect.peer);
    }
    this.#publish(now);
    this.#peers.settleAll(now, concerned);
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
    const { presences } = this.#arounds;
    const presenceOf = (key: SessionKey) => this.#arounds.presenceOf(key);
    const before = [...this.#peers.all.keys()].map((key) => [key, presenceOf(key)] as const);
    presences.hear(members, complete);
    this.#emit({ kind: "changed" });
    for (const { identity } of members) {
      const key = this.membership.member(identity)?.sessionKey;
      if (key !== undefined) this.#gateways.noteReach(key, identity);
    }
    for (const [key, was] of before) {
      const is = presenceOf(key);
      if (was?.online === is?.online && was?.udp === is?.udp) continue;
      this.#peers.tell(key, now, (peer, around) =>
        hasReturned(was, is) ? peer.handleReturned(around) : undefined,
      );
    }
  }

  #hearRelay({ relay, name, endpoint }: Extract<Input, { kind: "relay" }>, now: Millis): void {
    if (relay === this.#options.ownRelay()) return;
    if (endpoint !== null) this.#publication.relayed();
    this.#relaysChanged(this.#relays.hearRouter(relay, name, endpoint), now);
  }

  /** Keeps sessions with member relays, and hears which of them can be used. */
  #settleRelays(now: Millis): void {
    this.#peers.isRelayNews = false;
    if (!this.#roster.isMember) return;
    const changed = this.#relays.settle(now);
    if (changed.isNews) this.#relaysChanged(changed, now);
    for (const key of this.#relays.kept()) {
      this.#peers.meet(key, now);
      if (this.#peers.linkOf(key) === null) this.#peers.settle(key, now);
    }
    this.#peers.isRelayNews = false;
    this.#publish(now);
    this.#timers.set("relays", this.#relays.deadline(now));
  }

  /** Who carries which prefix may have changed: those told who lose one before those who gain it. */
  #settleRoutes(now: Millis): void {
    const rerouted = this.#gateways.settle(now);
    if (this.#standpoint.noteInside()) this.#peers.settleAll(now);
    for (const effect of this.#roster.reroute(rerouted)) this.#emit(effect);
    for (const key of this.#gateways.table.kept()) {
      this.#peers.meet(key, now);
      if (this.#peers.get(key)?.sessionSince == null) this.#peers.settle(key, now);
    }
    this.#timers.set("routes", this.#gateways.table.deadline());
    this.#emit({ kind: "changed" });
  }

  #relaysChanged(changed: RelaysChanged, now: Millis): void {
    this.#peers.hearRelays(changed, now);
    this.#emit({ kind: "changed" });
    this.#publish(now);
    this.#peers.settleAll(now);
  }

  #wake(slept: boolean, away: Millis, now: Millis): void {
    this.#arounds.neighbours.clear();
    if (slept) {
      this.#emit({ kind: "dropSessions", peer: null });
      this.#stock.clear();
    }
    this.#peers.tellAll(now, (peer, around) => peer.handleWoke(slept ? { away } : null, around));
  }

  #ring(name: string, now: Millis): void {
    if (name === "expiry") this.#merge([], now);
    else if (name === "policy") this.#settleFilter(now);
    else if (name === "publish") this.#publish(now);
    else if (name === "relays") this.#peers.isRelayNews = true;
    else if (name === "routes") this.#settleRoutes(now);
    else this.#peers.tell(name as SessionKey, now, () => this.#emit({ kind: "changed" }));
  }

  #publish(now: Millis): void {
    const { record } = this.membership;
    const { effect, next } = this.#publication.due({
      own: this.#standpoint.own,
      takes: this.#standpoint.takes,
      nat: this.#standpoint.nat,
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

  #view(member: Member, now: Millis): PeerView {
    const key = member.sessionKey;
    return viewPeer(member, {
      peer: this.#peers.get(key),
      around: this.#arounds.of(key, now),
      stockEndpoint: this.#stock.get(key) ?? null,
      served: member.certificate.gateway === this.#options.self.identity,
      gateway: gatewayOf(member, this.membership),
      relaysHere: this.#relays.standing.size > 0 || this.#options.ownRelay() !== null,
      here: this.#standpoint.here,
      there: { nat: member.node?.nat, outside: outsideHosts(member.node?.candidates ?? []) },
      neighbour: () => neighbourOf(member, this.membership, this.#peers.all),
      overlap: this.#standpoint.overlap(member.addresses),
    });
  }

  #confineAll(): void {
    for (const member of this.membership.members())
      if (member.rank !== "stock" && this.#roster.isPeer(member)) this.#choices.confine(member.sessionKey);
  }

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
