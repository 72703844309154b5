/** Every answer to the contract, from one install. */
import type { Handlers } from "../../src-shared/api/contract.ts";
import { diaryHandlers } from "./diary.ts";
import { earlyHandlers } from "./early.ts";
import { exitHandlers } from "./exit.ts";
import { graphHandlers } from "./graph.ts";
import type { Install } from "./install.ts";
import { inviteHandlers } from "./invites.ts";
import { memberHandlers } from "./members.ts";
import { nameHandlers } from "./names.ts";
import { netcheckHandlers } from "./netcheck.ts";
import { networkHandlers } from "./networks.ts";
import { peerHandlers } from "./peers.ts";
import { policyHandlers } from "./policy.ts";
import { portMapHandlers } from "./port-maps.ts";
import { relayHandlers } from "./relay.ts";
import { reportHandlers } from "./report.ts";
import { routerHandlers } from "./router.ts";
import { routeHandlers } from "./routes.ts";
import { settingsHandlers } from "./settings.ts";
import { statusHandlers } from "./status.ts";
import { wireguardHandlers } from "./wireguard.ts";

/** The handlers of an install; the same for every border. */
export function createHandlers(install: Install): Handlers {
  const answers = {
    ...statusHandlers(install),
    ...networkHandlers(install),
    ...graphHandlers(install),
    ...inviteHandlers(install),
    ...memberHandlers(install),
    ...peerHandlers(install),
    ...nameHandlers(install),
    ...exitHandlers(install),
    ...diaryHandlers(install),
    ...netcheckHandlers(install),
    ...settingsHandlers(install),
    ...portMapHandlers(install),
    ...earlyHandlers(install),
    ...relayHandlers(install),
    ...routerHandlers(install),
    ...routeHandlers(install),
    ...policyHandlers(install),
    ...wireguardHandlers(install),
  };
  return { ...answers, ...reportHandlers({ ...install, trace: install.engine.trace }, answers) };
}
