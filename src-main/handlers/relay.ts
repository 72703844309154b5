/** Calls about relaying for other members. */
import type { Handlers } from "../../src-shared/api/contract.ts";
import { networkStatus } from "../engine/status.ts";
import type { Install } from "./install.ts";

/** Answers of the noun “relay”. */
export function relayHandlers({ engine }: Install): Pick<Handlers, "relay.set"> {
  return {
    "relay.set": async ({ network, on, cost, quotaMbit }) => {
      const chosen = network === undefined ? engine.networks.all() : [engine.networks.find(network)];
      if (quotaMbit !== undefined) engine.setRelayQuota(quotaMbit === 0 ? null : quotaMbit);
      for (const { stored } of chosen) engine.networks.setRelay(stored.network, { on, cost });
      return {
        networks: chosen.map(({ stored }) => networkStatus(engine, engine.networks.find(stored.network))),
      };
    },
  };
}
