/** A network for the membership's tests, and a member's machine that has heard these entries. */
import { Membership } from "../../../src-main/mesh/membership.ts";
import type { Entry } from "../../../src-shared/trust.ts";
import { hashOf, start, TestNetwork } from "../../fakes/entries.ts";

export const net = new TestNetwork();

/** What the entries come to at a time. */
export function merged(entries: readonly Entry[], now = start): Membership {
  const membership = new Membership(net.id, hashOf);
  membership.merge(entries, now);
  return membership;
}
