/** Which policy counts at this moment, and the packet filter that follows from it. */
import { formatPrefix, parsePrefix } from "../../src-shared/address.ts";
import type { IdentityKey, Millis } from "../../src-shared/ids.ts";
import { openPolicy } from "../../src-shared/policy.ts";
import type { EntryOf } from "../../src-shared/trust.ts";
import type { Member, Membership } from "./membership.ts";
import { addressesOf } from "./membership.ts";
import type { Filter } from "./policy.ts";
import { compile, sameFilter } from "./policy.ts";
import { mayRoute } from "./route-table.ts";
import type { BoundPolicy, Subject } from "./selection.ts";

/** The policy of a network at a moment. */
export interface PolicyStanding {
  /** What counts now. */
  readonly bound: BoundPolicy;
  /** The newest signed record; null: none was ever set. */
  readonly entry: EntryOf<"policy"> | null;
  /** Until when the record is on trial here; null: it is not, or no longer. */
  readonly trialUntil: Millis | null;
  /** The record's trial is over: what counts is what was before. */
  readonly isRolledBack: boolean;
}

/** Follows the policy records and their trials, and tells when the filter has to be another. */
export class Guard {
  readonly #membership: Membership;
  readonly #self: IdentityKey;
  #acceptsInbound = true;
  /** The trial that runs here, and when it was first seen. */
  #trial: { readonly hash: string; readonly seen: Millis } | null = null;
  #told: Filter | null = null;

  constructor(membership: Membership, self: IdentityKey) {
    this.#membership = membership;
    this.#self = self;
  }

  /** False: nothing comes in but answers, whatever the policy allows. */
  set acceptsInbound(accepts: boolean) {
    this.#acceptsInbound = accepts;
  }

  /** The filter, if it is another than last time; undefined if not. Null: everything is let in. */
  settle(now: Millis): Filter | null | undefined {
    const filter = this.#filter(now);
    if (sameFilter(filter, this.#told)) return undefined;
    this.#told = filter;
    return filter;
  }

  /** When a trial ends and `settle` has something to do. */
  deadline(now: Millis): Millis | null {
    return this.standing(now).trialUntil;
  }

  standing(now: Millis): PolicyStanding {
    const entry = this.#membership.policyEntry;
    const trial = entry?.body.trial;
    if (entry === null || trial === undefined) {
      this.#trial = null;
      const bound = entry === null ? openBound : entry.body;
      return { bound, entry, trialUntil: null, isRolledBack: false };
    }
    if (this.#trial?.hash !== entry.hash) this.#trial = { hash: entry.hash, seen: now };
    // By its own clock a member would take it back too late where that clock is behind: counted from the first sight it ends in time.
    const until = Math.min(trial.until, this.#trial.seen + (trial.until - entry.body.at));
    if (now < until) return { bound: entry.body, entry, trialUntil: until, isRolledBack: false };
    return { bound: trial.previous ?? openBound, entry, trialUntil: null, isRolledBack: true };
  }

  #filter(now: Millis): Filter | null {
    if (!this.#acceptsInbound) return { rules: [], otherwise: false };
    const { bound, entry } = this.standing(now);
    return entry === null ? null : compile(bound, subjects(this.#membership), this.#self);
  }
}

/** All members as a policy sees them. */
export function subjects(membership: Membership): readonly Subject[] {
  return membership.members().map(subjectOf);
}

function subjectOf(member: Member): Subject {
  const { identity, certificate, node, rank } = member;
  const routes = (node?.routes ?? []).flatMap(({ prefix, as }) => {
    const known = parsePrefix(as ?? prefix);
    return known !== null && mayRoute(member, known) ? [formatPrefix(known)] : [];
  });
  return {
    identity,
    name: certificate.name,
    tags: certificate.tags,
    addresses: addressesOf(member),
    routes,
    gateway: rank === "stock" ? (certificate.gateway ?? null) : null,
  };
}

/** As where nobody ever set a policy. */
export const openBound: BoundPolicy = { policy: openPolicy, members: {} };
