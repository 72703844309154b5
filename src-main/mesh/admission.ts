/** Whether a router takes a certificate in, and what an administrator's engine has left to sign. */
import { parseAddress, parsePrefix } from "../../src-shared/address.ts";
import type { ErrorCode, ErrorData } from "../../src-shared/errors.ts";
import type { IdentityKey, Millis } from "../../src-shared/ids.ts";
import type { EntryOf } from "../../src-shared/trust.ts";
import { isUsableIn, sameName } from "./addresses.ts";
import type { Invite } from "./authority.ts";
import type { Membership } from "./membership.ts";

/** Taken in (`pending`: it waits for approval), or why not. */
export type Admission =
  | { readonly ok: true; readonly pending: boolean }
  | { readonly ok: false; readonly code: ErrorCode; readonly data: ErrorData };

/** Whether a joining node's certificate may be taken in. An identical repeat gets the same answer. */
export function canAdmit(membership: Membership, entry: EntryOf<"certificate">, now: Millis): Admission {
  const { body, signer } = entry;
  const name = membership.record?.name ?? "";
  if (body.network !== membership.network)
    return refused("not-allowed", { detail: "the certificate is of another network" });
  if (membership.authority.ends(body) !== null) return refused("revoked", { name });
  const invite = membership.invite(signer);
  if (invite !== null) {
    const limit = beyondInvite(membership, entry, { invite, now });
    if (limit !== null) return limit;
  }
  const { rank, refused: cause } = membership.judge(entry, now);
  if (rank === undefined)
    return refused("not-allowed", { detail: `the certificate does not count (${cause})` });
  const conflict = conflictOf(membership, entry);
  return conflict ?? { ok: true, pending: rank === "pending" };
}

/** A certificate that an administrator should sign again, and why. */
export interface Reissue {
  readonly entry: EntryOf<"certificate">;
  readonly cause: "delegated" | "half-life" | "orphaned";
}

/**
 * Certificates that an administrator's engine signs anew (serial + 1) whenever it is online: those of invites, those
 * whose second half has begun, and those that stopped counting with the administrator who signed them.
 */
export function reissues(membership: Membership, now: Millis): readonly Reissue[] {
  const due: Reissue[] = [];
  for (const { entry, rank } of membership.members()) {
    if (rank === "delegated") due.push({ entry, cause: "delegated" });
    else if (rank === "direct" && now > (entry.body.issued + entry.body.expires) / 2)
      due.push({ entry, cause: "half-life" });
  }
  for (const entry of membership.orphans()) due.push({ entry, cause: "orphaned" });
  return due;
}

/** Invites that are used up or expired and lack their close record, with whom they admitted. */
export function closable(
  membership: Membership,
  now: Millis,
): readonly { readonly invite: EntryOf<"delegation">; readonly admitted: readonly IdentityKey[] }[] {
  return membership.authority.invites().flatMap(({ entry, admitted }) => {
    if (admitted !== null) return [];
    const users = membership.admittedBy(entry.body.key);
    const over = now > entry.body.expires || users.length >= entry.body.count;
    return over ? [{ invite: entry, admitted: users.slice(0, entry.body.count) }] : [];
  });
}

function beyondInvite(
  membership: Membership,
  { body, signer }: EntryOf<"certificate">,
  { invite, now }: { readonly invite: Invite; readonly now: Millis },
): Admission | null {
  const { count, expires } = invite.entry.body;
  const users = membership.admittedBy(signer);
  const known = users.slice(0, count).includes(body.identity);
  if (invite.admitted !== null) {
    if (invite.admitted.has(body.identity)) return null;
    return refused(
      invite.admitted.size >= count ? "invite-used" : now > expires ? "invite-expired" : "invite-withdrawn",
    );
  }
  if (known) return null;
  if (now > expires) return refused("invite-expired");
  return users.length >= count ? refused("invite-used") : null;
}

function conflictOf(membership: Membership, { body }: EntryOf<"certificate">): Admission | null {
  const everybody = membership.everybody();
  const others = everybody.filter(({ identity }) => identity !== body.identity);
  if (others.some(({ sessionKey }) => sessionKey === body.sessionKey)) {
    return refused("not-allowed", { detail: "another member holds this session key" });
  }
  const own = everybody.find(({ identity }) => identity === body.identity);
  if (own !== undefined && own.sessionKey !== body.sessionKey) {
    return refused("already-member", { name: membership.record?.name ?? "" });
  }
  const ranges = membership.record?.ranges ?? [];
  for (const address of body.addresses) {
    const parsed = parseAddress(address);
    const usable = parsed !== null && ranges.some((range) => isUsableIn(parsePrefix(range), parsed));
    if (!usable) return refused("address-outside", { address, range: ranges.join(", ") });
    const owner = others.find(({ addresses }) => addresses.includes(address));
    if (owner !== undefined) return refused("address-taken", { address, owner: owner.certificate.name });
  }
  const namesake = others.some(({ certificate }) => sameName(certificate.name, body.name));
  return namesake ? refused("not-allowed", { detail: `the name ${body.name} is taken` }) : null;
}

function refused(code: ErrorCode, data: ErrorData = {}): Admission {
  return { ok: false, code, data };
}
