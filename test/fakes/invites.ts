/** Fake invites: real lines, so that they can be pasted, scanned and garbled. */
import type { Handlers } from "../../src-shared/api/contract.ts";
import { AppError } from "../../src-shared/errors.ts";
import { networkId } from "../../src-shared/ids.ts";
import { formatInvite } from "../../src-shared/link.ts";
import type { FakeWorld } from "./engine.ts";
import { requireAdmin } from "./members.ts";
import type { FakeNetwork } from "./network.ts";

export function inviteHandlers(world: FakeWorld): Pick<Handlers, "invites.create"> {
  return {
    "invites.create": async (input) => {
      const network = world.find(input.network);
      requireAdmin(network);
      if (network.secret !== null)
        throw new AppError("not-with-secret", { name: network.name, what: "an invite" });
      await world.wait(200);
      return makeInvite(world, network, input);
    },
  };
}

export function makeInvite(
  world: FakeWorld,
  network: FakeNetwork,
  limits: { readonly count: number; readonly expiresSeconds: number },
): { invite: string; expires: string; uses: number; warnings: string[] } {
  const expires = world.clock.now() + limits.expiresSeconds * 1000;
  return {
    invite: formatInvite({
      network: networkId.parse(network.id),
      seed: world.random.bytes(32),
      pin: world.random.key(),
      addresses: network.routers,
      expires,
    }),
    expires: new Date(expires).toISOString(),
    uses: limits.count,
    warnings:
      network.hosted && world.router.publicHosts.length === 0
        ? ["This works only on this LAN: the router has private addresses only. Use --public HOST."]
        : [],
  };
}

/** An invite of a network that another machine hosts; joining it works like the real thing. */
export function foreignInvite(
  world: FakeWorld,
  name: string,
  options: { readonly approve?: boolean; readonly expiresSeconds?: number } = {},
): string {
  const id = world.random.id();
  world.foreign.set(id, { name, approve: options.approve ?? false });
  return formatInvite({
    network: networkId.parse(id),
    seed: world.random.bytes(32),
    pin: world.random.key(),
    addresses: ["198.51.100.7:7743"],
    expires: world.clock.now() + (options.expiresSeconds ?? 86_400) * 1000,
  });
}
