/** Calls about the router role. */
import type { Handlers } from "../../src-shared/api/contract.ts";
import { AppError } from "../../src-shared/errors.ts";
import { splitHostPort } from "../../src-shared/ids.ts";
import type { RouterReachStatus } from "../../src-shared/router-status.ts";
import type { RouterReach } from "../server/reach-check.ts";
import type { Install } from "./install.ts";
import { reachFindings } from "./reach-findings.ts";

/** Answers of the noun “router”. */
export function routerHandlers({
  engine,
  router,
}: Install): Pick<
  Handlers,
  "router.read" | "router.start" | "router.stop" | "router.newToken" | "router.check"
> {
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
    "router.check": async () => {
      const reach = await router.checkReach();
      if (reach === null) throw new AppError("router-off");
      const seen = engine.whereabouts.outside.reflexive().flatMap((text) => splitHostPort(text)?.host ?? []);
      const facts = { ...copyOf(reach), seen: [...new Set(seen)] };
      return { ...facts, findings: [...reachFindings(facts, router.status())] };
    },
  };
}

function copyOf({
  asked,
  doors,
  recorded,
  untested,
}: RouterReach): Omit<RouterReachStatus, "findings" | "seen"> {
  return {
    asked: asked.map((each) => ({ ...each })),
    doors: doors.map(({ protocol, address, transports, state, reachedBy, missedBy }) => ({
      protocol,
      address,
      transports: [...transports],
      state,
      reachedBy: [...reachedBy],
      missedBy: [...missedBy],
    })),
    recorded: [...recorded],
    untested: [...untested],
  };
}
