/** What one network of this install has names for. */
import { parsePrefix } from "../../src-shared/address.ts";
import { ulaPrefix } from "../../src-shared/ula.ts";
import type { HashOf } from "../mesh/membership.ts";
import { addressesOf } from "../mesh/membership.ts";
import type { NamedNetwork } from "../mesh/names.ts";
import type { Network } from "../mesh/network.ts";
import type { StoredNetwork } from "./stored.ts";

/** The members of a network and what was written by hand; while it is down, nothing. */
export function namedNetwork(
  { network, name }: Pick<StoredNetwork, "network" | "name">,
  machine: Network | null,
  hash: HashOf,
): NamedNetwork {
  if (machine === null) return { name, ranges: [], members: [], byHand: [] };
  const texts = [...(machine.record()?.ranges ?? []), ulaPrefix(network, hash)];
  return {
    name,
    ranges: texts.flatMap((text) => parsePrefix(text) ?? []),
    members: machine.members().map((member) => ({
      name: member.certificate.name,
      addresses: addressesOf(member),
    })),
    byHand: machine.membership.names?.names ?? [],
  };
}
