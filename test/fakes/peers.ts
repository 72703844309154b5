/** Fake answers about peers: path, ping; and the network check. */
import type { Handlers, OutputOf, ParsedInputOf, StopSignal } from "../../src-shared/api/contract.ts";
import { AppError } from "../../src-shared/errors.ts";
import type { FakeWorld } from "./engine.ts";
import { failOnDemand } from "./failure.ts";
import type { FakeNetwork } from "./network.ts";
import { surroundingsOf } from "./network.ts";
import type { FakePeer } from "./peer.ts";
import { candidatesOf, isReached, movePeer, peerStatusOf } from "./peer.ts";

export function peerHandlers(
  world: FakeWorld,
): Pick<Handlers, "peers.path" | "peers.pin" | "peers.reconnect" | "peers.ping" | "netcheck.run"> {
  return {
    "peers.path": async (input) => {
      const { network, peer } = locate(world, input);
      const where = surroundingsOf(network);
      return {
        peer: peerStatusOf(peer, where),
        since: peer.decisions[0]?.at ?? null,
        candidates: candidatesOf(peer, where),
        decisions: [...peer.decisions],
      };
    },
    "peers.pin": async (input) => {
      const { peer } = locate(world, input);
      const { via, direct, transport = peer.pin?.transport ?? null } = input;
      const { spread = peer.pin?.spread ?? "auto" } = input;
      const isChoice = via !== null || direct || transport !== null || spread !== "auto";
      peer.pin = isChoice ? { via, direct, transport, spread } : null;
      world.changed();
      return {};
    },
    "peers.reconnect": async (input) => {
      const { network, peer } = locate(world, input);
      await world.wait(300);
      if (isReached(peer)) movePeer(peer, "direct", { ...surroundingsOf(network), now: world.clock.now() });
      world.changed();
      return {};
    },
    "peers.ping": (input, signal) => ping(world, input, signal),
    "netcheck.run": async () => {
      await world.wait(900);
      return {
        interfaces: [{ name: "eth0", addresses: ["192.168.1.20/24", "2001:db8:20::14/64"] }],
        udpPort: 7743,
        routers: [
          {
            address: "198.51.100.7:7743",
            control: true,
            controlMs: 21.4,
            udp: true,
            udpMs: 19.8,
            linkMs: null,
            transport: "udp",
            reflexive: "203.0.113.24:7743",
            answers: "router",
            tcp443: "refused",
            clockSkewMs: 120,
            mtu: 1400,
          },
        ],
        stun: [
          { server: "198.51.100.7:7743", address: "203.0.113.24:7743" },
          { server: "198.51.100.7:7744", address: "203.0.113.24:7743" },
        ],
        nat: { mapping: "independent", step: 0, portMapping: "pcp", udp: true },
        portMapping: { state: "open", protocol: "pcp", endpoints: ["203.0.113.24:7743"] },
        ipv6: { address: true, outside: null },
        overlaps: [],
        findings: [
          { code: "udp", level: "good", text: "UDP passes.", advice: null },
          {
            code: "nat-independent",
            level: "good",
            text: "The NAT keeps one outer port: direct paths are likely.",
            advice: null,
          },
        ],
        tun: { ok: true, detail: null },
        hardwareAes: true,
      };
    },
  };
}

async function* ping(
  world: FakeWorld,
  input: ParsedInputOf<"peers.ping">,
  signal: StopSignal,
): AsyncIterable<OutputOf<"peers.ping">> {
  const { network, peer } = locate(world, input);
  for (let sequence = 1; !signal.aborted; sequence++) {
    const path = peerStatusOf(peer, surroundingsOf(network)).path;
    yield {
      sequence,
      latencyMs:
        isReached(peer) && world.random.next() > 0.01
          ? peer.latencyMs * world.random.between(0.9, 1.15)
          : null,
      path:
        path === null
          ? "none"
          : path.kind === "relay"
            ? `via ${path.via.join(", ")}`
            : `direct ${path.remote}`,
      address: peer.address,
      name: peer.name,
    };
    if (input.count !== 0 && sequence >= input.count) return;
    await world.wait(1000, signal);
  }
}

/** A peer by name, address or beginning of its key. */
export function locate(
  world: FakeWorld,
  input: { readonly peer: string; readonly network?: string | undefined },
): { readonly network: FakeNetwork; readonly peer: FakePeer } {
  failOnDemand(input.peer);
  const networks = input.network === undefined ? world.networks : [world.find(input.network)];
  const found = networks.flatMap((network) =>
    network.peers
      .filter(
        (peer) =>
          peer.name === input.peer || peer.address === input.peer || peer.publicKey.startsWith(input.peer),
      )
      .map((peer) => ({ network, peer })),
  );
  const [first, ...more] = found;
  if (first === undefined)
    throw new AppError("unknown-peer", { name: input.peer, network: networks[0]?.name ?? "" });
  if (more.length > 0)
    throw new AppError("ambiguous-peer", {
      name: input.peer,
      list: found.map(({ network, peer }) => `${peer.name} in ${network.name}`).join(", "),
    });
  return first;
}
