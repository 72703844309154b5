/** Stock WireGuard clients: those that this node serves, and the others of its networks. */
import { formatAddress, isPrivate, parseAddress } from "../../src-shared/address.ts";
import type { Handlers } from "../../src-shared/api/contract.ts";
import { AppError } from "../../src-shared/errors.ts";
import { hostPort, joinHostPort, nodeName, splitHostPort } from "../../src-shared/ids.ts";
import type { WireguardClient } from "../../src-shared/wireguard.ts";
import type { Engine } from "../engine/engine.ts";
import type { Held } from "../engine/held-networks.ts";
import { peerStatus } from "../engine/status.ts";
import { addClient, revokeClient } from "../engine/stock-clients.ts";
import { addressesOf } from "../mesh/membership.ts";
import type { Install } from "./install.ts";
import { onlyNetwork } from "./only-network.ts";

type WireguardCalls = Pick<Handlers, "wireguard.add" | "wireguard.list" | "wireguard.revoke">;

/** Answers of the noun “wireguard”. */
export function wireguardHandlers({ engine }: Install): WireguardCalls {
  return {
    "wireguard.add": async ({ name, network, endpoint, allowed }) => {
      if (!nodeName.safeParse(name).success) throw new AppError("name-invalid", { name });
      const { loop, stored } = onlyNetwork(engine, network);
      if (loop === null) throw new AppError("network-off", { name: stored.name });
      const reached = chooseEndpoint(engine, endpoint);
      const client = await addClient(loop, engine.surroundings, {
        name,
        endpoint: reached.endpoint,
        everything: allowed === "all",
      });
      return { ...client, warnings: reached.warnings };
    },
    "wireguard.list": async ({ network }) =>
      (network === undefined ? engine.networks.all() : [engine.networks.find(network)]).flatMap((held) =>
        clientsOf(engine, held),
      ),
    "wireguard.revoke": async ({ name, network }) => {
      const helds = network === undefined ? engine.networks.all() : [engine.networks.find(network)];
      const found = helds.flatMap((held) =>
        clientsOf(engine, held)
          .filter((client) => client.name === name || client.addresses.includes(name))
          .map((client) => ({ client, held })),
      );
      const [only, second] = found;
      if (only === undefined) throw new AppError("unknown-peer", { name, network: network ?? "NETWORK" });
      if (second !== undefined) {
        const list = found.map(({ client }) => `${client.name} in ${client.network}`).join(", ");
        throw new AppError("ambiguous-peer", { name, list });
      }
      const { loop, stored } = only.held;
      if (loop === null) throw new AppError("network-off", { name: stored.name });
      await revokeClient(loop, engine.surroundings, only.client.publicKey);
      return {};
    },
  };
}

function clientsOf(engine: Engine, held: Held): WireguardClient[] {
  const { loop, stored } = held;
  if (loop === null) return [];
  const { membership } = loop.machine;
  return membership
    .members()
    .filter(({ rank }) => rank === "stock")
    .map((member): WireguardClient => {
      const { certificate, sessionKey } = member;
      const gateway = certificate.gateway === undefined ? null : membership.member(certificate.gateway);
      const here = certificate.gateway === engine.identity.key;
      const view = here ? loop.machine.peer(sessionKey, Date.now()) : null;
      const status = view === null ? null : peerStatus(engine, held, view);
      return {
        name: certificate.name,
        network: stored.name,
        address: certificate.addresses[0] ?? "",
        addresses: [...addressesOf(member)],
        publicKey: sessionKey,
        gateway: gateway?.certificate.name ?? "",
        here,
        connected: status === null ? null : status.state === "connected",
        endpoint: status?.path?.remote ?? null,
        lastHandshake: status?.lastHandshake ?? null,
        rxBytes: status?.rxBytes ?? null,
        txBytes: status?.txBytes ?? null,
        expires: new Date(certificate.expires).toISOString(),
      };
    });
}

/** Where the client will look for this node: as told, else a declared or public address, else one of this LAN. */
function chooseEndpoint(
  engine: Engine,
  told: string | undefined,
): { readonly endpoint: string; readonly warnings: string[] } {
  if (told !== undefined) {
    const whole = hostPort.safeParse(told).success ? told : joinHostPort(told, engine.port);
    if (!hostPort.safeParse(whole).success) {
      throw new AppError("usage", { detail: `“${told}” is no endpoint: write HOST or HOST:PORT.` });
    }
    return { endpoint: whole, warnings: [] };
  }
  const [declared] = engine.surroundings.declared();
  if (declared !== undefined) return { endpoint: declared, warnings: [] };
  const [reflexive = null] = engine.whereabouts.outside.reflexive();
  const local = engine.system
    .interfaces()
    .filter((each) => each.up && !each.loopback && !each.name.startsWith("starmesh"))
    .flatMap((each) => each.addresses.filter(({ linkLocal }) => !linkLocal))
    .map(({ address }) => formatAddress(address))
    .map((host) => joinHostPort(host, engine.port));
  const [first = joinHostPort("127.0.0.1", engine.port)] = local;
  if (reflexive !== null && !local.includes(reflexive)) {
    const warning = `This machine is behind a router: forward UDP port ${engine.port} there, or give --endpoint.`;
    return { endpoint: reflexive, warnings: [warning] };
  }
  const address = parseAddress(splitHostPort(first)?.host ?? "");
  const lanOnly = address !== null && isPrivate(address);
  return {
    endpoint: first,
    warnings: lanOnly
      ? ["This profile works only on this LAN. Use --endpoint HOST to name a public address."]
      : [],
  };
}
