/** The node's one UDP socket: its port, what it is bound to, and whether plain UDP is spoken there. */
import type { DataPlane } from "../../drivers/dataplane.ts";
import { AppError } from "../../src-shared/errors.ts";
import type { Settings } from "../../src-shared/settings.ts";
import type { Transport } from "../../src-shared/status.ts";
import type { System } from "../system/system.ts";
import { bindingOf, boundAddress, requireInterface } from "./binding.ts";
import { mainSocket } from "./surroundings.ts";

export interface NodeSocketOptions {
  readonly dataPlane: Pick<DataPlane, "bind" | "unbind" | "speakPlain">;
  readonly system: Pick<System, "interfaces">;
  readonly settings: () => Settings;
  /** Whether a transport besides plain UDP can be taken at the port. */
  readonly listens: (transport: "kcp" | "quic") => boolean;
}

export class NodeSocket {
  readonly #options: NodeSocketOptions;
  #port = 0;
  /** What the socket hangs on when it is bound to one interface or address. */
  #binding: string | null = null;
  /** Whether the router role takes plain UDP here. */
  #servesPlain = false;

  constructor(options: NodeSocketOptions) {
    this.#options = options;
  }

  /** 0 while it is not bound. */
  get port(): number {
    return this.#port;
  }

  /** An address of what it is bound to; undefined when that is everything. */
  get address(): string | undefined {
    const { system, settings } = this.#options;
    const { bind } = settings();
    return bind === null ? undefined : boundAddress(system, bind);
  }

  /** Whether plain UDP may be used: for packets, and for everything that only serves it. */
  get isPlain(): boolean {
    const { transport } = this.#options.settings();
    return transport === null || transport === "udp";
  }

  /**
   * Binds, once it is free, the port given or set, else the kept one, the usual, or any. Throws `port-in-use`,
   * `no-interface`.
   */
  bind(port: number | undefined, kept: number | null): number {
    const chosen = port ?? this.#options.settings().port;
    const wishes = chosen === null ? [...new Set([kept ?? defaultPort, defaultPort, 0])] : [chosen];
    for (const wish of wishes) {
      const bound = this.#tryBind(wish);
      if (bound === null) continue;
      this.#port = bound;
      this.speakPlain();
      return bound;
    }
    throw new AppError("port-in-use", { port: wishes[0] ?? defaultPort });
  }

  /** Lets the port go. */
  free(): void {
    if (this.#port !== 0) this.#options.dataPlane.unbind(mainSocket);
    this.#port = 0;
  }

  /** Whether what it is bound to came back as another one, by which this socket reaches nobody. */
  isStale(): boolean {
    const { system, settings } = this.#options;
    const { bind } = settings();
    const binding = bind === null ? null : bindingOf(system, bind);
    return binding !== null && binding !== this.#binding;
  }

  /** Whether the router role takes plain UDP here: it is spoken then, whatever the node may use. */
  servePlain(on: boolean): void {
    this.#servesPlain = on;
    this.speakPlain();
  }

  /** Where the node is confined to another transport its socket carries links alone, and is silent otherwise. */
  speakPlain(): void {
    if (this.#port !== 0) this.#options.dataPlane.speakPlain(mainSocket, this.isPlain || this.#servesPlain);
  }

  /** Transports that are taken at the port besides plain UDP. */
  takes(): readonly Transport[] {
    const { settings, listens } = this.#options;
    const { transport } = settings();
    const wanted = (["kcp", "quic"] as const).filter((each) => transport === null || transport === each);
    return this.#port === 0 ? [] : wanted.filter(listens);
  }

  #tryBind(port: number): number | null {
    const { dataPlane, system, settings } = this.#options;
    try {
      const { bind } = settings();
      // By an address the interface that has it is meant: what leaves by another one would not come back here.
      const device = bind === null ? undefined : requireInterface(system, bind);
      this.#binding = bind === null ? null : bindingOf(system, bind);
      return dataPlane.bind(mainSocket, port, device);
    } catch (error) {
      if (error instanceof Error && "code" in error && error.code === "EADDRINUSE") return null;
      throw error;
    }
  }
}

const defaultPort = 7743;
