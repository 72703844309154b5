/** Follows the engine for tray and notifications: attaches to the one that runs, hosts one where none does, tries again when lost. */
import type { Client } from "../../src-shared/api/client.ts";
import { createClient } from "../../src-shared/api/client.ts";
import { toWireError } from "../../src-shared/errors.ts";
import type { ExitStatus } from "../../src-shared/exit.ts";
import type { Status } from "../../src-shared/status.ts";
import type { EngineAccess, HostedEngine } from "./engine.ts";

/** Where the engine stands. */
export type EngineState =
  | { readonly kind: "starting" }
  | { readonly kind: "stopped"; readonly why: string | null }
  | {
      readonly kind: "running";
      readonly status: Status;
      /** Null until it was asked for. */
      readonly exit: ExitStatus | null;
      readonly hosted: boolean;
    };

/** The member through which the internet is to be reached. */
export interface ExitWish {
  readonly member: string;
  readonly network: string;
}

export interface EngineLinkListener {
  onState(state: EngineState): void;
  /** An engine that ran has ended, and not because this app is quitting. */
  onStopped(): void;
}

/** The shell's own connection to the engine. */
export class EngineLink {
  readonly #access: EngineAccess;
  readonly #listener: EngineLinkListener;
  #state: EngineState = { kind: "starting" };
  #client: Client | null = null;
  #hosted: HostedEngine | null = null;
  #exit: { readonly status: ExitStatus; readonly readAt: number } | null = null;
  #retry: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(access: EngineAccess, listener: EngineLinkListener) {
    this.#access = access;
    this.#listener = listener;
  }

  get state(): EngineState {
    return this.#state;
  }

  /** True when quitting this app ends the engine. */
  get hosts(): boolean {
    return this.#hosted !== null;
  }

  /** Attaches to the running engine; where none runs, hosts one here. */
  async start(): Promise<void> {
    if (this.#state.kind === "running") return;
    this.#enter({ kind: "starting" });
    if (await this.#attach()) return;
    try {
      // One that was stopped may still be letting its folder go.
      await this.#hosted?.ended;
      const hosted = await this.#access.host();
      if (hosted !== null) this.#keep(hosted);
      if (!(await this.#attach())) this.#enter({ kind: "stopped", why: null });
    } catch (error) {
      this.#enter({ kind: "stopped", why: toWireError(error).message });
    }
  }

  /** Connects or disconnects all networks. */
  async connectNetworks(on: boolean): Promise<void> {
    await this.#client?.call(on ? "networks.up" : "networks.down", {});
  }

  /** Connects or disconnects one network. */
  async connectNetwork(id: string, on: boolean): Promise<void> {
    await this.#client?.call(on ? "networks.up" : "networks.down", { networks: [id] });
  }

  /** Goes to the internet through a member, as strictly as before; null: by itself. */
  async chooseExit(wish: ExitWish | null): Promise<void> {
    const client = this.#client;
    if (client === null) return;
    const { chosen } = await client.call("exit.read", {});
    const kept = chosen === null ? {} : { ...chosen };
    const status = await client.call("exit.set", wish === null ? { member: null } : { ...kept, ...wish });
    this.#exit = { status, readAt: performance.now() };
    if (this.#state.kind === "running") this.#enter({ ...this.#state, exit: status });
  }

  /** Has the system ask the user to let a helper be started. */
  async askForRights(): Promise<void> {
    await this.#client?.call("rights.ask", {});
  }

  /** The machine is awake again. */
  async awake(): Promise<void> {
    await this.#client?.call("engine.awake", {});
  }

  /** Switches the router role. */
  async actAsRouter(on: boolean): Promise<void> {
    if (on) await this.#client?.call("router.start", {});
    else await this.#client?.call("router.stop", {});
  }

  /** Leaves the engine that others run, ends the one that runs here. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#retry);
    this.#client?.close();
    await this.#hosted?.stop();
  }

  async #attach(): Promise<boolean> {
    if (this.#closed) return true;
    clearTimeout(this.#retry);
    try {
      const client = createClient(await this.#access.connect());
      await client.ready;
      this.#client = client;
      void this.#follow(client);
      return true;
    } catch {
      return false;
    }
  }

  async #follow(client: Client): Promise<void> {
    try {
      for await (const status of client.stream("status.watch", {})) {
        if (performance.now() - (this.#exit?.readAt ?? Number.NEGATIVE_INFINITY) > exitMillis) {
          this.#exit = { status: await client.call("exit.read", {}), readAt: performance.now() };
        }
        this.#enter({ kind: "running", status, exit: this.#exit?.status ?? null, hosted: this.hosts });
      }
    } catch {
      // However the stream failed, the engine is not there to be followed.
    }
    client.close();
    if (this.#client === client) this.#client = null;
    this.#exit = null;
    if (this.#closed) return;
    this.#enter({ kind: "stopped", why: null });
    this.#listener.onStopped();
    this.#watch();
  }

  /** Somebody may start an engine from the command line: the window finds it. */
  #watch(): void {
    clearTimeout(this.#retry);
    if (this.#closed) return;
    this.#retry = setTimeout(() => void this.#tryAgain(), retryMillis);
    this.#retry.unref();
  }

  async #tryAgain(): Promise<void> {
    if (this.#client === null && this.#state.kind === "stopped" && !(await this.#attach())) this.#watch();
  }

  #keep(hosted: HostedEngine): void {
    this.#hosted = hosted;
    void hosted.ended.then(() => {
      if (this.#hosted === hosted) this.#hosted = null;
    });
  }

  #enter(state: EngineState): void {
    this.#state = state;
    this.#listener.onState(state);
    if (state.kind === "stopped") this.#watch();
  }
}

const retryMillis = 2000;
/** Who offers the internet is no part of the status, and rarely changes. */
const exitMillis = 10_000;
