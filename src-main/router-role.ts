/** The router role of one install: switched on and off, remembered over restarts. */
import { join } from "node:path";
import { z } from "zod";
import { joinHostPort } from "../src-shared/ids.ts";
import { parseRouterLink } from "../src-shared/link.ts";
import type { RouterStatus } from "../src-shared/status.ts";
import type { Host } from "./engine/create.ts";
import type { Engine } from "./engine/engine.ts";
import type { Log } from "./engine/surroundings.ts";
import { readVersioned, writeVersioned } from "./engine/versioned-file.ts";
import type { RouterRole } from "./handlers/install.ts";
import { openRouterRealm } from "./router-realm.ts";
import type { RouterConfig } from "./server/config.ts";
import { routerConfig } from "./server/config.ts";
import type { Router, RouterState } from "./server/router.ts";
import type { RouterStore } from "./server/store.ts";

/** `router.json`: the role's settings, and whether it is on. */
const keptRole = z.object({ version: z.literal(1), on: z.boolean(), config: routerConfig });
type KeptRole = z.infer<typeof keptRole>;

interface Running {
  readonly router: Router;
  readonly store: RouterStore;
}

/** The switchable role. */
export class SwitchedRouter implements RouterRole {
  readonly #engine: Engine;
  readonly #folder: string;
  readonly #log: Log;
  #kept: KeptRole;
  #running: Running | null = null;
  #last: Promise<unknown> = Promise.resolve();

  constructor(engine: Engine, folder: string, log: Log) {
    this.#engine = engine;
    this.#folder = folder;
    this.#log = log;
    this.#kept = readVersioned(join(folder, "router.json"), keptRole) ?? {
      version: 1,
      on: false,
      config: routerConfig.parse({}),
    };
  }

  /** Switches it on if it was on when the engine ended, or if settings are given. */
  async resume(config?: RouterConfig): Promise<void> {
    if (config === undefined && !this.#kept.on) return;
    await this.#inTurn(() => this.#switchOn(config ?? this.#kept.config));
  }

  start(settings: {
    readonly listen?: string | undefined;
    readonly publicHosts?: readonly string[] | undefined;
  }): Promise<void> {
    return this.#inTurn(async () => {
      const unchanged = settings.listen === undefined && settings.publicHosts === undefined;
      if (this.#running !== null && unchanged) return;
      const config = routerConfig.parse({
        ...this.#kept.config,
        ...(settings.listen === undefined ? {} : { listen: settings.listen }),
        ...(settings.publicHosts === undefined ? {} : { public: settings.publicHosts }),
      });
      const before = this.#running === null ? null : this.#kept.config;
      await this.#switchOff();
      try {
        await this.#switchOn(config);
      } catch (error) {
        if (before !== null) await this.#switchOn(before);
        throw error;
      }
    });
  }

  stop(): Promise<void> {
    return this.#inTurn(async () => {
      await this.#switchOff();
      this.#keep({ on: false });
    });
  }

  async newToken(): Promise<void> {
    await this.#running?.router.keys.renewToken();
    this.#tell();
  }

  status(): RouterStatus {
    const state = this.#state();
    const own = this.#engine
      .networks()
      .filter(({ stored }) => stored.hostedHere && stored.issuerSeed !== null);
    return {
      on: state !== null,
      listen: state?.listen ?? null,
      publicAddresses: [...(state?.addresses ?? [])],
      link: state?.link ?? null,
      lanOnly: state?.lanOnly ?? false,
      admits: state === null ? [] : own.map(({ stored }) => stored.name),
      networks: state?.networks.map((network) => ({ ...network })) ?? [],
      relayedBytes: this.#engine.traffic.relayedBytes,
    };
  }

  host(): Host | null {
    const state = this.#state();
    if (state === null) return null;
    const { pin, addresses, token } = parseRouterLink(state.link);
    return {
      router: { addresses: [...addresses], pin },
      near: [joinHostPort("127.0.0.1", state.port)],
      token,
      here: true,
    };
  }

  async forget(network: string): Promise<void> {
    const hosted = this.#state()?.networks.find(({ id }) => id === network);
    if (hosted !== undefined) await this.#running?.router.unhost(hosted.id);
  }

  /** Input refused so far, by cause. */
  refused(): Readonly<Record<string, number>> {
    return this.#running?.router.refused() ?? {};
  }

  /** Ends it without forgetting that it was on. */
  close(): Promise<void> {
    return this.#inTurn(() => this.#switchOff());
  }

  #state(): RouterState | null {
    return this.#running?.router.state() ?? null;
  }

  async #switchOn(config: RouterConfig): Promise<void> {
    const engine = this.#engine;
    // Loaded with the role only: its database and certificates would weigh on every node.
    const [{ createRouter }, { openSqliteStore }] = await Promise.all([
      import("./server/router.ts"),
      import("./server/sqlite.ts"),
    ]);
    const file = config.store?.slice("sqlite:".length) ?? join(this.#folder, "router.sqlite");
    const store = await openSqliteStore(file);
    try {
      const router = await createRouter({
        folder: this.#folder,
        config,
        notary: engine.surroundings.notary,
        store,
        openRealm: (settings) => openRouterRealm(engine, settings),
        isHere: (key) => engine.networks().some(({ loop }) => loop?.session.publicKey === key),
        now: Date.now,
        log: this.#log,
      });
      await router.start();
      this.#running = { router, store };
    } catch (error) {
      await store.close();
      throw error;
    }
    this.#keep({ on: true, config });
    this.#tell();
  }

  async #switchOff(): Promise<void> {
    const running = this.#running;
    if (running === null) return;
    this.#running = null;
    await running.router.stop();
    await running.store.close();
    this.#engine.setRouter(null);
  }

  #tell(): void {
    const router = this.#running?.router;
    this.#engine.setRouter(
      router === undefined
        ? null
        : { sessionKey: router.keys.sessionKey, addresses: () => router.state()?.addresses ?? [] },
    );
  }

  #keep(change: Partial<KeptRole>): void {
    this.#kept = { ...this.#kept, ...change };
    writeVersioned(join(this.#folder, "router.json"), this.#kept);
  }

  #inTurn<Result>(task: () => Promise<Result>): Promise<Result> {
    const result = this.#last.then(task);
    this.#last = result.catch(() => undefined);
    return result;
  }
}
