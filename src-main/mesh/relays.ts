/** The relays a node can use: routers it has a session with, and the members that relay and that it keeps a session with. */
import type { IdentityKey, Millis, SessionKey } from "../../src-shared/ids.ts";
import type { NodeRecord } from "../../src-shared/trust.ts";
import type { RelayMember } from "./attachments.ts";
import { Attachments } from "./attachments.ts";
import type { Endpoint } from "./effect.ts";
import type { Member } from "./membership.ts";
import { probeMillis as betweenRelays } from "./routing.ts";

/** A relay that can be used now. */
export interface StandingRelay {
  readonly name: string;
  /** Where datagrams for its channels go. */
  readonly endpoint: Endpoint;
}

/** A direct session with a member, as far as relaying depends on it. */
export interface DirectLink {
  readonly endpoint: Endpoint;
  /** Null until measured. */
  readonly rttMillis: number | null;
}

/** How a session with a member is kept though no packet flows. */
export interface Keeping {
  /** Whether this end calls the other when the session is gone. */
  readonly calls: boolean;
  readonly probeMillis: Millis;
}

/** A neighbour for the routes among relays. */
export interface RelayLink {
  readonly identity: IdentityKey;
  readonly key: SessionKey;
  readonly rttMillis: number;
}

export interface RelaysOptions {
  readonly self: IdentityKey;
  readonly random: () => number;
  readonly member: (identity: IdentityKey) => Member | null;
  /** The direct session with a member; null while there is none. */
  readonly link: (key: SessionKey) => DirectLink | null;
}

/** What of the relays changed: those whose channels are void. */
export interface RelaysChanged {
  readonly gone: readonly SessionKey[];
  /** Those that are reached elsewhere, their channels with them. */
  readonly moved?: readonly {
    readonly relay: SessionKey;
    readonly from: Endpoint;
    readonly to: Endpoint;
  }[];
  readonly isNews: boolean;
}

/** All relays of one network. */
export class Relays {
  readonly #options: RelaysOptions;
  readonly #attachments: Attachments;
  readonly #standing = new Map<SessionKey, StandingRelay>();
  readonly #routers = new Set<SessionKey>();
  /** Members that relay, by session key. */
  #members: ReadonlyMap<SessionKey, RelayMember> = new Map();
  readonly #identities = new Set<IdentityKey>();
  /** Names of relays that the user chose for some peer. */
  #chosen: ReadonlySet<string> = new Set();
  #cost: number | null = null;

  constructor(options: RelaysOptions) {
    this.#options = options;
    this.#attachments = new Attachments(options.self, options.random);
  }

  /** Relays that can be used now. */
  get standing(): ReadonlyMap<SessionKey, StandingRelay> {
    return this.#standing;
  }

