/** The router role of one install: switched on and off, remembered over restarts. */
import { join } from "node:path";
import { z } from "zod";
import { parseAddress } from "../src-shared/address.ts";
import { AppError } from "../src-shared/errors.ts";
import { joinHostPort, splitHostPort } from "../src-shared/ids.ts";
import { parseRouterLink } from "../src-shared/link.ts";
import type { RouterSettings, RouterWish } from "../src-shared/router-settings.ts";
import { routerMistake, routerWish, settleRouter } from "../src-shared/router-settings.ts";
import type { RouterStatus } from "../src-shared/status.ts";
import type { RouterAddress } from "../src-shared/trust.ts";
import type { Host } from "./engine/create.ts";
import { newSecret } from "./engine/crypto.ts";
import type { Engine } from "./engine/engine.ts";
import type { Log } from "./engine/surroundings.ts";
import { readVersioned, writeVersioned } from "./engine/versioned-file.ts";
import type { RouterRole } from "./handlers/install.ts";
import { foundPlane } from "./router-plane.ts";
import { openRouterRealm } from "./router-realm.ts";
import type { RouterReach } from "./server/reach-check.ts";
import type { Router, RouterState } from "./server/router.ts";
import type { RouterStore } from "./server/store.ts";
import { fixedBy, layWish, namesOf } from "./server/wish.ts";

/** `router.json`: the role's settings, and whether it is on. */
const keptRole = z.object({
  version: z.literal(2),
  on: z.boolean(),
  /** What was set by hand. */
  own: routerWish,
  /** What the file of this start says, above it. */
  file: z.object({ path: z.string(), wish: routerWish }).nullable(),
  /** The token that was made for port planes. */
  token: z.string().nullable(),
});
type KeptRole = z.infer<typeof keptRole>;

/** Settings that a start brings. */
export interface RouterStart {
  /** Given on the command line. */
  readonly options: RouterWish;
  /** Read from a file, which fixes them as long as this process runs. */
  readonly file: { readonly path: string; readonly wish: RouterWish } | null;
}

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
      version: 2,
      on: false,
      own: {},
      file: null,
      token: null,
    };
  }

  /** Switches it on if it was on when the engine ended, or if a start brings settings. */
  async resume(start?: RouterStart): Promise<void> {
    if (start === undefined && !this.#kept.on) return;
    // A start without the file goes on with what it said; then it is everybody's to change.
    const before = layWish(this.#kept.own, this.#kept.file?.wish ?? {});
    const { options = {}, file = null } = start ?? {};
    const kept =
      file === null
        ? { own: layWish(before, options), file }
        : { own: this.#kept.own, file: { path: file.path, wish: layWish(file.wish, options) } };
    await this.#inTurn(() => this.#switchOn(kept));
  }

  start(change: RouterWish): Promise<void> {
    return this.#inTurn(async () => {
      const { own, file } = this.#kept;
      const fixed = fixedBy(file?.wish ?? {}, change);
      if (fixed !== null) throw new AppError("router-fixed", { setting: fixed, file: file?.path ?? "" });
      const kept = { own: layWish(own, change), file };
      if (this.#running === null) return this.#switchOn(kept);
      if (Object.keys(change).length === 0) return;
      if (await this.#running.router.apply(this.#settled(kept))) {
        this.#keep(kept);
        this.#tell();
        return;
      }
      await this.#switchOff();
      try {
        await this.#switchOn(kept);
      } catch (error) {
        await this.#switchOn({ own, file });
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

  async checkReach(): Promise<RouterReach | null> {
    const seen = this.#engine.whereabouts.outside.reflexive();
    const addresses = seen.flatMap((text) => parseAddress(splitHostPort(text)?.host ?? "") ?? []);
    return (await this.#running?.router.checkReach(addresses)) ?? null;
  }

  status(): RouterStatus {
    const state = this.#state();
    const own = this.#engine.networks
      .all()
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
      transports: [...(state?.transports ?? [])],
      planes: state?.planes ?? null,
      settings: settleRouter(layWish(this.#kept.own, this.#kept.file?.wish ?? {})),
      file:
        this.#kept.file === null
          ? null
          : { path: this.#kept.file.path, fixed: [...namesOf(this.#kept.file.wish)] },
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

  async #switchOn(kept: Layers): Promise<void> {
    const settings = this.#settled(kept);
    const engine = this.#engine;
    // Loaded with the role only: its database and certificates would weigh on every node.
    const [{ createRouter }, { openSqliteStore }] = await Promise.all([
      import("./server/router.ts"),
      import("./server/sqlite.ts"),
    ]);
    const file = settings.store?.slice("sqlite:".length) ?? join(this.#folder, "router.sqlite");
    const store = await openSqliteStore(file);
    await engine.makeRoom();
    try {
      const router = await createRouter({
        folder: this.#folder,
        settings,
        notary: engine.surroundings.notary,
        store,
        openRealm: (wanted) => openRouterRealm(engine, wanted),
        found: (port, token) => foundPlane(engine, this.#address(), { port, token }),
        isHere: (key) => engine.networks.all().some(({ loop }) => loop?.session.publicKey === key),
        now: Date.now,
        log: this.#log,
      });
      await router.start();
      this.#running = { router, store };
    } catch (error) {
      engine.setRouter(null);
      await store.close();
      throw error;
    }
    this.#keep({ ...kept, on: true });
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

  /** Complete, with a token where planes need one that nobody gave. Throws `usage` when the layers do not fit together. */
  #settled({ own, file }: Layers): RouterSettings {
    const wish = layWish(own, file?.wish ?? {});
    const mistake = routerMistake(wish);
    if (mistake !== null)
      throw new AppError("usage", { detail: `“${mistake.path.join(".")}”: ${mistake.message}.` });
    const settings = settleRouter(wish);
    if (settings.planes === null || settings.planes.token !== null) return settings;
    const token = this.#kept.token ?? newSecret();
    if (token !== this.#kept.token) this.#keep({ token });
    return { ...settings, planes: { ...settings.planes, token } };
  }

  #address(): RouterAddress {
    const state = this.#state();
    if (state === null) throw new AppError("no-router");
    return { addresses: [...state.addresses], pin: parseRouterLink(state.link).pin };
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

type Layers = Pick<KeptRole, "own" | "file">;
