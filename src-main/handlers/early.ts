/** Calls about ways that are kept open before packets come. */
import type { Handlers } from "../../src-shared/api/contract.ts";
import { networkStatus } from "../engine/status.ts";
import type { Install } from "./install.ts";

/** Answers of the noun “early”. */
export function earlyHandlers({ engine }: Install): Pick<Handlers, "early.set"> {
  return {
    "early.set": async ({ network, on }) => {
      const chosen = network === undefined ? engine.networks.all() : [engine.networks.find(network)];
      for (const { stored } of chosen) engine.networks.setEarly(stored.network, on);
      return {
        networks: chosen.map(({ stored }) => networkStatus(engine, engine.networks.find(stored.network))),
      };
    },
  };
}