  /** Whether a router is among them. */
  get hasRouter(): boolean {
    for (const key of this.#standing.keys()) if (this.#routers.has(key)) return true;
    return false;
  }

  /** What relaying costs here, as far as this node may; null when it does not. */
  get ownCost(): number | null {
    const own = this.#cost === null ? null : this.#options.member(this.#options.self);
    return own?.certificate.rights.relay === true ? this.#cost : null;
  }

  /** This node relays for others from now on, or no longer (null). */
  setOwnCost(cost: number | null): void {
    this.#cost = cost;
  }

  /** Relays of these names are to be kept in reach from now on: the user chose them. */
  setChosen(names: readonly string[]): void {
    this.#chosen = new Set(names.map((name) => name.toLowerCase()));
  }

  /** The session with a router stands at this endpoint, or fell (null). */
  hearRouter(relay: SessionKey, name: string, endpoint: Endpoint | null): RelaysChanged {
    this.#routers.add(relay);
    const before = this.#standing.get(relay);
    if (endpoint === null) this.#standing.delete(relay);
    else this.#standing.set(relay, { name, endpoint });
    if (endpoint === null) return { gone: [relay], isNews: true };
    const moved =
      before === undefined || before.endpoint === endpoint
        ? []
        : [{ relay, from: before.endpoint, to: endpoint }];
    return { gone: [], moved, isNews: true };
  }

  /** These members, or all of them that there are, may be others than before. */
  learn(identities: Iterable<IdentityKey>): void {
    let isNews = false;
    for (const identity of identities) {
      const relays = relayCost(this.#options.member(identity)) !== null && identity !== this.#options.self;
      isNews ||= relays || this.#identities.has(identity);
      if (relays) this.#identities.add(identity);
      else this.#identities.delete(identity);
    }
    if (!isNews) return;
    const members = new Map<SessionKey, RelayMember>();
    for (const identity of this.#identities) {
      const member = this.#options.member(identity);
      const cost = relayCost(member);
      if (member === null || cost === null) this.#identities.delete(identity);
      else members.set(member.sessionKey, { identity, key: member.sessionKey, cost });
    }
    this.#members = members;
    this.#attachments.setMembers([...members.values()]);
  }

  /** A member that relays; null for others. */
  member(key: SessionKey): RelayMember | null {
    return this.#members.get(key) ?? null;
  }

  /** Looks at the sessions with member relays: which to keep, which of them can be used. */
  settle(now: Millis): RelaysChanged {
    this.#attachments.settle({ now, relays: this.ownCost !== null, link: this.#options.link });
    const kept = this.kept();
    const gone: SessionKey[] = [];
    let isNews = false;
    for (const [key, { endpoint }] of this.#standing) {
      if (this.#routers.has(key)) continue;
      const link = kept.has(key) ? this.#options.link(key) : null;
      if (link?.endpoint === endpoint) continue;
      gone.push(key);
      this.#standing.delete(key);
      isNews = true;
    }
    for (const key of kept) {
      const link = this.#options.link(key);
      if (link === null || this.#standing.has(key)) continue;
      const identity = this.#members.get(key)?.identity;
      const name = identity === undefined ? "" : (this.#options.member(identity)?.certificate.name ?? "");
      this.#standing.set(key, { name, endpoint: link.endpoint });
      isNews = true;
    }
    return { gone, isNews };
  }

  /** When to settle again though nothing was heard. */
  deadline(now: Millis): Millis | null {
    return this.#attachments.deadline(now);
  }

  /** Member relays that a session is to be kept with. */
  kept(): ReadonlySet<SessionKey> {
    const chosen = [...this.#members.keys()].filter((key) => this.#isChosen(key));
    return new Set([...this.#attachments.kept(), ...chosen]);
  }

  /** How the session with a member is kept; null when packets alone decide. */
  keeping(member: Member | null): Keeping | null {
    if (member === null) return null;
    const relays = this.#members.has(member.sessionKey);
    const probeMillis = relays && this.ownCost !== null ? betweenRelays : forLeaves;
    if (this.#attachments.isKept(member.sessionKey) || this.#isChosen(member.sessionKey))
      return { calls: true, probeMillis };
    const isOnUs = this.ownCost !== null && (relays || isOn(member.node, this.#options.self));
    return isOnUs ? { calls: false, probeMillis } : null;
  }

  /** Identities of the relays to name in the own record. */
  told(now: Millis): readonly IdentityKey[] {
    if (this.ownCost !== null) return [];
    return this.#attachments.settled(now).map(({ identity }) => identity);
  }

  /**
   * Which relays to ask for a channel to a member: routers; the member relays that both are on; without one, those
   * that this node is on, for they find ways to others. The one that was chosen in any case.
   */
  asked(member: Member | null, chosen: string | null): readonly SessionKey[] {
    const routers = [...this.#standing.keys()].filter((key) => this.#routers.has(key));
    const hosts = new Set(routers.map((key) => this.#standing.get(key)?.endpoint));
    const own = [...this.#standing].filter(
      ([key, { endpoint }]) => !this.#routers.has(key) && key !== member?.sessionKey && !hosts.has(endpoint),
    );
    const common = own.filter(([key]) => {
      const identity = this.#members.get(key)?.identity;
      return identity !== undefined && isOn(member?.node ?? null, identity);
    });
    const members = (common.length > 0 ? common : own).slice(0, mostAsked);
    const wanted = own.filter(([, { name }]) => name.toLowerCase() === chosen?.toLowerCase());
    return [...routers, ...new Set([...wanted, ...members].map(([key]) => key))];
  }

  #isChosen(key: SessionKey): boolean {
    const identity = this.#chosen.size === 0 ? undefined : this.#members.get(key)?.identity;
    const name = identity === undefined ? undefined : this.#options.member(identity)?.certificate.name;
    return name !== undefined && this.#chosen.has(name.toLowerCase());
  }

  /** Relays that this one tells routes to; none unless it relays itself. */
  links(): readonly RelayLink[] {
    if (this.ownCost === null) return [];
    return [...this.#members.values()].flatMap(({ identity, key }) => {
      const link = this.#options.link(key);
      return link === null ? [] : [{ identity, key, rttMillis: link.rttMillis ?? unmeasured }];
    });
  }
}

/** What relaying through a member costs; null when it does not relay, or may not. */
export function relayCost(member: Member | null): number | null {
  return member?.certificate.rights.relay === true ? (member.node?.relay?.cost ?? null) : null;
}

/** Whether a record says that its node is on a relay. */
function isOn(node: NodeRecord | null, relay: IdentityKey): boolean {
  return node?.relays.includes(relay) === true;
}

/** Below the 30 s after which the hastiest NATs forget. */
const forLeaves: Millis = 25_000;
const mostAsked = 2;
/** A link that stands and was not measured yet. */
const unmeasured: Millis = 100;
