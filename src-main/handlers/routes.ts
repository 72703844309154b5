/** Calls about the prefixes behind gateways. */
import type { Handlers } from "../../src-shared/api/contract.ts";
import type { Engine } from "../engine/engine.ts";
import type { Held } from "../engine/held-networks.ts";
import { RouteActs } from "../engine/route-acts.ts";
import { routesStatus } from "../engine/route-status.ts";
import type { Install } from "./install.ts";
import { pickMember } from "./members.ts";
import { onlyNetwork } from "./only-network.ts";

/** Answers of the noun “routes”. */
export function routeHandlers({
  engine,
}: Install): Pick<
  Handlers,
  | "routes.list"
  | "routes.advertise"
  | "routes.share"
  | "routes.withdraw"
  | "routes.grant"
  | "routes.accept"
  | "routes.lay"
> {
  return {
    "routes.list": async ({ network }) => {
      const helds = network === undefined ? engine.networks.all() : [engine.networks.find(network)];
      return {
        ...routesStatus(engine, helds),
        acceptance: helds.flatMap(({ stored, loop }) =>
          loop === null ? [] : [{ network: stored.name, ...loop.routes.acceptance() }],
        ),
        shared: helds.flatMap(({ stored }) =>
          stored.shared === undefined ? [] : [{ network: stored.name, ...stored.shared }],
        ),
      };
    },
    "routes.advertise": async ({ network, ...request }) => {
      const held = onlyNetwork(engine, network);
      const notes = await actsIn(engine, held).advertise(request);
      return { ...routesStatus(engine, [held]), notes: [...notes] };
    },
    "routes.share": async ({ network, prefixes, fullCone }) =>
      actsIn(engine, onlyNetwork(engine, network)).share({ prefixes, fullCone }),
    "routes.withdraw": async ({ network, prefix }) => {
      const held = onlyNetwork(engine, network);
      actsIn(engine, held).withdraw(prefix);
      return routesStatus(engine, [held]);
    },
    "routes.grant": async ({ network, member, prefix, on }) => {
      const { held, found } = pickMember(engine, network, member, (loop) =>
        loop.machine.membership.members(),
      );
      await actsIn(engine, held).grant(found, prefix, on);
      return routesStatus(engine, [held]);
    },
    "routes.accept": async ({ network, what, take }) => {
      const held = onlyNetwork(engine, network);
      const isWhole = what === "all" || what === "none";
      return actsIn(engine, held).accept(isWhole ? what : { prefix: what, take });
    },
    "routes.lay": async ({ network, prefix, via, members }) => {
      const held = onlyNetwork(engine, network);
      const pick = (name: string) =>
        pickMember(engine, held.stored.network, name, (loop) => loop.machine.membership.members()).found;
      await actsIn(engine, held).lay(
        prefix,
        via.map(({ gateway, priority }) => ({ member: pick(gateway), priority })),
        members === undefined ? null : members.map((name) => pick(name).identity),
      );
      return routesStatus(engine, [held]);
    },
  };
}

function actsIn(engine: Engine, { stored }: Held): RouteActs {
  return new RouteActs({
    loop: engine.networks.loop(stored.network),
    identity: engine.identity,
    system: engine.system,
    now: Date.now,
    keep: (change) => engine.networks.setRoutes(stored.network, change),
  });
}
