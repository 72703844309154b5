/** Which members the data plane knows as peers, and where this node itself stands among them. */
import type { IdentityKey, SessionKey } from "../../src-shared/ids.ts";
import type { Effect } from "./effect.ts";
import type { Member, Membership } from "./membership.ts";
import { addressesOf } from "./membership.ts";
import type { PeerRoutes } from "./route-table.ts";
import { noRoutes, sameRoutes } from "./route-table.ts";

/** Where this node stands in the network. `unknown`: no certificate of its own has come. */
export type OwnState =
  | { readonly kind: "member"; readonly address: string | null }
  /** Waits for approval on one of these devices. */
  | { readonly kind: "pending"; readonly devices: readonly string[] }
  | { readonly kind: "removed" }
  /** A member whose address another certificate has. */
  | { readonly kind: "addressLost"; readonly address: string; readonly to: string }
  | { readonly kind: "unknown" };

type RosterEffect = Extract<Effect, { kind: "setPeer" | "removePeer" | "addressLost" | "selfRevoked" }>;

/** Compares the membership with what the data plane was told last. */
export class Roster {
  readonly #membership: Membership;
  readonly #self: { readonly identity: IdentityKey; readonly sessionKey: SessionKey };
  /** The members that were told of, as they were then. */
  readonly #told = new Map<IdentityKey, Member>();
  /** The routes that they were told with; those alone that have any. */
  readonly #toldRoutes = new Map<IdentityKey, PeerRoutes>();
  readonly #routesOf: (identity: IdentityKey) => PeerRoutes;
  /** Stock clients, and by the gateways that they are reached through. */
  readonly #clients = new Map<IdentityKey, Member>();
  readonly #clientsOf = new Map<IdentityKey, Set<IdentityKey>>();
  /** What each gateway among the peers was told to serve; those alone that serve any. */
  readonly #served = new Map<IdentityKey, readonly string[]>();
  #isMember = false;
  #removed = false;
  #lost = "";

  constructor(
    membership: Membership,
    self: { readonly identity: IdentityKey; readonly sessionKey: SessionKey },
    routesOf: (identity: IdentityKey) => PeerRoutes = () => noRoutes,
  ) {
    this.#membership = membership;
    this.#self = self;
    this.#routesOf = routesOf;
  }

  /** Whether this node counts as a member. */
  get isMember(): boolean {
    return this.#isMember;
  }

  /** Whether the data plane knows this member as a peer. */
  isPeer({ identity, sessionKey }: Member): boolean {
    return this.#told.get(identity)?.sessionKey === sessionKey;
  }

  /** This node as a member, waiting or not; null when its certificate did not come, was ended or replaced. */
  own(): Member | null {
    const found = this.#membership.view(this.#self.identity);
    return found?.sessionKey === this.#self.sessionKey ? found : null;
  }

