/** Fake joining, step by step. */
import type { Handlers, OutputOf, ParsedInputOf, StopSignal } from "../../src-shared/api/contract.ts";
import { AppError } from "../../src-shared/errors.ts";
import { nodeName } from "../../src-shared/ids.ts";
import { isLink, parseInvite } from "../../src-shared/link.ts";
import { planeTarget } from "../../src-shared/plane.ts";
import type { FakeWorld } from "./engine.ts";
import { failOnDemand } from "./failure.ts";
import { createNetwork } from "./networks.ts";
import { hostIn } from "./population.ts";

/** Steps until a network that asks for approval gives it. */
const approvalMilliseconds = 15_000;
const stepMilliseconds = 350;

export function joinHandlers(world: FakeWorld): Pick<Handlers, "networks.join"> {
  return { "networks.join": (input, signal) => join(world, input, signal) };
}

async function* join(
  world: FakeWorld,
  input: ParsedInputOf<"networks.join">,
  signal: StopSignal,
): AsyncIterable<OutputOf<"networks.join">> {
  const target = input.target.trim();
  failOnDemand(input.router);
  if (input.nodeName !== undefined && !nodeName.safeParse(input.nodeName).success)
    throw new AppError("name-invalid", { name: input.nodeName });
  const plan = isLink(target, "join") || target.includes("://") ? byInvite(world, target) : bySecret(input);
  yield { step: "Looking for the router" };
  await world.wait(stepMilliseconds, signal);
  failOnDemand(target, input.secret, input.nodeName, input.address);
  if (world.networks.some((network) => network.name === plan.name))
    throw new AppError("already-member", { name: plan.name });
  yield { step: "Asking for an address" };
  await world.wait(stepMilliseconds, signal);
  if (plan.name === "crowded" && !input.force)
    throw new AppError("range-overlaps", { range: plan.range, local: "192.168.1.0/24", interface: "eth0" });
  yield { step: "Joining" };
  await world.wait(stepMilliseconds, signal);
  if (signal.aborted) return;

  const address = input.address ?? hostIn(plan.range, 9);
  const network = createNetwork(world, {
    ...plan,
    hosted: false,
    admin: false,
    peers: 5,
    address,
    ...(input.nodeName === undefined ? {} : { ownName: input.nodeName }),
  });
  if (plan.approve) {
    network.state = "joining";
    network.detail = "Waits for approval on atlas.";
    world.clock.after(approvalMilliseconds, () => {
      if (network.state !== "joining") return;
      network.state = "online";
      network.detail = null;
      world.changed();
    });
  }
  world.networks.push(network);
  world.changed();
  yield {
    joined: {
      network: plan.name,
      name: network.ownName,
      address,
      waitsFor: plan.approve ? ["atlas"] : [],
      warnings: input.force
        ? [`The range ${plan.range} overlaps 192.168.1.0/24 on eth0: no route to the network is set.`]
        : [],
    },
  };
}

interface Plan {
  readonly name: string;
  readonly range: string;
  readonly approve: boolean;
  readonly secret: string | null;
  readonly id?: string;
}

function byInvite(world: FakeWorld, target: string): Plan {
  const invite = parseInvite(target);
  if (invite.expires < world.clock.now()) throw new AppError("invite-expired");
  const own = world.networks.find((network) => network.id === invite.network);
  if (own !== undefined) throw new AppError("already-member", { name: own.name });
  const foreign = world.foreign.get(invite.network) ?? { name: "guest-network", approve: false };
  return {
    ...foreign,
    id: invite.network,
    range: foreign.name === "crowded" ? "192.168.1.0/24" : "10.88.0.0/16",
    secret: null,
  };
}

function bySecret(input: ParsedInputOf<"networks.join">): Plan {
  const plane = input.router === undefined ? planeTarget(input.target.trim()) : null;
  const name = plane?.name ?? input.target.trim();
  failOnDemand(name);
  if (plane === null && (input.router === undefined || input.router === ""))
    throw new AppError("no-network-here", { name, router: "this machine" });
  if (input.secret === undefined || input.secret.length < 8) throw new AppError("wrong-secret", { name });
  return { name, range: "10.99.0.0/16", approve: false, secret: input.secret };
}
