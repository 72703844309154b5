/** What the user chose for the path to a peer. Each end's choice is for what that end sends. */
import type { Millis, SessionKey } from "../../src-shared/ids.ts";
import type { PinStatus } from "../../src-shared/status.ts";
import type { Candidate } from "./candidate.ts";
import { isTrusted } from "./candidate.ts";

/** A choice; `via` is a relay's name. Without a transport any is used. */
export type Pin = Readonly<Omit<PinStatus, "transport">> & {
  readonly transport?: PinStatus["transport"] | undefined;
};

/** What a choice is checked against. */
export interface PinFacts {
  readonly relays: ReadonlyMap<SessionKey, { readonly name: string }>;
  readonly now: Millis;
}

/** Whether a relay or the direct path is chosen. */
export function choosesPath(pin: Pin | null): pin is Pin {
  return pin !== null && (pin.direct || pin.via !== null);
}

/** Whether a candidate is one of those chosen. */
export function fitsPin({ kind, relay }: Candidate, pin: Pin, { relays }: PinFacts): boolean {
  if (pin.direct) return kind !== "relay";
  if (pin.via === null) return true;
  return relay !== null && relays.get(relay)?.name.toLowerCase() === pin.via.toLowerCase();
}

/** Of the proved candidates those chosen; all of them while none of those chosen can be relied on. */
export function pinned(
  proved: readonly Candidate[],
  pin: Pin | null,
  facts: PinFacts & { readonly active: Candidate | null },
): readonly Candidate[] {
  if (!choosesPath(pin)) return proved;
  const chosen = proved.filter((candidate) => fitsPin(candidate, pin, facts));
  const holds = (candidate: Candidate) =>
    candidate === facts.active || isTrusted(candidate, facts.now) || chosen.length === proved.length;
  return chosen.some(holds) ? chosen : proved;
}
