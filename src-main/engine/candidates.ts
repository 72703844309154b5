/** Where this machine can be reached: host addresses, what STUN saw, what was declared by hand. */
import { formatAddress, isLoopback } from "../../src-shared/address.ts";
import { joinHostPort } from "../../src-shared/ids.ts";
import type { OwnCandidate } from "../mesh/effect.ts";
import type { Interface } from "../system/system.ts";

/** Own candidates, best first; nothing twice. */
export function ownCandidates(facts: {
  /** Those of Starmesh itself left out. */
  readonly interfaces: readonly Interface[];
  readonly port: number;
  /** Opened at gateways. */
  readonly mapped: readonly string[];
  readonly reflexive: readonly string[];
  readonly declared: readonly string[];
}): readonly OwnCandidate[] {
  const found = new Map<string, OwnCandidate>();
  const add = (endpoint: string, kind: OwnCandidate["kind"]) => {
    if (!found.has(endpoint)) found.set(endpoint, { endpoint, kind });
  };
  for (const { up, addresses } of facts.interfaces) {
    if (!up) continue;
    // What this machine sends over IPv6 leaves by a temporary address where there is one, and firewalls go by that.
    for (const { address, linkLocal } of addresses) {
      if (linkLocal || isLoopback(address)) continue;
      add(joinHostPort(formatAddress(address), facts.port), "lan");
    }
  }
  for (const endpoint of facts.declared) add(endpoint, "declared");
  for (const endpoint of facts.mapped) add(endpoint, "mapped");
  for (const endpoint of facts.reflexive) add(endpoint, "reflexive");
  return [...found.values()].slice(0, mostCandidates);
}

const mostCandidates = 32;
