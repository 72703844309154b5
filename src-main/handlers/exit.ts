/** Calls about the way to the internet. */
import type { Handlers } from "../../src-shared/api/contract.ts";
import { AppError } from "../../src-shared/errors.ts";
import type { Engine } from "../engine/engine.ts";
import type { Install } from "./install.ts";

/** Answers of the noun “exit”. */
export function exitHandlers({
  engine,
}: Install): Pick<Handlers, "exit.read" | "exit.set" | "exit.release" | "exit.recall"> {
  return {
    "exit.read": () => engine.exit.read(),
    "exit.set": async ({ member, network, ...wish }) => {
      if (member === null) {
        await engine.chooseExit(null);
        return engine.exit.read();
      }
      const found = find(engine, member, network);
      if (wish.only.length > 0 && wish.except.length > 0)
        throw new AppError("usage", {
          detail: "Give prefixes that go through the exit or those that do not, not both.",
        });
      await engine.chooseExit({ network: found.network, choice: { ...wish, identity: found.identity } });
      return engine.exit.read();
    },
    "exit.release": async (_, caller) => {
      if (caller === undefined || caller.connection() === null)
        throw new AppError("usage", {
          detail: "A program goes past the exit from a terminal of this machine: starmesh outside PROGRAM.",
        });
      await engine.exit.release(caller);
      return {};
    },
    "exit.recall": async ({ process }) => {
      await engine.exit.recall(process);
      return engine.exit.read();
    },
  };
}

/** A member that offers to be one, by name or address. */
function find(engine: Engine, name: string, network: string | undefined) {
  const wanted = network === undefined ? null : engine.networks.find(network).stored.network;
  const members = engine.networks.all().flatMap(({ stored, loop }) =>
    loop === null || (wanted !== null && stored.network !== wanted)
      ? []
      : loop.machine
          .members()
          .filter(
            ({ certificate, addresses }) =>
              certificate.name.toLowerCase() === name.toLowerCase() || addresses.includes(name),
          )
          .map(({ identity, certificate }) => ({
            network: stored.network,
            net: stored.name,
            identity,
            certificate,
          })),
  );
  const [only, second] = members;
  if (only === undefined) throw new AppError("unknown-peer", { name, network: network ?? "NETWORK" });
  if (second !== undefined)
    throw new AppError("ambiguous-peer", {
      name,
      list: members.map(({ certificate, net }) => `${certificate.name} in ${net}`).join(", "),
    });
  const offers = engine.exit.status().offers;
  const isOffered = offers.some(
    (offer) => offer.member === only.certificate.name && offer.network === only.net,
  );
  if (!isOffered) throw new AppError("no-exit", { name: only.certificate.name });
  return only;
}
