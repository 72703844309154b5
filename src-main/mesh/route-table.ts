/**
 * The prefixes behind a network's gateways: who tells of them and may, who carries each, and why.
 *
 * A gateway's word counts only inside the prefixes that its certificate grants it; what else it tells is a request that
 * administrators see. Of several gateways one carries a prefix, the others stand by.
 */
import type { Prefix } from "../../src-shared/address.ts";
import { contains, formatPrefix, overlaps, parsePrefix } from "../../src-shared/address.ts";
import type { IdentityKey, Millis, SessionKey } from "../../src-shared/ids.ts";
import type { RouteAcceptance, RouteReason, RouteState } from "../../src-shared/route-status.ts";
import type { RoutingTable } from "../../src-shared/trust.ts";
import type { Member } from "./membership.ts";
import type { GatewayFacts, Health } from "./route-choice.ts";
import { choiceEnds, chooseGateway, rankGateways } from "./route-choice.ts";

/** How a member is reached just now. */
export interface Reach {
  readonly health: Exclude<Health, "down">;
  readonly rttMillis: number | null;
  /** When packets last went to it or came from it; null: never. */
  readonly usedAt: Millis | null;
}

export interface RouteTableOptions {
  readonly self: IdentityKey;
  readonly reach: (key: SessionKey) => Reach;
}

/** What a peer is besides its own addresses. */
export interface PeerRoutes {
  /** Prefixes that go to it. */
  readonly allowed: readonly string[];
  /** Prefixes that packets from it may come from though another carries them. */
  readonly sources: readonly string[];
}

/** A gateway as one prefix knows it. */
export interface GatewayView extends Omit<GatewayFacts, "since"> {
  readonly name: string;
  /** The prefix as it is behind the gateway. */
  readonly inside: string;
  /** `waits`: not granted. `passed-over`: the routing table has others. */
  readonly counts: "yes" | "waits" | "passed-over";
}

/** A prefix and how it is routed. */
export interface RouteView {
  readonly prefix: string;
  readonly state: Exclude<RouteState, "overlaps">;
  readonly carrier: IdentityKey | null;
  readonly reason: RouteReason;
  readonly central: boolean;
  /** The best first. */
  readonly gateways: readonly GatewayView[];
}

interface Told {
  readonly member: Member;
  readonly inside: string;
  readonly prefix: Prefix;
  /** The prefix in its usual form. */
  readonly text: string;
  readonly priority: number;
  readonly down: boolean;
  readonly counts: boolean;
}

interface Row {
  readonly prefix: Prefix;
  readonly view: RouteView;
}

/** All that is said of one prefix. */
interface Said {
  readonly prefix: Prefix;
  readonly told: Told[];
  /** Null: administrators laid down nothing. */
  central: RoutingTable["routes"] | null;
}

/** One network's. `learn`, `accept`, then `settle` whenever something may have changed. */
export class RouteTable {
  readonly #options: RouteTableOptions;
  /** What each gateway tells, by its identity. */
  readonly #told = new Map<IdentityKey, readonly Told[]>();
  readonly #healths = new Map<IdentityKey, { readonly health: Health; readonly since: Millis }>();
  readonly #carriers = new Map<string, IdentityKey>();
  #rows: readonly Row[] = [];
  #peers = new Map<IdentityKey, PeerRoutes>();
  #kept: ReadonlySet<SessionKey> = new Set();
  #acceptance: RouteAcceptance = { all: true, prefixes: [] };
  #exit: IdentityKey | null = null;
  #central: RoutingTable["routes"] = [];
  #ranges: readonly Prefix[] = [];
  #next: Millis = Number.POSITIVE_INFINITY;

  constructor(options: RouteTableOptions) {
    this.#options = options;
  }

  /** Takes note of what a member tells and may; null: it is none any more. Answers whether it matters here. */
  learn(identity: IdentityKey, member: Member | null): boolean {
    const isKnown = this.#told.delete(identity);
    const told = member === null || member.rank === "stock" ? [] : toldBy(member);
    if (told.length > 0) this.#told.set(identity, told);
    else this.#healths.delete(identity);
    return isKnown || told.length > 0;
  }

  /** The network's own addresses, which no route covers, and what administrators laid down. */
  govern(ranges: readonly Prefix[], table: RoutingTable | null): void {
    this.#ranges = ranges;
    this.#central = table?.routes ?? [];
  }

  /** Which routes are taken here; those to everywhere from one member alone, the way out (null: from nobody). */
  accept(acceptance: RouteAcceptance, exit: IdentityKey | null): void {
    this.#acceptance = acceptance;
    this.#exit = exit;
  }

  /** All who tell of prefixes. */
  tellers(): Iterable<IdentityKey> {
    return this.#told.keys();
  }

  /** Whether anything is told of by this member. */
  tells(identity: IdentityKey): boolean {
    return this.#told.has(identity);
  }

