/** What an administrator does about a network's policy: look ahead, set it, try it, keep it. */
import { parsePrefix } from "../../src-shared/address.ts";
import { AppError } from "../../src-shared/errors.ts";
import type { IdentityKey, Millis } from "../../src-shared/ids.ts";
import type { Policy, PolicyRecord } from "../../src-shared/policy.ts";
import { namesIn } from "../../src-shared/policy.ts";
import { mostBody } from "../../src-shared/trust.ts";
import { ulaPrefix } from "../../src-shared/ula.ts";
import type { PolicyStanding } from "../mesh/guard.ts";
import { openBound, subjects } from "../mesh/guard.ts";
import type { Membership } from "../mesh/membership.ts";
import type { PolicyChange } from "../mesh/policy-changes.ts";
import { cutOff, policyChanges } from "../mesh/policy-changes.ts";
import type { FailedTest } from "../mesh/rulebook.ts";
import { Rulebook } from "../mesh/rulebook.ts";
import type { BoundPolicy } from "../mesh/selection.ts";
import { issuerOf } from "./administration.ts";
import type { SigningKey } from "./crypto.ts";
import type { NetworkLoop } from "./loop.ts";
import { mostUnpacked } from "./packed-body.ts";
import { pickBound, signPolicy } from "./policy-entry.ts";
import type { Surroundings } from "./surroundings.ts";

/** What a policy would do here and now. */
export interface PolicyPlan {
  /** The policy, its names bound to members. */
  readonly bound: BoundPolicy;
  /** The first of its tests that does not hold; null when all do. */
  readonly failed: FailedTest | null;
  /** Against what counts for good now; something that is on trial is not looked at. */
  readonly changes: readonly PolicyChange[];
  /** Members that this machine talks to, and administrators, that it could lose touch with in some way. */
  readonly cutsOff: readonly string[];
  /** Names that are nobody's yet. */
  readonly unbound: readonly string[];
}

/** An administrator's acts about one network's policy. */
export class PolicyActs {
  readonly #loop: NetworkLoop;
  readonly #surroundings: Surroundings;

  constructor(loop: NetworkLoop, surroundings: Surroundings) {
    this.#loop = loop;
    this.#surroundings = surroundings;
  }

  /** What counts now. */
  standing(): PolicyStanding {
    return this.#loop.machine.policy(this.#surroundings.now());
  }

  /** Looks ahead. Throws `ambiguous-peer` for a name that several members bear. */
  plan(policy: Policy): PolicyPlan {
    const membership = this.#membership;
    const standing = this.standing();
    const settled = settledPolicy(standing);
    const { members, unbound } = this.#bind(policy, { ...settled.members, ...standing.entry?.body.members });
    const bound = { policy, members };
    const everybody = subjects(membership);
    const { network } = this.#loop.stored;
    const ranges = [...(membership.record?.ranges ?? []), ulaPrefix(network, this.#surroundings.notary.hash)];
    const changes = policyChanges(settled, bound, {
      everybody,
      ranges: ranges.flatMap((range) => parsePrefix(range) ?? []),
    });
    const own = membership.member(this.#surroundings.identity.key);
    return {
      bound,
      failed: new Rulebook(bound, everybody).failedTest(),
      changes,
      cutsOff: own === null ? [] : cutOff(changes, own.certificate.name, this.#whoMatters()),
      unbound,
    };
  }

  /**
   * Signs and publishes what was planned: on trial for a minute where it could cut this machine off, unless `keep`. Answers
   * until when; null: for good. Throws `not-admin`, `not-with-secret`, `policy-too-large`, `router-unreachable`.
   */
  async set(plan: PolicyPlan, keep: boolean): Promise<Millis | null> {
    const issuer = this.#issuer();
    await this.#loop.online();
    const at = this.#surroundings.now();
    const standing = this.standing();
    const until = keep || plan.cutsOff.length === 0 ? null : at + trialMillis;
    const previous = standing.entry === null ? null : pickBound(settledPolicy(standing));
    await this.#publish(issuer, {
      ...pickBound(plan.bound),
      at,
      ...(until === null ? {} : { trial: { until, previous } }),
    });
    return until;
  }

  /** Keeps what is on trial. Throws `no-trial`, `not-admin`, `router-unreachable`. */
  async confirm(): Promise<void> {
    const issuer = this.#issuer();
    await this.#loop.online();
    const { entry, trialUntil } = this.standing();
    if (entry === null || trialUntil === null)
      throw new AppError("no-trial", { name: this.#loop.stored.name });
    await this.#publish(issuer, { ...pickBound(entry.body), at: this.#surroundings.now() });
  }

  get #membership(): Membership {
    return this.#loop.machine.membership;
  }

  #issuer(): SigningKey {
    const { secret, name } = this.#loop.stored;
    if (secret !== null || this.#membership.record?.secret === true)
      throw new AppError("not-with-secret", { name, what: "a policy" });
    const issuer = issuerOf(this.#loop, this.#surroundings.identity);
    if (issuer === null)
      throw new AppError("not-admin", { devices: this.#membership.issuers().join(", ") || "none known" });
    return issuer;
  }

  async #publish(issuer: SigningKey, change: Omit<PolicyRecord, "network" | "version">): Promise<void> {
    const version = (this.#membership.policyEntry?.body.version ?? 0) + 1;
    const record = { network: this.#loop.stored.network, version, ...change };
    const size = Buffer.byteLength(JSON.stringify(record));
    if (size > mostUnpacked) throw new AppError("policy-too-large", { size, most: mostUnpacked });
    const signed = signPolicy(record, issuer);
    if (signed.body.length > mostBody)
      throw new AppError("policy-too-large", { size: signed.body.length, most: mostBody });
    await this.#loop.publish([signed]);
  }

  /** Whom each name means. A name that was bound before stays so as long as that member is there, whoever took the name. */
  #bind(
    policy: Policy,
    before: BoundPolicy["members"],
  ): { readonly members: Record<string, IdentityKey>; readonly unbound: readonly string[] } {
    const known = new Map(Object.entries(before));
    const everybody = this.#membership.members();
    const members: [string, IdentityKey][] = [];
    const unbound: string[] = [];
    for (const name of namesIn(policy)) {
      const meant = known.get(name);
      const bearers = everybody.filter(({ certificate }) => certificate.name.toLowerCase() === name);
      const [bearer, second] = bearers;
      if (meant !== undefined && this.#membership.member(meant) !== null) members.push([name, meant]);
      else if (second !== undefined)
        throw new AppError("ambiguous-peer", {
          name,
          list: bearers.map(({ addresses }) => addresses[0] ?? "").join(", "),
        });
      else if (bearer !== undefined) members.push([name, bearer.identity]);
      else unbound.push(name);
    }
    return { members: Object.fromEntries(members), unbound };
  }

  /** Names of administrators, and of peers with whom a session stands. */
  #whoMatters(): ReadonlySet<string> {
    const connected = this.#loop.machine
      .met(this.#surroundings.now())
      .filter(({ state }) => state === "connected");
    return new Set([...connected.map(({ certificate }) => certificate.name), ...this.#membership.issuers()]);
  }
}

/** What counts when nothing more is said: of a trial what was before. */
function settledPolicy({ bound, entry, trialUntil }: PolicyStanding): BoundPolicy {
  return trialUntil === null ? bound : (entry?.body.trial?.previous ?? openBound);
}

/** How long a policy is tried. */
const trialMillis = 60_000;
