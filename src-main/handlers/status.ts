/** Calls about the whole install: status, its changes, the panel, the end. */
import type { Handlers } from "../../src-shared/api/contract.ts";
import type { Status } from "../../src-shared/status.ts";
import { routesStatus } from "../engine/route-status.ts";
import { networkStatus, peerStatuses } from "../engine/status.ts";
import type { RightsState } from "../system/rights.ts";
import type { Install } from "./install.ts";

/** Answers of the nouns “status”, “panel”, “rights” and “engine”. */
export function statusHandlers(
  install: Install,
): Pick<
  Handlers,
  | "status.read"
  | "status.watch"
  | "panel.link"
  | "panel.revoke"
  | "rights.ask"
  | "engine.awake"
  | "engine.stop"
> {
  return {
    "status.read": async () => readStatus(install),
    "status.watch": async function* (_input, signal) {
      let last = "";
      while (!signal.aborted) {
        const status = readStatus(install);
        const text = JSON.stringify(status);
        if (text !== last) yield status;
        last = text;
        await changed(install, signal);
      }
    },
    "panel.link": async () => install.panelLink(),
    "panel.revoke": async () => {
      install.revokePanel();
      return {};
    },
    "engine.awake": async () => {
      install.engine.awake();
      return {};
    },
    "rights.ask": async () => {
      await install.engine.system.rights.ask();
      return {};
    },
    "engine.stop": async () => {
      install.stop();
      return {};
    },
  };
}

/** Everything users see, as of now. */
export function readStatus(install: Install): Status {
  const { engine } = install;
  const helds = engine.networks.all();
  const { routes, own, overlaps } = routesStatus(engine, helds);
  return {
    node: {
      name: engine.name,
      publicKey: engine.identity.key,
      version: install.version,
      pid: process.pid,
      startedAt: new Date(engine.startedAt).toISOString(),
      limited: engine.limited,
      rights: rightsOf(engine.system.rights.state()),
      port: engine.port === 0 ? null : engine.port,
      reflexive: engine.whereabouts.outside.reflexive()[0] ?? null,
      panel: install.panel(),
    },
    networks: helds.map((held) => networkStatus(engine, held)),
    peers: helds.flatMap((held) => peerStatuses(engine, held)),
    router: install.router.status(),
    routes,
    ownRoutes: own,
    overlaps,
    refused: sumOf(
      engine.traffic.refused,
      install.router.refused(),
      ...helds.map(({ loop }) => refusedEntries(loop?.machine.refused() ?? {})),
    ),
  };
}

function rightsOf(state: RightsState): Status["node"]["rights"] {
  return { kind: state.kind, canAsk: state.kind === "none" && state.canAsk };
}

/** By cause, named as the router names its own. */
function refusedEntries(counts: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(counts).map(([cause, count]) => [`entry ${cause}`, count]));
}

function sumOf(...counts: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const [cause, count] of counts.flatMap((each) => Object.entries(each)))
    sums[cause] = (sums[cause] ?? 0) + count;
  return sums;
}

/** Resolves at the next change, but not sooner than a second after the last. */
function changed(
  { engine }: Install,
  signal: { addEventListener(type: "abort", listener: () => void): void },
): Promise<void> {
  return new Promise((resolve) => {
    let rested = false;
    let moved = false;
    const look = () => {
      if (rested && moved) done();
    };
    const stop = engine.onChange(() => {
      moved = true;
      look();
    });
    const timer = setTimeout(() => {
      rested = true;
      look();
    }, watchMillis);
    const done = () => {
      stop();
      clearTimeout(timer);
      resolve();
    };
    signal.addEventListener("abort", done);
  });
}

const watchMillis = 1000;
