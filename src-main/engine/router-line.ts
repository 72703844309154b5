/** A network's line to its router: the control socket, the UDP session beside it, and the address seen from there. */
import type { DataPlaneEvent } from "../../drivers/dataplane.ts";
import type { AppError } from "../../src-shared/errors.ts";
import type { SessionKey } from "../../src-shared/ids.ts";
import { joinHostPort, splitHostPort } from "../../src-shared/ids.ts";
import type { Signed } from "../../src-shared/trust.ts";
import type { Presence } from "../../src-shared/wire.ts";
import { transportOf } from "../mesh/endpoint.ts";
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
  /** Endpoint `tcp/…` that takes links; null without. */
  readonly link: string | null;
}

/** Keeps both halves up for ever; each may be down without the other. */
export class RouterLine {
  readonly #options: RouterLineOptions;
  readonly #control: KeptControl;
  #router: KnownRouter | null = null;
  /** Where the session with the router stands; null: it does not. */
  #standing: string | null = null;
  #millis: number | null = null;
  #timer: NodeJS.Timeout;
  #linkTimer: NodeJS.Timeout | null = null;
  #mtu: number | null = null;
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

  /** Whether the router's session stands by UDP. */
  udp(): boolean {
    return this.#standing !== null && !isLink(this.#standing);
  }

  /** The router's address as it was named, once it has answered. */
  address(): string | null {
    return this.#router?.name ?? null;
  }

  /** The router's endpoint once it has answered: where its session stands, or should. */
  endpoint(): string | null {
    return this.#standing ?? this.#router?.endpoint ?? null;
  }

  /** Where TCP links of this node are seen by the router, `host:port`; opens one if need be. Null: not to be had. */
  async linkAddress(): Promise<string | null> {
    const { tcpLinks } = this.#options.surroundings;
    const link = this.#router?.link ?? null;
    if (link === null || !(await tcpLinks.connect(link, linkSeconds))) return null;
    return tcpLinks.seenBy(link);
  }

  /** Where the router that answered last answers STUN; none when it is this install itself. */
  stunServers(): readonly string[] {
    return this.#router === null || this.#isHere(this.#router) ? [] : this.#router.stun;
  }

  /** Round trip of the session, by UDP or over a TCP link, in milliseconds; null until measured. */
  millis(): number | null {
    return this.#standing === null ? null : this.#millis;
  }

  /** Largest IP packet that reaches the router whole; null until known. */
  mtu(): number | null {
    return this.#mtu;
  }

  /** What the data plane measured of the path to it. */
  measured({ mtu }: { readonly mtu: number | null }): void {
    this.#mtu = mtu ?? this.#mtu;
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
        this.#millis = Math.round(event.rttMillis * 10) / 10;
        this.#sessionStands(event.endpoint);
        return;
      case "session":
        this.#sessionStands(event.endpoint);
        return;
      case "lost":
        if (event.endpoint === this.#standing) this.#sessionFell();
        return;
      case "ended":
        this.#sessionFell();
        return;
      default:
    }
  }

  close(): void {
    clearInterval(this.#timer);
    if (this.#linkTimer !== null) clearTimeout(this.#linkTimer);
    this.#control.close();
  }

  #online(control: Control): void {
    const { realm, surroundings, listener } = this.#options;
    this.#lastError = null;
    const before = this.#router;
    const port = splitHostPort(control.address)?.port ?? 0;
    const endpoint = joinHostPort(control.remote, port);
    const { stunPort, linkPort } = control.welcome;
    const link = linkPort === null ? null : `tcp/${joinHostPort(control.remote, linkPort)}`;
    const stun = [endpoint, ...(stunPort === null ? [] : [joinHostPort(control.remote, stunPort)])];
    const router = { sessionKey: control.router.sessionKey, endpoint, name: control.address, stun, link };
    this.#router = router;
    if (before !== null && before.sessionKey !== router.sessionKey) {
      surroundings.dataPlane.removePeer(realm, before.sessionKey);
      this.#standing = null;
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
    if (this.#standing !== null) {
      // The router may have started anew: channels of before are void.
      this.#standing = null;
      listener.relay(router.sessionKey, router.name, null);
    }
    this.#setPaths();
    this.#handshake(true);
    this.#presence(false);
    this.#linkSoon();
  }

  /** UDP is taken as soon as it answers; a TCP link serves while it does not. */
  #sessionStands(endpoint: string): void {
    const router = this.#router;
    if (router === null || endpoint === this.#standing) return;
    if (this.#standing !== null && isLink(endpoint)) return;
    const isNews = this.#standing === null;
    this.#standing = endpoint;
    this.#setPaths();
    this.#options.listener.relay(router.sessionKey, router.name, endpoint);
    if (isNews) this.#presence(true);
  }

  #sessionFell(): void {
    const router = this.#router;
    if (router === null || this.#standing === null) return;
    this.#standing = null;
    this.#setPaths();
    this.#options.listener.relay(router.sessionKey, router.name, null);
    this.#presence(false);
    this.#handshake(true);
    this.#linkSoon();
  }

  #setPaths(): void {
    const { realm, surroundings } = this.#options;
    const router = this.#router;
    if (router === null) return;
    const active = this.#standing ?? router.endpoint;
    const paths = [...new Set([router.endpoint, active])].map((endpoint) => ({ endpoint, probeMillis }));
    surroundings.dataPlane.setPaths(realm, router.sessionKey, paths, { active: [active], standby: [] });
  }

  /** When UDP has had its time, the session is tried over a TCP link. */
  #linkSoon(): void {
    if (this.#linkTimer !== null) clearTimeout(this.#linkTimer);
    this.#linkTimer = setTimeout(() => void this.#linkUp(), udpPatience);
  }

  async #linkUp(): Promise<void> {
    const { realm, surroundings } = this.#options;
    const router = this.#router;
    if (router === null || router.link === null || this.#standing !== null || this.#isHere(router)) return;
    if (this.#control.current() === null || !(await surroundings.tcpLinks.connect(router.link, linkSeconds)))
      return;
    if (this.#standing !== null || this.#router !== router) return;
    surroundings.dataPlane.handshake(realm, router.sessionKey, [router.link], true);
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
    if (this.#standing !== null) return;
    this.#handshake(false);
    void this.#linkUp();
  }

  #isHere(router: KnownRouter): boolean {
    return this.#options.surroundings.ownRouter() === router.sessionKey;
  }
}

function isLink(endpoint: string): boolean {
  return transportOf(endpoint) !== "udp";
}

const probeMillis = 5000;
const udpPatience = 3000;
const linkSeconds = 5;
const refreshMillis = 15_000;
