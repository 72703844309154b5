/** Signed policies: how they are made, taken back after a trial, and kept when their signer is removed. */
import type { IdentityKey, Millis } from "../../src-shared/ids.ts";
import type { PolicyRecord } from "../../src-shared/policy.ts";
import type { Signed } from "../../src-shared/trust.ts";
import type { PolicyStanding } from "../mesh/guard.ts";
import type { Membership } from "../mesh/membership.ts";
import type { BoundPolicy } from "../mesh/selection.ts";
import type { SigningKey } from "./crypto.ts";
import { signEntry } from "./crypto.ts";

export function signPolicy(record: PolicyRecord, issuer: SigningKey): Signed {
  return signEntry("policy", record, issuer);
}

/** A policy and its names, and nothing else that a record has. */
export function pickBound({ policy, members }: BoundPolicy): Pick<PolicyRecord, "policy" | "members"> {
  return { policy, members: { ...members } };
}

/** Who sets a policy on trial takes it back itself, for good and for everybody, when the time is over. */
export function rollback(standing: PolicyStanding, issuer: SigningKey, now: Millis): readonly Signed[] {
  const { entry, bound, isRolledBack } = standing;
  if (entry === null || !isRolledBack || entry.signer !== issuer.key) return [];
  const { network, version } = entry.body;
  return [signPolicy({ network, version: version + 1, at: now, ...pickBound(bound) }, issuer)];
}

/** With a removed administrator what it signed stops counting: whoever removes it stands for the policy from then on. */
export function inherited(membership: Membership, from: IdentityKey, issuer: SigningKey): readonly Signed[] {
  const entry = membership.policyEntry;
  if (entry === null || entry.signer !== from) return [];
  return [signPolicy({ ...entry.body, version: entry.body.version + 1 }, issuer)];
}
