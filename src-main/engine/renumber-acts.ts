/** What an administrator does to move a network to another range: look ahead, then sign it for all members at once. */
import type { Prefix } from "../../src-shared/address.ts";
import { contains, formatPrefix, overlaps, parsePrefix } from "../../src-shared/address.ts";
import { AppError } from "../../src-shared/errors.ts";
import { splitHostPort } from "../../src-shared/ids.ts";
import type { RenumberClash, RenumberPlan } from "../../src-shared/renumber.ts";
import type { Signed } from "../../src-shared/trust.ts";
import { parseRange } from "../mesh/addresses.ts";
import { hostPortOf } from "../mesh/endpoint.ts";
import type { Member, Membership } from "../mesh/membership.ts";
import { Renumbering } from "../mesh/renumbering.ts";
import { issuerOf } from "./administration.ts";
import type { SigningKey } from "./crypto.ts";
import { signEntry } from "./crypto.ts";
import { reissue, signRecord } from "./issue.ts";
import { isOverlay, localPrefixes } from "./locals.ts";
import type { NetworkLoop } from "./loop.ts";
import { signPolicy } from "./policy-entry.ts";
import type { Surroundings } from "./surroundings.ts";

export interface RenumberOptions {
  readonly loop: NetworkLoop;
  readonly surroundings: Surroundings;
  /** Ranges of this install's other networks, with their names. */
  readonly others: readonly RenumberClash[];
}

/** The act of one network. */
export class RenumberActs {
  readonly #options: RenumberOptions;

  constructor(options: RenumberOptions) {
    this.#options = options;
  }

  /** Who gets which address, and what stands against it. Throws `range-invalid`, `range-full`, `router-lost`. */
  plan(range: string): RenumberPlan {
    return this.#planned(range).plan;
  }

  /**
   * Signs and publishes it. Throws `range-clashes` unless `force`, `not-admin`, `not-with-secret`, `router-unreachable` besides
   * what `plan` throws.
   */
  async carryOut(range: string, force: boolean): Promise<RenumberPlan> {
    const issuer = this.#issuer();
    const { loop } = this.#options;
    const control = await loop.online();
    const { plan, way } = this.#planned(range);
    const [clash] = plan.clashes;
    if (clash !== undefined && !force)
      throw new AppError("range-clashes", { range: plan.range, local: clash.prefix, where: clash.where });
    if (plan.range === plan.before) return plan;
    const [record, ...rest] = this.#entries(plan.range, way, issuer);
    if (record === undefined) throw new AppError("router-lost");
    // Here all at once; the router checks certificates by the record that it has.
    loop.learn([record, ...rest]);
    await control.publish([record]);
    await control.publish(rest);
    return plan;
  }

  get #membership(): Membership {
    return this.#options.loop.machine.membership;
  }

  #planned(text: string): { readonly plan: RenumberPlan; readonly way: Renumbering } {
    const range = parseRange(text);
    const to = range === null ? null : parsePrefix(range);
    if (range === null || to === null) throw new AppError("range-invalid", { range: text });
    const before = this.#membership.record?.ranges[0];
    const from = before === undefined ? null : parsePrefix(before);
    if (before === undefined || from === null) throw new AppError("router-lost");
    const members = this.#membership.members();
    const waiting = this.#membership.pending().flatMap(({ addresses }) => addresses);
    const moving = members.map(({ identity, certificate: { addresses } }) => ({
      identity,
      address: addresses[0] ?? null,
    }));
    // An address that is somebody's now is nobody else's at any moment.
    const taken = new Set([...moving.flatMap(({ address }) => address ?? []), ...waiting]);
    const way = new Renumbering({ from, to }, moving, taken);
    if (way.homeless.length > 0) throw new AppError("range-full", { range });
    const plan: RenumberPlan = {
      before,
      range,
      members: members.map(({ identity, certificate: { name, addresses, kind } }) => ({
        name,
        from: addresses[0] ?? "",
        to: way.addresses.get(identity) ?? "",
        stock: kind === "stock",
      })),
      clashes: this.#clashes(to, from),
    };
    return { plan, way };
  }

  /** What is known to be used already: here, by what members said of themselves, and behind gateways. */
  #clashes(to: Prefix, from: Prefix): RenumberClash[] {
    const { surroundings, others } = this.#options;
    const own = surroundings.identity.key;
    const here = localPrefixes(surroundings.system)
      .filter(({ interface: name }) => !isOverlay(name))
      .map(({ prefix, interface: name }) => ({ prefix, where: name }));
    const told = this.#membership
      .members()
      .filter(({ identity }) => identity !== own)
      .flatMap((member) => lansOf(member).map((prefix) => ({ prefix, where: member.certificate.name })));
    const found = [...here, ...others, ...told].filter(({ prefix }) => {
      const used = parsePrefix(prefix);
      return used !== null && used.length > 1 && overlaps(to, used) && !contains(from, used);
    });
    const seen = new Map(found.map((clash) => [`${clash.where} ${clash.prefix}`, clash]));
    return [...seen.values()];
  }

  /** The network's record first. */
  #entries(range: string, way: Renumbering, issuer: SigningKey): readonly Signed[] {
    const { record, policyEntry, names } = this.#membership;
    if (record === null) return [];
    const now = this.#options.surroundings.now();
    const certificates = this.#membership.members().flatMap(({ identity, certificate }) => {
      const address = way.addresses.get(identity);
      return address === undefined ? [] : [reissue(certificate, issuer, { address, now })];
    });
    return [
      signRecord({ ...record, ranges: [range], version: record.version + 1 }, issuer),
      ...(policyEntry === null ? [] : [this.#policy(way, issuer)].flat()),
      ...(names === null
        ? []
        : [
            signEntry(
              "names",
              { ...names, version: names.version + 1, names: way.names(names.names) },
              issuer,
            ),
          ]),
      ...certificates,
    ];
  }

  #policy(way: Renumbering, issuer: SigningKey): readonly Signed[] {
    const body = this.#membership.policyEntry?.body;
    if (body === undefined) return [];
    const { trial } = body;
    const previous = trial?.previous ?? null;
    const moved = {
      ...body,
      version: body.version + 1,
      policy: way.policy(body.policy),
      ...(trial === undefined
        ? {}
        : {
            trial: {
              ...trial,
              previous: previous === null ? null : { ...previous, policy: way.policy(previous.policy) },
            },
          }),
    };
    return JSON.stringify(moved.policy) === JSON.stringify(body.policy) ? [] : [signPolicy(moved, issuer)];
  }

  #issuer(): SigningKey {
    const { loop, surroundings } = this.#options;
    const { secret, name } = loop.stored;
    if (secret !== null || this.#membership.record?.secret === true)
      throw new AppError("not-with-secret", { name, what: "another range" });
    const issuer = issuerOf(loop, surroundings.identity);
    if (issuer === null)
      throw new AppError("not-admin", { devices: this.#membership.issuers().join(", ") || "none known" });
    return issuer;
  }
}

/** Private addresses at which a member is reached on its LANs, and what it routes there. */
function lansOf({ node }: Member): readonly string[] {
  const hosts = (node?.candidates ?? [])
    .filter(({ kind }) => kind === "lan")
    .flatMap(({ endpoint }) => splitHostPort(hostPortOf(endpoint))?.host ?? []);
  const routes = [...(node?.routes ?? []).map(({ prefix, as }) => as ?? prefix), ...(node?.requests ?? [])];
  return [...hosts, ...routes].flatMap((text) => {
    const prefix = parsePrefix(text);
    return prefix?.family === 4 ? [formatPrefix(prefix)] : [];
  });
}
