/** A network's line to its router: the control socket, the UDP session beside it, and the address seen from there. */
import type { DataPlaneEvent } from "../../drivers/dataplane.ts";
import type { AppError } from "../../src-shared/errors.ts";
import type { SessionKey } from "../../src-shared/ids.ts";
import { joinHostPort, splitHostPort } from "../../src-shared/ids.ts";
import type { Signed } from "../../src-shared/trust.ts";
import type { Presence } from "../../src-shared/wire.ts";
import type { Control } from "../transport/control.ts";
import type { Greeting } from "../transport/greeting.ts";
import type { KeptControl } from "../transport/keep.ts";
import { keepControl } from "../transport/keep.ts";
import { routerPrologue } from "./crypto.ts";
import type { Surroundings } from "./surroundings.ts";

export interface RouterLineOptions {
  readonly realm: string;
  /** Where the router is looked for, and as whom; asked before each try. */
  readonly target: () => {
    readonly addresses: readonly string[];
    readonly pin: string;
    readonly greeting: Greeting;
  };
  readonly surroundings: Surroundings;
  readonly listener: RouterLineListener;
}

/** What the line tells. */
export interface RouterLineListener {
  online(control: Control): void;
  offline(error: AppError): void;
  entries(entries: readonly Signed[]): void;
  presence(members: readonly Presence[], complete: boolean): void;
  carried(from: SessionKey, datagram: Uint8Array): void;
  /** The UDP session with the router stands at this endpoint, or fell (null). */
  relay(relay: SessionKey, name: string, endpoint: string | null): void;
}

/** What is known of the router that answered last. */
interface KnownRouter {
  readonly sessionKey: SessionKey;
  readonly endpoint: string;
  readonly name: string;
  /** Endpoints of it that answer STUN. */
  readonly stun: readonly string[];
}

/** Keeps both halves up for ever; each may be down without the other. */
export class RouterLine {
  readonly #options: RouterLineOptions;
  readonly #control: KeptControl;
  #router: KnownRouter | null = null;
  #udp = false;
  #udpMillis: number | null = null;
  #timer: NodeJS.Timeout;
  #lastError: AppError | null = null;

  constructor(options: RouterLineOptions) {
    this.#options = options;
    const { listener, surroundings } = options;
    this.#control = keepControl({
      notary: surroundings.notary,
      target: options.target,
      random: Math.random,
      listener: {
        online: (control) => this.#online(control),
        offline: (error) => {
          this.#lastError = error;
          listener.offline(error);
        },
        entries: (entries) => listener.entries(entries),
        presence: (members, complete) => listener.presence(members, complete),
        carried: (from, datagram) => listener.carried(from, datagram),
      },
    });
    this.#timer = setInterval(() => this.#refresh(), refreshMillis);
  }

  /** The open control socket; null while there is none. */
  control(): Control | null {
    return this.#control.current();
  }

  /** Why the last try failed; null once it has succeeded. */
  lastError(): AppError | null {
    return this.#lastError;
  }

  /** The router's session key once it has answered, and whether its UDP session stands. */
  udp(): boolean {
    return this.#udp;
  }

  /** The router's address as it was named, once it has answered. */
  address(): string | null {
    return this.#router?.name ?? null;
  }

  /** The router's endpoint once it has answered. */
  endpoint(): string | null {
    return this.#router?.endpoint ?? null;
  }

  /** Where the router that answered last answers STUN; none when it is this install itself. */
  stunServers(): readonly string[] {
    return this.#router === null || this.#isHere(this.#router) ? [] : this.#router.stun;
  }

  /** Round trip of the UDP session in milliseconds; null until measured. */
  udpMillis(): number | null {
    return this.#udpMillis;
  }

  isRouter(key: string): boolean {
    return this.#router?.sessionKey === key;
  }

  /** The network changed or the machine woke. */
  hurry(): void {
    this.#control.hurry();
    this.#handshake(true);
  }

  /** An event of the data plane about the router's session. */
  handle(event: DataPlaneEvent): void {
    switch (event.kind) {
      case "proved":
        this.#udpMillis = Math.round(event.rttMillis * 10) / 10;
        this.#sessionStands(event.endpoint);
        return;
      case "session":
        this.#sessionStands(event.endpoint);
        return;
      case "lost":
      case "ended":
        this.#sessionFell();
        return;
      default:
    }
  }

  close(): void {
    clearInterval(this.#timer);
    this.#control.close();
  }

  #online(control: Control): void {
    const { realm, surroundings, listener } = this.#options;
    this.#lastError = null;
    const before = this.#router;
    const port = splitHostPort(control.address)?.port ?? 0;
    const endpoint = joinHostPort(control.remote, port);
    const { stunPort } = control.welcome;
    const stun = [endpoint, ...(stunPort === null ? [] : [joinHostPort(control.remote, stunPort)])];
    const router = { sessionKey: control.router.sessionKey, endpoint, name: control.address, stun };
    this.#router = router;
    if (before !== null && before.sessionKey !== router.sessionKey) {
      surroundings.dataPlane.removePeer(realm, before.sessionKey);
      this.#udp = false;
      listener.relay(before.sessionKey, before.name, null);
    }
    listener.online(control);
    if (this.#isHere(router)) {
      // Sharing its socket, this node is reached wherever the router is; there is nothing to relay through itself.
      this.#presence(true);
      return;
    }
    surroundings.dataPlane.setPeer(realm, {
      publicKey: router.sessionKey,
      kind: "router",
      prologue: routerPrologue(control.router.identity),
      allowed: [],
      keepaliveSeconds: 25,
    });
    surroundings.dataPlane.setPaths(realm, router.sessionKey, [{ endpoint: router.endpoint, probeMillis }], {
      active: [router.endpoint],
      standby: [],
    });
    if (this.#udp) {
      // The router may have started anew: channels of before are void.
      this.#udp = false;
      listener.relay(router.sessionKey, router.name, null);
    }
    this.#handshake(true);
    this.#presence(false);
  }

  #sessionStands(endpoint: string): void {
    const router = this.#router;
    if (router === null || this.#udp) return;
    this.#udp = true;
    this.#options.listener.relay(router.sessionKey, router.name, endpoint);
    this.#presence(true);
  }

  #sessionFell(): void {
    const router = this.#router;
    if (router === null || !this.#udp) return;
    this.#udp = false;
    this.#options.listener.relay(router.sessionKey, router.name, null);
    this.#presence(false);
    this.#handshake(true);
  }

  #presence(udp: boolean): void {
    const control = this.#control.current();
    control?.request({ call: "presence", udp }).catch(() => undefined);
  }

  #handshake(force: boolean): void {
    const { realm, surroundings } = this.#options;
    const router = this.#router;
    if (router === null || this.#isHere(router)) return;
    surroundings.dataPlane.handshake(realm, router.sessionKey, [router.endpoint], force);
  }

  /** A router whose UDP was blocked may open. */
  #refresh(): void {
    if (this.#router === null || this.#control.current() === null) return;
    if (!this.#udp) this.#handshake(false);
  }

  #isHere(router: KnownRouter): boolean {
    return this.#options.surroundings.ownRouter() === router.sessionKey;
  }
}

const probeMillis = 5000;
const refreshMillis = 15_000;
