/** A peer's candidates in words. */
import type { SessionKey } from "../../src-shared/ids.ts";
import type { Around } from "./around.ts";
import type { Candidate } from "./candidate.ts";
import type { Endpoint } from "./effect.ts";
import { hostPortOf, transportOf } from "./endpoint.ts";
import type { ReasonFacts } from "./path.ts";

/** What a sentence about the path in use says. */
export function sentenceFacts(
  active: Candidate,
  candidates: readonly Candidate[],
  around: Pick<Around, "name" | "relays" | "pin" | "nameOf">,
): ReasonFacts {
  return {
    name: around.name,
    endpoint: hostPortOf(active.endpoint),
    transport: transportOf(active.endpoint),
    via: active.relay === null ? undefined : viaOf(active, around).join(", then "),
    chosen: around.pin?.via ?? undefined,
    direct: candidates.filter(({ kind }) => kind !== "relay").length,
  };
}

/** Names of the relays that a candidate leads through, in order; none for a direct one. */
export function viaOf(
  { relay, onward }: Pick<Candidate, "relay" | "onward">,
  { relays, nameOf }: Pick<Around, "relays" | "nameOf">,
): readonly string[] {
  const first = relay === null ? undefined : relays.get(relay)?.name;
  return first === undefined ? [] : [first, ...onward.map(nameOf)];
}

/** Where a candidate's answers come from. */
export function describe({ kind, endpoint, relay }: Candidate, { relays }: Pick<Around, "relays">): string {
  return kind === "relay" && relay !== null
    ? `through ${relays.get(relay)?.name ?? "a relay"}`
    : `from ${endpoint}`;
}

/** The relay at whose address an endpoint is. */
export function relayAt(endpoint: Endpoint, { relays }: Pick<Around, "relays">): SessionKey | undefined {
  const [host] = endpoint.split("#");
  for (const [key, relay] of relays) if (relay.endpoint === host) return key;
  return undefined;
}
