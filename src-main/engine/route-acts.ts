/** What people do about the routes of a network: tell of a prefix, grant it, take it, lay down who carries it. */
import { formatPrefix, overlaps, parsePrefix } from "../../src-shared/address.ts";
import { AppError } from "../../src-shared/errors.ts";
import type { IdentityKey, Millis } from "../../src-shared/ids.ts";
import type { RouteAcceptance, SharedLans } from "../../src-shared/route-status.ts";
import type { Certificate, RoutingTable, Signed } from "../../src-shared/trust.ts";
import type { Member } from "../mesh/membership.ts";
import { freePrefix } from "../mesh/overlap.ts";
import { covers, mayRoute } from "../mesh/route-table.ts";
import type { System } from "../system/system.ts";
import { issuerOf } from "./administration.ts";
import type { SigningKey } from "./crypto.ts";
import { signEntry } from "./crypto.ts";
import { reissue } from "./issue.ts";
import { lanSideOf } from "./lan-side.ts";
import type { NetworkLoop } from "./loop.ts";
import type { StoredNetwork, StoredRoute } from "./stored.ts";

/** A prefix to route for others, as people ask for it. */
export interface AdvertiseRequest {
  readonly prefix: string;
  /** The prefix that others know it by. */
  readonly as?: string | undefined;
  readonly priority?: number | undefined;
  readonly snat: boolean;
  readonly allow: readonly string[];
}

export interface RouteActsOptions {
  readonly loop: NetworkLoop;
  readonly identity: SigningKey;
  readonly system: System;
  readonly now: () => Millis;
  /** Keeps what was chosen for this machine. */
  readonly keep: (change: Pick<StoredNetwork, "routes" | "acceptance" | "shared">) => void;
}

/** The acts of one network. All throw `range-invalid` for what is no prefix. */
export class RouteActs {
  readonly #options: RouteActsOptions;

  constructor(options: RouteActsOptions) {
    this.#options = options;
  }