  ownState(): OwnState {
    const own = this.own();
    if (own?.rank === "pending") return { kind: "pending", devices: this.#membership.issuers() };
    if (own === null) return this.#wasReplaced() ? { kind: "removed" } : { kind: "unknown" };
    const [lost] = own.lost;
    if (lost !== undefined && own.addresses.length === 0) {
      const to = this.#membership.member(lost.to)?.certificate.name ?? "";
      return { kind: "addressLost", address: lost.address, to };
    }
    return { kind: "member", address: own.addresses[0] ?? null };
  }

  /** What to tell of members whose packets go another way now, in this order. */
  reroute(identities: readonly IdentityKey[]): readonly RosterEffect[] {
    const effects: RosterEffect[] = [];
    const removals: RosterEffect[] = [];
    for (const identity of identities) this.#compare(identity, effects, removals);
    return [...removals, ...effects];
  }

  /** What to tell after a change; `touched` as `Membership.merge` answers it. */
  update(touched: ReadonlySet<IdentityKey> | null): readonly RosterEffect[] {
    const effects: RosterEffect[] = [];
    const wasMember = this.#isMember;
    const own = this.own();
    this.#isMember = own !== null && own.rank !== "pending" && this.#membership.record !== null;
    if (own === null && this.#wasReplaced() && !this.#removed) effects.push({ kind: "selfRevoked" });
    this.#removed = own === null && this.#wasReplaced();
    const lost = own?.lost[0];
    const lostKey = lost === undefined ? "" : `${lost.address} ${lost.to}`;
    if (lost !== undefined && lostKey !== this.#lost) {
      effects.push({ kind: "addressLost", address: lost.address, to: lost.to });
    }
    this.#lost = lostKey;
    const everybody = touched === null || wasMember !== this.#isMember;
    const identities = everybody
      ? new Set([
          ...this.#told.keys(),
          ...this.#clients.keys(),
          ...this.#membership.members().map(({ identity }) => identity),
        ])
      : touched;
    const removals: RosterEffect[] = [];
    const gateways = this.#followClients(identities);
    for (const identity of new Set([...identities, ...gateways])) this.#compare(identity, effects, removals);
    return [...removals, ...effects];
  }

  /** Notes which stock clients came, went or changed; answers the gateways that serve or served them. */
  #followClients(identities: Iterable<IdentityKey>): ReadonlySet<IdentityKey> {
    const gateways = new Set<IdentityKey>();
    for (const identity of identities) {
      const known = this.#clients.get(identity);
      const member = this.#isMember ? this.#membership.member(identity) : null;
      const client = member?.rank === "stock" ? member : undefined;
      if (client === known) continue;
      this.#clients.delete(identity);
      const [was, is] = [known?.certificate.gateway, client?.certificate.gateway];
      if (was !== undefined) {
        gateways.add(was);
        this.#clientsOf.get(was)?.delete(identity);
      }
      if (client === undefined || is === undefined) continue;
      gateways.add(is);
      this.#clients.set(identity, client);
      this.#clientsOf.set(is, (this.#clientsOf.get(is) ?? new Set()).add(identity));
    }
    return gateways;
  }

  #compare(identity: IdentityKey, effects: RosterEffect[], removals: RosterEffect[]): void {
    if (identity === this.#self.identity) return;
    const told = this.#told.get(identity);
    const member = this.#isMember ? this.#membership.member(identity) : null;
    const peer = member !== null && this.#talksTo(member) ? member : null;
    if (told !== undefined && told.sessionKey !== peer?.sessionKey) {
      this.#told.delete(identity);
      this.#served.delete(identity);
      this.#toldRoutes.delete(identity);
      removals.push({ kind: "removePeer", peer: told.sessionKey });
    }
    if (peer === null) return;
    this.#told.set(identity, peer);
    const served = this.#servedBy(peer);
    const routes = peer.rank === "stock" ? noRoutes : this.#routesOf(identity);
    const isSame =
      sameTexts(this.#served.get(identity) ?? [], served) &&
      sameRoutes(this.#toldRoutes.get(identity), routes);
    if (served.length > 0) this.#served.set(identity, served);
    else this.#served.delete(identity);
    if (routes === noRoutes) this.#toldRoutes.delete(identity);
    else this.#toldRoutes.set(identity, routes);
    if (told?.sessionKey === peer.sessionKey && sameTexts(told.addresses, peer.addresses) && isSame) return;
    effects.push({
      kind: "setPeer",
      peer: peer.sessionKey,
      peerKind: peer.rank === "stock" ? "stock" : "node",
      allowed: [...[...addressesOf(peer), ...served].map(asPrefix), ...routes.allowed],
      ...(routes.sources.length === 0 ? {} : { sources: routes.sources }),
      ...(peer.rank === "stock" ? { forward: true } : {}),
    });
  }

  /** Addresses of the stock clients that a peer lets in: they are reached through it. */
  #servedBy({ identity, rank }: Member): readonly string[] {
    const clients = rank === "stock" ? undefined : this.#clientsOf.get(identity);
    return [...(clients ?? [])]
      .flatMap((client) => this.#clients.get(client) ?? [])
      .flatMap(addressesOf)
      .sort();
  }

  /** Stock clients talk to the gateway that serves them only. */
  #talksTo({ rank, certificate }: Member): boolean {
    return rank !== "stock" || certificate.gateway === this.#self.identity;
  }

  #wasReplaced(): boolean {
    if (this.#membership.isRevoked(this.#self.sessionKey)) return true;
    const other = this.#membership.view(this.#self.identity);
    return other !== null && other.sessionKey !== this.#self.sessionKey;
  }
}

function asPrefix(address: string): string {
  return `${address}/${address.includes(":") ? 128 : 32}`;
}

function sameTexts(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((text, at) => text === other[at]);
}
