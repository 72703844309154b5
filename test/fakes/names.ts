/** Fake answers about names. */
import { parseAddress } from "../../src-shared/address.ts";
import type { Handlers } from "../../src-shared/api/contract.ts";
import { AppError } from "../../src-shared/errors.ts";
import type { NameEntry, NamesStatus } from "../../src-shared/names.ts";
import type { FakeWorld } from "./engine.ts";
import { requireAdmin } from "./members.ts";
import type { FakeNetwork } from "./network.ts";

export function nameHandlers(world: FakeWorld): Pick<Handlers, "names.list" | "names.add" | "names.remove"> {
  const byHand = new Map<string, NameEntry[]>();
  const entriesOf = (network: FakeNetwork) => byHand.get(network.id) ?? [];
  const choose = (name: string | undefined) => {
    const network = name === undefined ? world.networks[0] : world.find(name);
    if (network === undefined) throw new AppError("unknown-network", { name: "" });
    requireAdmin(network);
    return network;
  };
  return {
    "names.list": async (input) => {
      const chosen = input.network === undefined ? world.networks : [world.find(input.network)];
      return chosen.map((network) => statusOf(network, entriesOf(network)));
    },
    "names.add": async ({ name, value, network: wanted }) => {
      const network = choose(wanted);
      const entry: NameEntry =
        parseAddress(value) === null
          ? { kind: "alias", name, of: value }
          : { kind: "address", name, address: value };
      byHand.set(network.id, [...entriesOf(network), entry]);
      world.changed();
      return { name, value };
    },
    "names.remove": async ({ name, network: wanted }) => {
      const network = choose(wanted);
      if (!entriesOf(network).some((entry) => entry.name === name))
        throw new AppError("unknown-name", { name });
      byHand.set(
        network.id,
        entriesOf(network).filter((entry) => entry.name !== name),
      );
      world.changed();
      return {};
    },
  };
}

function statusOf(network: FakeNetwork, entries: readonly NameEntry[]): NamesStatus {
  const domain = `${network.name}.mesh`;
  return {
    network: network.name,
    domain,
    server: network.state === "off" ? null : "10.86.255.254",
    way: network.state === "off" ? "none" : "resolved",
    reason: null,
    names: [
      ...network.peers.map(({ name, address }) => ({
        name: `${name}.${domain}`,
        addresses: [address],
        alias: null,
        byHand: false,
      })),
      ...entries.map((entry) => ({
        name: `${entry.name}.${domain}`,
        addresses: entry.kind === "address" ? [entry.address] : [],
        alias: entry.kind === "alias" ? `${entry.of}.${domain}` : null,
        byHand: true,
      })),
    ],
  };
}
