/** Calls about the router role. */
import type { Handlers } from "../../src-shared/api/contract.ts";
import type { Install } from "./install.ts";

/** Answers of the noun “router”. */
export function routerHandlers({
  router,
}: Install): Pick<Handlers, "router.read" | "router.start" | "router.stop" | "router.newToken"> {
  return {
    "router.read": async () => router.status(),
    "router.start": async (change) => {
      await router.start(change);
      return router.status();
    },
    "router.stop": async () => {
      await router.stop();
      return router.status();
    },
    "router.newToken": async () => {
      await router.newToken();
      return router.status();
    },
  };
}
