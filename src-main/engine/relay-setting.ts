/** Whether this machine relays for the other members of a network, and what that costs: as chosen, or by default. */
import type { NetworkStatus } from "../../src-shared/status.ts";
import type { Held } from "./held-networks.ts";
import type { StoredNetwork } from "./stored.ts";

/** What is chosen, before any right is looked at. Machines with the router role relay unless told otherwise. */
export function relaySetting(
  { relay }: Pick<StoredNetwork, "relay">,
  hasRouter: boolean,
): { readonly on: boolean; readonly cost: number } {
  return relay ?? { on: hasRouter, cost: hasRouter ? routerCost : defaultCost };
}

/** As users see it. */
export function relayStatus(
  { stored, loop }: Held,
  node: { readonly hasRouter: boolean; readonly relayQuotaMbit: number | null },
): NetworkStatus["relay"] {
  const { on, cost } = relaySetting(stored, node.hasRouter);
  const allowed = loop?.machine.ownCertificate()?.body.rights.relay ?? true;
  return { on: on && allowed, cost, allowed, quotaMbit: node.relayQuotaMbit };
}

/** A router is there for it. */
const routerCost = 1;
/** A member does it for others beside its own work. */
const defaultCost = 5;
