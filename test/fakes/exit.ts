/** Fake answers about the way to the internet. */
import type { Handlers } from "../../src-shared/api/contract.ts";
import { AppError } from "../../src-shared/errors.ts";
import type { ExitStatus } from "../../src-shared/exit.ts";
import type { FakeWorld } from "./engine.ts";

/** The first peer of the first network offers to be one. */
export function exitHandlers(
  world: FakeWorld,
): Pick<Handlers, "exit.read" | "exit.set" | "exit.release" | "exit.recall"> {
  let chosen: ExitStatus["chosen"] = null;
  let outside: ExitStatus["outside"] = [
    { process: 4711, program: "curl" },
    { process: 4802, program: "steam" },
  ];
  const offers = (): ExitStatus["offers"] =>
    world.networks
      .slice(0, 1)
      .flatMap((network) =>
        network.peers
          .slice(0, 1)
          .map(({ name }) => ({ network: network.name, member: name, ipv4: true, ipv6: false })),
      );
  const read = (): ExitStatus => ({
    state: chosen === null ? "off" : "active",
    chosen,
    reason: null,
    outside: chosen === null ? [] : outside,
    offers: offers(),
  });
  return {
    "exit.read": async () => read(),
    "exit.set": async ({ member, network: _, ...wish }) => {
      const offer = offers().find((each) => each.member === member);
      if (member !== null && offer === undefined) throw new AppError("no-exit", { name: member });
      chosen = offer === undefined ? null : { ...wish, network: offer.network, member: offer.member };
      world.changed();
      return read();
    },
    "exit.release": async () => ({}),
    "exit.recall": async ({ process }) => {
      outside = outside.filter((each) => each.process !== process);
      return read();
    },
  };
}
