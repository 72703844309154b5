/** A whole engine that moves no packet: it answers the contract as the real one would, for UI work and its tests. */
import { formatEvent } from "../../src-main/engine/log.ts";
import { LogTail } from "../../src-main/engine/log-tail.ts";
import { Trace } from "../../src-main/engine/trace.ts";
import { reportHandlers } from "../../src-main/handlers/report.ts";
import type { Handlers, StopSignal } from "../../src-shared/api/contract.ts";
import { AppError } from "../../src-shared/errors.ts";
import type { Status } from "../../src-shared/status.ts";
import type { FakeClock } from "./clock.ts";
import { machineClock } from "./clock.ts";
import { diaryHandlers } from "./diary.ts";
import { exitHandlers } from "./exit.ts";
import { failOnDemand } from "./failure.ts";
import { graphHandlers } from "./graph.ts";
import { foreignInvite, inviteHandlers } from "./invites.ts";
import { joinHandlers } from "./join.ts";
import { memberHandlers } from "./members.ts";
import { nameHandlers } from "./names.ts";
import type { FakeNetwork } from "./network.ts";
import { networkStatusOf, peersOf, tickNetwork } from "./network.ts";
import { createNetwork, networkHandlers } from "./networks.ts";
import { createPeer } from "./peer.ts";
import { peerHandlers } from "./peers.ts";
import { policyHandlers } from "./policy.ts";
import { hostIn } from "./population.ts";
import { portMapHandlers } from "./port-maps.ts";
import type { Random } from "./random.ts";
import { createRandom } from "./random.ts";
import type { FakeRouter } from "./router.ts";
import { createRouter, routerHandlers, routerStatusOf } from "./router.ts";
import { routeHandlers, routesOf } from "./routes.ts";
import { settingsHandlers } from "./settings.ts";

export interface FakeEngineOptions {
  readonly seed?: number;
  /** Peers of the first network. */
  readonly peers?: number;
  /** `empty`: a fresh install; `running`: two networks, connected. */
  readonly start?: "empty" | "running";
  /** The machine has no right to create interfaces. */
  readonly limited?: boolean;
  readonly clock?: FakeClock;
}

export interface FakeEngine {
  readonly handlers: Handlers;
  /** What handlers share; tests may look and change, then call `changed`. */
  readonly world: FakeWorld;
  /** An invite of a network that some other machine hosts. */
  foreignInvite(
    name: string,
    options?: { readonly approve?: boolean; readonly expiresSeconds?: number },
  ): string;
  /** Ends timers and streams. */
  stop(): void;
}

/** What a fake engine consists of. */
export interface FakeWorld {
  readonly clock: FakeClock;
  readonly random: Random;
  readonly networks: FakeNetwork[];
  /** Networks that others host, by id. */
  readonly foreign: Map<string, { readonly name: string; readonly approve: boolean }>;
  readonly router: FakeRouter;
  /** The last lines of its log. */
  readonly tail: LogTail;
  readonly trace: Trace;
  /** Tells every watcher. */
  changed(): void;
  /** The network of a name or the beginning of an id. Throws `unknown-network`. */
  find(name: string): FakeNetwork;
  /** Resolves after a while, or at once when the signal fires. */
  wait(milliseconds: number, signal?: StopSignal): Promise<void>;
}

