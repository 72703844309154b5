/** Fake answers about members, and who may change them. */
import type { Handlers } from "../../src-shared/api/contract.ts";
import { AppError } from "../../src-shared/errors.ts";
import type { WireguardClient } from "../../src-shared/wireguard.ts";
import type { FakeWorld } from "./engine.ts";
import { failOnDemand } from "./failure.ts";
import type { FakeNetwork } from "./network.ts";
import { membersOf, surroundingsOf } from "./network.ts";
import type { FakePeer } from "./peer.ts";
import { createPeer, isReached, movePeer } from "./peer.ts";
import { hostIn } from "./population.ts";
import { fakeUla, fakeUlaPrefix } from "./ula.ts";

type MemberCalls =
  | "members.list"
  | "members.approve"
  | "members.remove"
  | "members.admin"
  | "members.gateway"
  | "wireguard.add"
  | "wireguard.list"
  | "wireguard.revoke";

export function memberHandlers(world: FakeWorld): Pick<Handlers, MemberCalls> {
  const locate = (input: { readonly network?: string | undefined; readonly member: string }) => {
    failOnDemand(input.member);
    const networks = input.network === undefined ? world.networks : [world.find(input.network)];
    for (const network of networks) {
      const peer = network.peers.find((each) => each.name === input.member || each.identity === input.member);
      if (peer !== undefined) return { network, peer };
    }
    throw new AppError("unknown-peer", { name: input.member, network: networks[0]?.name ?? "" });
  };
  const change = (
    input: { readonly network?: string | undefined; readonly member: string },
    apply: (network: FakeNetwork, peer: FakePeer) => void,
  ) => {
    const { network, peer } = locate(input);
    requireAdmin(network);
    apply(network, peer);
    world.changed();
  };
  return {
    "members.list": async (input) => membersOf(world.find(input.network), world.clock.now()),
    "members.approve": async (input) => {
      change(input, (network, peer) => {
        peer.approved = true;
        movePeer(peer, "direct", { ...surroundingsOf(network), now: world.clock.now() });
      });
      return {};
    },
    "members.remove": async (input) => {
      change(input, (network, peer) => {
        if (network.secret !== null)
          throw new AppError("not-with-secret", { name: network.name, what: "removing a member" });
        network.peers = network.peers.filter((each) => each !== peer);
      });
      return {};
    },
    "members.admin": async (input) => {
      change(input, (_network, peer) => {
        peer.admin = true;
      });
      return {};
    },
    "members.gateway": async (input) => {
      change(input, (_network, peer) => {
        peer.gateway = input.on;
      });
      return {};
    },
    "wireguard.list": async (input) => {
      const networks = input.network === undefined ? world.networks : [world.find(input.network)];
      return networks.flatMap((network) => clientsOf(network, world.clock.now()));
    },
    "wireguard.revoke": async (input) => {
      const { network, peer } = locate({ ...input, member: input.name });
      network.peers = network.peers.filter((each) => each !== peer);
      world.changed();
      return {};
    },
    "wireguard.add": async (input) => {
      failOnDemand(input.name);
      const network = input.network === undefined ? world.networks[0] : world.find(input.network);
      if (network === undefined) throw new AppError("unknown-network", { name: "" });
      const address = hostIn(network.range, network.peers.length + 2);
      network.peers.push(
        createPeer(world.random, {
          name: input.name,
          address,
          way: "offline",
          now: world.clock.now(),
          kind: "stock",
        }),
      );
      world.changed();
      return {
        name: input.name,
        address,
        profile: profile(world, network, { address, all: input.allowed === "all" }),
        warnings: [],
      };
    },
  };
}

/** The stock clients of a network; each is served here that was let in here. */
function clientsOf(network: FakeNetwork, now: number): WireguardClient[] {
  return network.peers
    .filter((peer) => peer.kind === "stock")
    .map((peer) => ({
      name: peer.name,
      network: network.name,
      address: peer.address,
      addresses: [peer.address, fakeUla(peer.address)],
      publicKey: peer.publicKey,
      gateway: network.ownName,
      here: true,
      connected: isReached(peer),
      endpoint: isReached(peer) ? "203.0.113.90:51820" : null,
      lastHandshake: isReached(peer) ? new Date(peer.lastHandshake).toISOString() : null,
      rxBytes: peer.rxBytes,
      txBytes: peer.txBytes,
      expires: new Date(now + 300 * 86_400_000).toISOString(),
    }));
}

export function requireAdmin(network: FakeNetwork): void {
  if (network.admin) return;
  const devices = network.peers.filter((peer) => peer.admin).map((peer) => peer.name);
  throw new AppError("not-admin", { devices: devices.join(", ") });
}

function profile(
  world: FakeWorld,
  network: FakeNetwork,
  { address, all }: { readonly address: string; readonly all: boolean },
): string {
  return [
    "[Interface]",
    `PrivateKey = ${world.random.key()}`,
    `Address = ${address}/32, ${fakeUla(address)}/128`,
    "MTU = 1400",
    "",
    "[Peer]",
    `PublicKey = ${network.publicKey}`,
    `PresharedKey = ${world.random.key()}`,
    `AllowedIPs = ${all ? "0.0.0.0/0, ::/0" : `${network.range}, ${fakeUlaPrefix}`}`,
    "Endpoint = 203.0.113.24:7743",
    "PersistentKeepalive = 25",
    "",
  ].join("\n");
}