  /** Chooses anew. Answers those whose packets go another way now: who loses some before who gains. */
  settle(now: Millis): readonly IdentityKey[] {
    const before = this.#peers;
    this.#next = Number.POSITIVE_INFINITY;
    this.#note(now);
    this.#rows = [...this.#said()].map(([text, said]) => this.#row(text, said, now)).toSorted(byPrefix);
    this.#peers = this.#divide();
    this.#kept = this.#keep(now);
    const touched = [...new Set([...before.keys(), ...this.#peers.keys()])].filter(
      (identity) => !sameRoutes(before.get(identity), this.#peers.get(identity)),
    );
    const loses = (identity: IdentityKey) => {
      const left = new Set(this.#peers.get(identity)?.allowed);
      return before.get(identity)?.allowed.some((prefix) => !left.has(prefix)) === true;
    };
    return [...touched.filter(loses), ...touched.filter((identity) => !loses(identity))];
  }

  /** What goes to a member, and may come from it, besides its own addresses. */
  of(identity: IdentityKey): PeerRoutes {
    return this.#peers.get(identity) ?? noRoutes;
  }

  /** The prefixes that are routed into the network from here, those to everywhere left out. */
  routed(): readonly string[] {
    return this.#rows
      .filter(({ view, prefix }) => prefix.length > 0 && isRouted(view))
      .map(({ view }) => view.prefix);
  }

  /** Gateways of prefixes in use with which sessions are kept: one takes over from the other. */
  kept(): ReadonlySet<SessionKey> {
    return this.#kept;
  }

  /** All that anybody tells of. */
  views(): readonly RouteView[] {
    return this.#rows.map(({ view }) => view);
  }

  /** Own routes that others take, as they know them. */
  granted(): readonly string[] {
    return (this.#told.get(this.#options.self) ?? []).filter(({ counts }) => counts).map(({ text }) => text);
  }

  /** When `settle` may choose otherwise though nothing was heard. */
  deadline(): Millis {
    return this.#next;
  }

  /** Since when each gateway is as it is. */
  #note(now: Millis): void {
    for (const [identity, told] of this.#told) {
      const [first] = told;
      if (first === undefined || identity === this.#options.self) continue;
      const { health } = this.#options.reach(first.member.sessionKey);
      if (this.#healths.get(identity)?.health !== health) this.#healths.set(identity, { health, since: now });
    }
  }

  #said(): ReadonlyMap<string, Said> {
    const all = new Map<string, Said>();
    for (const told of this.#told.values()) {
      for (const one of told) {
        const known = all.get(one.text);
        if (known === undefined) all.set(one.text, { prefix: one.prefix, told: [one], central: null });
        else known.told.push(one);
      }
    }
    for (const row of this.#central) {
      const prefix = parsePrefix(row.prefix);
      if (prefix === null) continue;
      const text = formatPrefix(prefix);
      const said = all.get(text) ?? { prefix, told: [], central: null };
      all.set(text, said);
      said.central = [...(said.central ?? []), row];
    }
    return all;
  }

  #row(text: string, { prefix, told, central }: Said, now: Millis): Row {
    const ours = central?.filter(({ member }) => member === null || member === this.#options.self);
    const priorities = ours === undefined ? null : new Map(ours.map(({ via, priority }) => [via, priority]));
    const gateways = told.map((one) => this.#gateway(one, priorities));
    const isCounting = ({ counts }: GatewayView) => counts === "yes";
    const ranked = [
      ...rankGateways(gateways.filter(isCounting)),
      ...rankGateways(gateways.filter((gateway) => !isCounting(gateway))),
    ];
    const choice = this.#choose(prefix, ranked, now);
    if (choice.carrier === null) this.#carriers.delete(text);
    else this.#carriers.set(text, choice.carrier);
    return { prefix, view: { prefix: text, ...choice, central: central !== null, gateways: ranked } };
  }

  #choose(
    prefix: Prefix,
    gateways: readonly (GatewayView & GatewayFacts)[],
    now: Millis,
  ): Pick<RouteView, "carrier" | "reason" | "state"> {
    const { self } = this.#options;
    if (prefix.length > 0 && this.#ranges.some((range) => overlaps(range, prefix)))
      return { carrier: null, reason: "range", state: "unreachable" };
    const isOwn = ({ identity, counts, health }: GatewayView) =>
      identity === self && counts !== "waits" && health !== "down";
    if (prefix.length > 0 && gateways.some(isOwn)) return { carrier: null, reason: "own", state: "own" };
    const others = gateways.filter(({ identity, counts }) => identity !== self && counts === "yes");
    if (others.length === 0) {
      const isElsewhere = gateways.some(({ counts }) => counts === "passed-over");
      return isElsewhere
        ? { carrier: null, reason: "elsewhere", state: "refused" }
        : { carrier: null, reason: "waits", state: "waits" };
    }
    const taken = prefix.length > 0 ? others : others.filter(({ identity }) => identity === this.#exit);
    if (taken.length === 0 || !this.#accepts(prefix))
      return { carrier: null, reason: "refused", state: "refused" };
    const text = formatPrefix(prefix);
    const { carrier, reason } = chooseGateway(taken, this.#carriers.get(text) ?? null, now);
    this.#next = Math.min(this.#next, choiceEnds(taken, now));
    return { carrier, reason, state: carrier === null || reason === "lost" ? "unreachable" : "carried" };
  }

  #gateway(told: Told, central: ReadonlyMap<IdentityKey, number> | null): GatewayView & GatewayFacts {
    const { identity, sessionKey, certificate } = told.member;
    const isSelf = identity === this.#options.self;
    const known = this.#healths.get(identity);
    const reach = isSelf ? null : this.#options.reach(sessionKey);
    const listed = central?.get(identity);
    return {
      identity,
      name: certificate.name,
      inside: told.inside,
      priority: listed ?? told.priority,
      health: told.down ? "down" : isSelf ? "stands" : (known?.health ?? "untried"),
      since: known?.since ?? 0,
      rttMillis: reach?.rttMillis ?? null,
      counts: !told.counts ? "waits" : central !== null && listed === undefined ? "passed-over" : "yes",
    };
  }

  #accepts(prefix: Prefix): boolean {
    const { all, prefixes } = this.#acceptance;
    const isNamed = prefixes.some((text) => {
      const named = parsePrefix(text);
      return named !== null && covers(named, prefix);
    });
    return prefix.length === 0 || isNamed !== all;
  }

  /** Each prefix to who carries it; to the others it is a source. */
  #divide(): Map<IdentityKey, PeerRoutes> {
    const peers = new Map<IdentityKey, { allowed: string[]; sources: string[] }>();
    for (const { view } of this.#rows) {
      const text = view.prefix;
      if (view.state !== "carried" && view.state !== "unreachable") continue;
      for (const { identity, counts } of view.gateways) {
        if (counts !== "yes" || identity === this.#options.self) continue;
        const routes = peers.get(identity) ?? { allowed: [], sources: [] };
        peers.set(identity, routes);
        if (identity === view.carrier) routes.allowed.push(text);
        else if (view.reason !== "range") routes.sources.push(text);
      }
    }
    return peers;
  }

  #keep(now: Millis): ReadonlySet<SessionKey> {
    const kept = new Set<SessionKey>();
    for (const { view } of this.#rows) {
      const { carrier, gateways } = view;
      const usable = gateways.filter(
        ({ counts, health, identity }) =>
          counts === "yes" && health !== "down" && identity !== this.#options.self,
      );
      const key = carrier === null ? undefined : this.#keyOf(carrier);
      if (key === undefined || usable.length < 2) continue;
      const { usedAt } = this.#options.reach(key);
      if (usedAt === null || now - usedAt >= keptFor) continue;
      this.#next = Math.min(this.#next, usedAt + keptFor);
      for (const { identity } of usable) {
        const other = this.#keyOf(identity);
        if (other !== undefined) kept.add(other);
      }
    }
    return kept;
  }

  #keyOf(identity: IdentityKey): SessionKey | undefined {
    return this.#told.get(identity)?.[0]?.member.sessionKey;
  }
}

/** Whether a prefix lies inside another; only what is everywhere covers everywhere. */
export function covers(wide: Prefix, narrow: Prefix): boolean {
  if (wide.length === 0 || narrow.length === 0)
    return wide.length === narrow.length && wide.family === narrow.family;
  return wide.length <= narrow.length && contains(wide, narrow);
}

/** Whether a certificate lets its holder route a prefix. */
export function mayRoute({ certificate: { rights } }: Pick<Member, "certificate">, prefix: Prefix): boolean {
  return (rights.gateway ?? []).some((text) => {
    const granted = parsePrefix(text);
    return granted !== null && covers(granted, prefix);
  });
}

function toldBy(member: Member): readonly Told[] {
  const told: Told[] = [];
  for (const { prefix: inside, as, priority = usualPriority, down = false } of member.node?.routes ?? []) {
    const prefix = parsePrefix(as ?? inside);
    if (prefix === null) continue;
    const text = formatPrefix(prefix);
    told.push({ member, inside, prefix, text, priority, down, counts: mayRoute(member, prefix) });
  }
  for (const text of member.node?.requests ?? []) {
    const prefix = parsePrefix(text);
    const usual = prefix === null ? text : formatPrefix(prefix);
    if (prefix === null || told.some((one) => one.text === usual)) continue;
    const asked = { priority: usualPriority, down: true, counts: false };
    told.push({ member, inside: usual, prefix, text: usual, ...asked });
  }
  return told;
}

function isRouted({ state, reason }: RouteView): boolean {
  return state === "carried" || (state === "unreachable" && reason !== "range");
}

function byPrefix({ prefix: one }: Row, { prefix: other }: Row): number {
  if (one.family !== other.family) return one.family - other.family;
  if (one.value !== other.value) return one.value < other.value ? -1 : 1;
  return one.length - other.length;
}

/** Whether two peers carry the same. */
export function sameRoutes(one: PeerRoutes = noRoutes, other: PeerRoutes = noRoutes): boolean {
  return one.allowed.join() === other.allowed.join() && one.sources.join() === other.sources.join();
}

/** Of who is no gateway. */
export const noRoutes: PeerRoutes = { allowed: [], sources: [] };
/** A gateway's priority unless somebody says another. */
export const usualPriority = 100;
/** So long after the last packet the gateways that stand by are kept in reach. */
const keptFor: Millis = 120_000;