  /**
   * This machine routes a prefix from now on: at once where it may grant that itself, else once an administrator does.
   * Answers what to know about it, in English lines. Throws `route-covers`, `route-map`.
   */
  async advertise(request: AdvertiseRequest): Promise<readonly string[]> {
    const { system, keep } = this.#options;
    const prefix = readPrefix(request.prefix);
    const as = request.as === undefined ? undefined : readPrefix(request.as);
    const [inside, outside] = [required(prefix), required(as ?? prefix)];
    if (inside.family !== outside.family || inside.length !== outside.length)
      throw new AppError("route-map", { prefix, as: as ?? prefix });
    this.#refuseRange(outside);
    const shared = this.#options.loop.stored.shared?.prefixes.find((each) =>
      overlaps(required(each), inside),
    );
    if (shared !== undefined) throw new AppError("route-shared", { prefix: shared, route: prefix });
    const side = lanSideOf(inside, system);
    const route: StoredRoute = {
      prefix,
      ...(as === undefined || as === prefix ? {} : { as }),
      ...(request.priority === undefined ? {} : { priority: request.priority }),
      snat: request.snat,
      allow: request.allow.map(readPrefix),
      direct: side === "connected" || side === "routed",
    };
    const others = this.#own().filter((each) => each.prefix !== prefix);
    keep({ routes: [...others, route] });
    await this.#grantSelf(formatPrefix(outside));
    return this.#notes(route, side === "none");
  }

  /**
   * Hosts of these LANs, and of no others, reach the network through this machine from now on. Throws `route-covers`, and
   * `route-shared` for what it routes for the members: there hosts have addresses of their own.
   */
  share({ prefixes: texts, fullCone }: SharedLans): SharedLans {
    const prefixes = [...new Set(texts.map(readPrefix))];
    for (const prefix of prefixes) {
      this.#refuseRange(required(prefix));
      const routed = this.#own().find((route) => overlaps(required(route.prefix), required(prefix)));
      if (routed !== undefined) throw new AppError("route-shared", { prefix, route: routed.prefix });
    }
    const shared = { prefixes, fullCone: fullCone && prefixes.length > 0 };
    this.#options.keep({ shared: prefixes.length === 0 ? undefined : shared });
    return shared;
  }

  /** This machine routes a prefix no longer; by either of its two forms. Throws `unknown-route`. */
  withdraw(text: string): void {
    const prefix = readPrefix(text);
    const left = this.#own().filter((each) => each.prefix !== prefix && each.as !== prefix);
    if (left.length === this.#own().length) throw new AppError("unknown-route", { prefix });
    this.#options.keep({ routes: left });
  }

  /** A member may route a prefix from now on, or not any more. Throws `not-admin`, `route-covers`. */
  async grant(member: Member, text: string, on: boolean): Promise<void> {
    const { loop, now } = this.#options;
    const issuer = this.#issuer();
    const prefix = required(readPrefix(text));
    if (on) this.#refuseRange(prefix);
    const { certificate } = member;
    const before = certificate.rights.gateway ?? [];
    if (on && mayRoute(member, prefix)) return;
    const gateway = on
      ? [...before, formatPrefix(prefix)]
      : before.filter((each) => !covers(required(each), prefix) && !covers(prefix, required(each)));
    if (!on && gateway.length === before.length) throw new AppError("unknown-route", { prefix: text });
    await loop.publish([
      reissue(certificate, issuer, { rights: { ...certificate.rights, gateway }, now: now() }),
    ]);
  }

  /** Which routes of others this machine takes: all, none, or otherwise about one prefix than so far. */
  accept(what: "all" | "none" | { readonly prefix: string; readonly take: boolean }): RouteAcceptance {
    const acceptance = this.#acceptance(what);
    this.#options.keep({ acceptance });
    return acceptance;
  }

  /**
   * Lays down who carries a prefix, for these members or for all (null); without gateways nothing stands in the table for it
   * any more. Throws `not-admin`, `routes-full`.
   */
  async lay(
    text: string,
    gateways: readonly { readonly member: Member; readonly priority: number }[],
    members: readonly IdentityKey[] | null,
  ): Promise<void> {
    const { loop } = this.#options;
    const issuer = this.#issuer();
    const prefix = readPrefix(text);
    const before = loop.machine.membership.routing;
    const others = (before?.routes ?? []).filter(
      (row) =>
        readPrefix(row.prefix) !== prefix ||
        (gateways.length > 0 && members !== null && row.member !== null && !members.includes(row.member)),
    );
    const added: RoutingTable["routes"] = gateways.flatMap(({ member, priority }) =>
      (members ?? [null]).map((each) => ({ prefix, member: each, via: member.identity, priority })),
    );
    const routes = [...others, ...added];
    if (routes.length > mostRows) throw new AppError("routes-full", { most: mostRows });
    const { network } = loop.stored;
    const table = { network, version: (before?.version ?? 0) + 1, routes };
    const granted = gateways
      .filter(({ member }) => !mayRoute(member, required(prefix)))
      .map(({ member }) => this.#granted(member, prefix, issuer));
    await loop.publish([...granted, signEntry("routing", table, issuer)]);
  }

  #own(): readonly StoredRoute[] {
    return this.#options.loop.stored.routes ?? [];
  }

  #issuer(): SigningKey {
    const { loop, identity } = this.#options;
    const issuer = issuerOf(loop, identity);
    if (issuer !== null) return issuer;
    throw new AppError("not-admin", { devices: this.#admins() });
  }

  #admins(): string {
    return this.#options.loop.machine.membership.issuers().join(", ") || "none known";
  }

  /** A device that may grant what it likes grants itself. */
  async #grantSelf(outside: string): Promise<void> {
    const { loop, identity } = this.#options;
    const own = loop.machine.membership.member(identity.key);
    const issuer = issuerOf(loop, identity);
    if (own === null || issuer === null || mayRoute(own, required(outside))) return;
    await loop.publish([this.#granted(own, outside, issuer)]);
    loop.routes.refresh();
  }

  #granted(
    { certificate }: { readonly certificate: Certificate },
    prefix: string,
    issuer: SigningKey,
  ): Signed {
    const { rights } = certificate;
    const gateway = [...(rights.gateway ?? []), prefix];
    return reissue(certificate, issuer, { rights: { ...rights, gateway }, now: this.#options.now() });
  }

  #acceptance(what: Parameters<RouteActs["accept"]>[0]): RouteAcceptance {
    if (what === "all" || what === "none") return { all: what === "all", prefixes: [] };
    const before = this.#options.loop.routes.acceptance();
    const prefix = readPrefix(what.prefix);
    const others = before.prefixes.filter((each) => each !== prefix);
    // With all taken the list names the exceptions; else it names what is taken.
    return { all: before.all, prefixes: what.take === before.all ? others : [...others, prefix] };
  }

  #refuseRange(prefix: NonNullable<ReturnType<typeof parsePrefix>>): void {
    const ranges = this.#options.loop.machine.record()?.ranges ?? [];
    const covered = ranges.find((range) => prefix.length > 0 && overlaps(required(range), prefix));
    if (covered !== undefined)
      throw new AppError("route-covers", { prefix: formatPrefix(prefix), range: covered });
  }

  #notes(route: StoredRoute, isBlind: boolean): readonly string[] {
    const { loop, identity } = this.#options;
    const outside = route.as ?? route.prefix;
    const view = loop.machine.routes().find(({ prefix }) => prefix === outside);
    const others = (view?.gateways ?? []).filter((each) => each.identity !== identity.key);
    const own = loop.routes.own().find(({ prefix }) => prefix === route.prefix);
    const notes: string[] = [];
    if (own?.granted === false)
      notes.push(
        `An administrator (${this.#admins()}) has to grant it: starmesh route accept ${loop.stored.nodeName} ${outside}`,
      );
    if (isBlind) notes.push(`This machine does not reach ${route.prefix} itself just now.`);
    if (others.length > 0) {
      const names = others.map(({ name }) => name).join(", ");
      const taken = loop.machine.routes().map(({ prefix }) => prefix);
      const free = freePrefix(route.prefix, [...(loop.machine.record()?.ranges ?? []), ...taken]);
      const map = free === null ? "" : `, give this one other addresses: --as ${free}`;
      notes.push(
        `${names} routes ${outside} as well, and stands by or goes first. If that is another LAN${map}.`,
      );
    }
    return notes;
  }
}

/** A prefix in its usual form; throws `range-invalid`. */
function readPrefix(text: string): string {
  const prefix = text.includes("/") ? parsePrefix(text) : null;
  if (prefix === null) throw new AppError("route-invalid", { prefix: text });
  return formatPrefix(prefix);
}

/** A prefix that was read before. */
function required(text: string): NonNullable<ReturnType<typeof parsePrefix>> {
  const prefix = parsePrefix(text);
  if (prefix === null) throw new AppError("route-invalid", { prefix: text });
  return prefix;
}

/** As many as the routing table holds. */
const mostRows = 1200;
