/** The gateways of one network as this node deals with them: it keeps the table, and tells the rest what follows. */
import type { Prefix } from "../../src-shared/address.ts";
import type { IdentityKey, Millis, SessionKey } from "../../src-shared/ids.ts";
import type { AdvertisedRoute } from "../../src-shared/trust.ts";
import type { Effect, Input } from "./effect.ts";
import type { Membership } from "./membership.ts";
import type { Keeping } from "./relays.ts";
import type { Health } from "./route-choice.ts";
import type { Reach } from "./route-table.ts";
import { RouteTable } from "./route-table.ts";

export interface GatewaysOptions {
  readonly self: IdentityKey;
  readonly membership: Membership;
  readonly reach: (key: SessionKey) => Reach;
}

/** Hears what may change a route, and settles it when it is asked to. */
export class Gateways {
  readonly table: RouteTable;
  readonly #options: GatewaysOptions;
  /** How each peer was reached when it was looked at last. */
  readonly #healths = new Map<SessionKey, Health>();
  #isNews = false;
  #own: readonly AdvertisedRoute[] = [];
  #requests: readonly string[] = [];
  #routed = "[]";
  #unreachable = new Set<SessionKey>();
  #toldUnreachable = "";

  constructor(options: GatewaysOptions) {
    this.#options = options;
    this.table = new RouteTable({ self: options.self, reach: options.reach });
  }

  /** Whether `settle` has something to do. */
  get isNews(): boolean {
    return this.#isNews;
  }

  /** What this node says that it routes, and would route. */
  get own(): { readonly routes: readonly AdvertisedRoute[]; readonly requests: readonly string[] } {
    return { routes: this.#own, requests: this.#requests };
  }

  /** What was chosen here. */
  hear({ acceptance, exit, own, requests }: Extract<Input, { kind: "routes" }>): void {
    this.table.accept(acceptance, exit);
    this.#own = own;
    this.#requests = requests;
    this.#isNews = true;
  }

  /** These members, or all (null), may be others or say something else. */
  learn(identities: Iterable<IdentityKey> | null, ranges: readonly Prefix[]): void {
    const { membership } = this.#options;
    if (identities === null) {
      this.table.govern(ranges, membership.routing);
      this.#isNews = true;
    }
    const all = identities ?? new Set([...this.table.tellers(), ...membership.members().map(identityOf)]);
    for (const identity of all)
      if (this.table.learn(identity, membership.member(identity))) this.#isNews = true;
  }

  /** A peer may be reached otherwise than before. */
  noteReach(key: SessionKey, identity: IdentityKey): void {
    if (!this.table.tells(identity)) return;
    const { health } = this.#options.reach(key);
    if (this.#healths.get(key) === health) return;
    this.#healths.set(key, health);
    this.#isNews = true;
  }

  /** Packets went to or came from a peer: the gateways beside it may have to be kept in reach. */
  noteTraffic(identity: IdentityKey | undefined): void {
    if (identity !== undefined && this.table.of(identity).allowed.length > 0) this.#isNews = true;
  }

  /** A peer does not answer and is not seen by the router either, or does again; forgotten: it does. */
  noteDead(key: SessionKey, isDead: boolean): void {
    if (isDead) this.#unreachable.add(key);
    else this.#unreachable.delete(key);
  }

  /** Chooses anew; answers whose packets go another way now, in the order to tell of them. */
  settle(now: Millis): readonly IdentityKey[] {
    this.#isNews = false;
    return this.table.settle(now);
  }

  /** What the system and the data plane have to be told since the last time. */
  takeEffects(): readonly Effect[] {
    const effects: Effect[] = [];
    const prefixes = this.table.routed();
    const routed = JSON.stringify(prefixes);
    if (routed !== this.#routed) effects.push({ kind: "setRoutes", prefixes });
    this.#routed = routed;
    const peers = [...this.#unreachable];
    const unreachable = peers.join();
    if (unreachable !== this.#toldUnreachable) effects.push({ kind: "setUnreachable", peers });
    this.#toldUnreachable = unreachable;
    return effects;
  }

  /** How the session with a peer is kept for the sake of a route; null: it is not. */
  keeping(key: SessionKey): Keeping | null {
    return this.table.kept().has(key) ? standby : null;
  }
}

function identityOf({ identity }: { readonly identity: IdentityKey }): IdentityKey {
  return identity;
}

const standby: Keeping = { calls: true, probeMillis: 5000 };