export function createFakeEngine(options: FakeEngineOptions = {}): FakeEngine {
  const { seed = 1, peers = 12, start = "running", clock = machineClock } = options;
  let limited = options.limited ?? false;
  const watchers = new Set<() => void>();
  const world: FakeWorld = {
    clock,
    random: createRandom(seed),
    networks: [],
    foreign: new Map(),
    router: createRouter(),
    tail: new LogTail(),
    trace: new Trace(),
    changed: () => {
      for (const watcher of [...watchers]) watcher();
    },
    find(name) {
      failOnDemand(name);
      const found = world.networks.find((network) => network.name === name || network.id.startsWith(name));
      if (found === undefined) throw new AppError("unknown-network", { name });
      return found;
    },
    wait: (milliseconds, signal) => wait(clock, milliseconds, signal),
  };
  const startedAt = clock.now() - 5 * 3_600_000;
  const identity = world.random.key();
  if (start === "running") settle(world, peers);
  for (const [event, fields] of firstEvents) world.tail.add(formatEvent(new Date(startedAt), event, fields));

  let stopped = false;
  let cancelTick = clock.after(1000, tick);
  function tick() {
    for (const network of world.networks) {
      tickNetwork(network, world.random, clock.now());
      const [peer] = network.peers;
      const input = { kind: "traffic", peer: peer?.publicKey ?? "", endpoint: peer?.reflexive ?? "" };
      world.trace.step({
        network: network.name,
        input,
        effects: [{ kind: "setPaths", peer: input.peer } as { kind: string }],
        nameOf: (key) => network.peers.find(({ publicKey }) => publicKey === key)?.name ?? null,
      });
    }
    if (world.router.on) world.router.relayedBytes += Math.floor(world.random.between(0, 90_000));
    world.changed();
    cancelTick = clock.after(1000, tick);
  }

  const read = (): Status => ({
    node: {
      name: "aurora",
      publicKey: identity,
      version: "0.1.0",
      pid: 4711,
      startedAt: new Date(startedAt).toISOString(),
      limited: limited ? new AppError("no-privilege").message : null,
      rights: limited ? { kind: "none", canAsk: true } : { kind: "own", canAsk: false },
      port: 7743,
      reflexive: "203.0.113.24:7743",
      panel: "http://127.0.0.1:7780/",
    },
    networks: world.networks.map(networkStatusOf),
    peers: world.networks.flatMap(peersOf),
    router: routerStatusOf(world),
    ...routesOf(world),
    refused: { "mac1-invalid": 3 },
  });

  async function* watch(signal: StopSignal): AsyncIterable<Status> {
    let wake = () => {};
    let fresh = true;
    const notice = () => {
      fresh = true;
      wake();
    };
    watchers.add(notice);
    signal.addEventListener("abort", notice);
    try {
      while (!signal.aborted && !stopped) {
        if (!fresh) await new Promise<void>((resolve) => (wake = resolve));
        fresh = false;
        if (!signal.aborted && !stopped) yield read();
      }
    } finally {
      watchers.delete(notice);
      signal.removeEventListener("abort", notice);
    }
  }

  const stop = () => {
    stopped = true;
    cancelTick();
    world.changed();
  };

  const settings = settingsHandlers();
  const answers = {
    "status.read": async () => read(),
    "status.watch": (_input, signal) => watch(signal),
    ...networkHandlers(world),
    ...graphHandlers(world),
    ...settings,
    ...policyHandlers(world, async () => (await settings["settings.read"]({})).settings.inbound),
    ...joinHandlers(world),
    ...inviteHandlers(world),
    ...memberHandlers(world),
    ...peerHandlers(world),
    ...nameHandlers(world),
    ...portMapHandlers(),
    ...exitHandlers(world),
    ...diaryHandlers(world),
    ...routerHandlers(world),
    ...routeHandlers(world, async () => (await settings["settings.read"]({})).settings.hostFirewall),
    "panel.link": async () => ({
      url: "http://127.0.0.1:7780/#token=0123456789abcdef0123456789abcdef",
      expires: new Date(clock.now() + 600_000).toISOString(),
    }),
    "panel.revoke": async () => ({}),
    "engine.awake": async () => ({}),
    "rights.ask": async () => {
      limited = false;
      world.changed();
      return {};
    },
    "engine.stop": async () => {
      stop();
      return {};
    },
  } satisfies Omit<Handlers, "log.watch" | "report.trace" | "report.make">;
  return {
    world,
    stop,
    foreignInvite: (name, given) => foreignInvite(world, name, given),
    handlers: {
      ...answers,
      ...reportHandlers({ tail: world.tail, trace: world.trace, version: "0.1.0" }, answers),
    },
  };
}

/** What an engine writes as it starts. */
const firstEvents: readonly (readonly [string, Readonly<Record<string, unknown>>])[] = [
  ["started", { version: "0.1.0", port: 7743 }],
  ["ports", { open: "203.0.113.24:7743", by: "pcp" }],
  ["router started", { port: 7743, networks: 1 }],
  ["relay refused", { from: "mei-laptop", cause: "unknown-sender" }],
  ["link failed", { endpoint: "198.51.100.7:443", error: "Error: connect ETIMEDOUT 198.51.100.7:443" }],
  ["link", { endpoint: "198.51.100.7:7743", up: true }],
];

/** Two networks as of someone who has used it for a while. */
function settle(world: FakeWorld, peers: number): void {
  const { random, clock } = world;
  world.router.on = true;
  world.networks.push(
    createNetwork(world, { name: "home-lab", range: "10.31.0.0/16", hosted: true, admin: true, peers }),
    createNetwork(world, {
      name: "studio",
      range: "10.77.4.0/24",
      hosted: false,
      admin: true,
      peers: 0,
      approve: true,
    }),
  );
  const studio = world.find("studio");
  const names = ["render-1", "render-2", "ines"] as const;
  studio.peers = names.map((name, at) =>
    createPeer(random, {
      name,
      address: hostIn(studio.range, at + 3),
      way: at === 1 ? "relay" : "direct",
      now: clock.now(),
      approved: name !== "ines",
      admin: name === "render-1",
    }),
  );
}

function wait(clock: FakeClock, milliseconds: number, signal?: StopSignal): Promise<void> {
  return new Promise((resolve) => {
    const finish = () => {
      cancel();
      signal?.removeEventListener("abort", finish);
      resolve();
    };
    const cancel = clock.after(milliseconds, finish);
    signal?.addEventListener("abort", finish);
  });
}
