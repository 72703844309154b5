/** A network's line to its router: the control socket, the session beside it by whatever transport, and the address seen from there. */
import type { DataPlaneEvent } from "../../drivers/dataplane.ts";
import type { AppError } from "../../src-shared/errors.ts";
import type { IdentityKey, SessionKey } from "../../src-shared/ids.ts";
import { joinHostPort, splitHostPort } from "../../src-shared/ids.ts";
import type { Transport } from "../../src-shared/status.ts";
import { transports } from "../../src-shared/status.ts";
import type { Signed } from "../../src-shared/trust.ts";
import type { OfferedLink, Presence, ReachPort } from "../../src-shared/wire.ts";
import type { Measure } from "../mesh/effect.ts";
import { transportOf } from "../mesh/endpoint.ts";
import { doorsOf } from "../mesh/reach.ts";
import type { WayEffect, WayInput } from "../mesh/router-way.ts";
import { RouterWay } from "../mesh/router-way.ts";
import type { Control } from "../transport/control.ts";
import type { Greeting } from "../transport/greeting.ts";
import type { KeptControl } from "../transport/keep.ts";
import { keepControl } from "../transport/keep.ts";
import type { LinkTarget } from "./carriers.ts";
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
  /** Addresses that the network's signed record has for the router with this pin. */
  readonly recorded: (pin: string) => readonly string[];
  /** Whether members of the network mask what they send. */
  readonly masked: () => boolean;
  readonly surroundings: Surroundings;
  readonly listener: RouterLineListener;
}

/** What the line tells. */
export interface RouterLineListener {
  online(control: Control): void;
  /** A try failed, or the control socket fell; `isNews` unless the try before failed for the same reason. */
  offline(error: AppError, isNews: boolean): void;
  entries(entries: readonly Signed[]): void;
  presence(members: readonly Presence[], complete: boolean): void;
  carried(from: SessionKey, datagram: Uint8Array): void;
  /** The session with the router stands at this endpoint, or fell (null). */
  relay(relay: SessionKey, name: string, endpoint: string | null): void;
}

/** What is known of the router that answered last. */
interface KnownRouter {
  readonly sessionKey: SessionKey;
  readonly identity: IdentityKey;
  /** Its mask key; null: it has none. */
  readonly mask: string | null;
  readonly endpoint: string;
  readonly name: string;
  /** Endpoints of it that answer STUN. */
  readonly stun: readonly string[];
  readonly links: readonly string[];
  /** The links with what else has to be known to open them. */
  readonly targets: ReadonlyMap<string, LinkTarget>;
}

/** Keeps both halves up for ever; each may be down without the other. */
export class RouterLine {
  readonly #options: RouterLineOptions;
  readonly #control: KeptControl;
  readonly #way = new RouterWay(Math.random);
  #router: KnownRouter | null = null;
  #timer: NodeJS.Timeout | null = null;
  #mtu: number | null = null;
  #lastError: AppError | null = null;
  #closed = false;

  constructor(options: RouterLineOptions) {
    this.#options = options;
    const { listener, surroundings } = options;
    this.#feed({ kind: "only", transport: surroundings.transport() });
    this.#control = keepControl({
      notary: surroundings.notary,
      target: options.target,
      connect: surroundings.connect,
      random: Math.random,
      listener: {
        online: (control) => this.#online(control),
        offline: (error) => {
          const isNews = this.#lastError?.code !== error.code;
          this.#lastError = error;
          listener.offline(error, isNews);
        },
        entries: (entries) => listener.entries(entries),
        presence: (members, complete) => listener.presence(members, complete),
        carried: (from, datagram) => listener.carried(from, datagram),
        reach: (id, ports) => void this.#reach(id, ports),
      },
    });
  }

  /** The open control socket; null while there is none. */
  control(): Control | null {
    return this.#control.current();
  }

  /** Why the last try failed; null once it has succeeded. */
  lastError(): AppError | null {
    return this.#lastError;
  }

  /** By what the router's session stands; null: it does not. */
  transport(): Transport | null {
    const { endpoint } = this.#way;
    return endpoint === null ? null : transportOf(endpoint);
  }

  /** The router's address as it was named, once it has answered. */
  address(): string | null {
    return this.#router?.name ?? null;
  }

  /** The router's endpoint once it has answered: where its session stands, or should. */
  endpoint(): string | null {
    return this.#way.endpoint ?? this.#router?.endpoint ?? null;
  }

  /** Where TCP links of this node are seen by the router, `host:port`; opens one if need be. Null: not to be had. */
  async linkAddress(): Promise<string | null> {
    const { carriers } = this.#options.surroundings;
    const link = this.#router?.links.find((each) => transportOf(each) === "tcp");
    if (link === undefined || !(await carriers.connect(link, linkSeconds))) return null;
    return carriers.seenBy(link);
  }

  /** Where the router that answered last answers STUN; none when it is this install itself. */
  stunServers(): readonly string[] {
    return this.#router === null || this.#isHere(this.#router) ? [] : this.#router.stun;
  }

  /** Round trip of the session in milliseconds; null until measured. */
  millis(): number | null {
    const { endpoint, rttMillis } = this.#way;
    return endpoint === null || rttMillis === null ? null : Math.round(rttMillis * 10) / 10;
  }

  /** Largest IP packet that reaches the router whole; null until known. */
  mtu(): number | null {
    return this.#mtu;
  }

  /** What the data plane measured of a path to it. */
  measured(measure: Omit<Measure, "peer">): void {
    if (measure.endpoint === this.#way.endpoint) this.#mtu = measure.mtu ?? this.#mtu;
    this.#feed({ kind: "measured", measure });
  }

  isRouter(key: string): boolean {
    return this.#router?.sessionKey === key;
  }

  /** The network changed or the machine woke. */
  hurry(): void {
    this.#control.hurry();
    this.#feed({ kind: "moved" });
  }

  /** Paths to peers were lost: is the router still there? */
  doubt(): void {
    this.#feed({ kind: "doubt" });
  }

  /** Packets flow to peers; `isLossy`: those through relays get lost. */
  flows(isLossy: boolean): void {
    this.#feed({ kind: "flow", isLossy });
  }

  /** A link stands from now on, or does not any more. */
  linked(endpoint: string, up: boolean): void {
    if (this.#router?.links.includes(endpoint) === true) this.#feed({ kind: "link", endpoint, up });
  }

  /** An event of the data plane about the router's session. */
  handle(event: DataPlaneEvent): void {
    switch (event.kind) {
      case "proved":
      case "session":
      case "lost":
      case "ended":
        this.#feed(event);
        return;
      default:
    }
  }

  close(): void {
    this.#feed({ kind: "left" });
    this.#closed = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#control.close();
  }

  #online(control: Control): void {
    const { realm, surroundings, listener } = this.#options;
    this.#lastError = null;
    const before = this.#router;
    const router = routerOf(control);
    if (before !== null) this.#feed({ kind: "left" });
    if (before !== null && before.sessionKey !== router.sessionKey)
      surroundings.dataPlane.removePeer(realm, before.sessionKey);
    this.#router = router;
    listener.online(control);
    if (this.#isHere(router)) {
      // Sharing its socket, this node is reached wherever the router is; there is nothing to relay through itself.
      this.#presence(true);
      return;
    }
    this.#setPeer(router);
    this.#confinePeer();
    this.#presence(false);
    const worked = surroundings.worked.here();
    const udp = control.welcome.udp ? router.endpoint : null;
    this.#feed({ kind: "met", udp, links: router.links, worked });
  }

  #feed(input: WayInput): void {
    // Links that end with the line are told of a moment later, and would set the timer once more.
    if (this.#closed) return;
    const now = this.#options.surroundings.now();
    for (const effect of this.#way.handle(input, now)) this.#perform(effect);
    if (this.#timer !== null) clearTimeout(this.#timer);
    const deadline = this.#way.deadline(now);
    this.#timer =
      deadline === null ? null : setTimeout(() => this.#feed({ kind: "tick" }), Math.max(0, deadline - now));
  }

  #perform(effect: WayEffect): void {
    const { realm, surroundings, listener } = this.#options;
    const { dataPlane, carriers, worked } = surroundings;
    const router = this.#router;
    if (router === null) return;
    switch (effect.kind) {
      case "links": {
        const wishes = effect.wanted.flatMap((endpoint) => {
          const target = router.targets.get(endpoint);
          return target === undefined ? [] : [{ endpoint, target }];
        });
        carriers.want({ realm, peer: "router" }, wishes);
        return;
      }
      case "setPaths":
        dataPlane.setPaths(realm, router.sessionKey, effect.paths, effect);
        return;
      case "handshake":
        dataPlane.handshake(realm, router.sessionKey, effect.endpoints, effect.force);
        return;
      case "ping":
        void surroundings.pings.once(realm, router.sessionKey).then((pong) => {
          if (pong !== null && pong.rttMillis !== null) this.#feed({ kind: "pong" });
        });
        return;
      case "stands": {
        const { endpoint } = effect;
        if (endpoint !== null) worked.note(transportOf(endpoint));
        listener.relay(router.sessionKey, router.name, endpoint);
        this.#presence(endpoint !== null);
      }
    }
  }

  /** What goes to the router is masked, or not any more. */
  applyMask(): void {
    if (this.#router !== null && !this.#isHere(this.#router)) this.#setPeer(this.#router);
  }

  #setPeer({ sessionKey, identity, mask }: KnownRouter): void {
    const { realm, surroundings, masked } = this.#options;
    surroundings.dataPlane.setPeer(realm, {
      publicKey: sessionKey,
      kind: "router",
      prologue: routerPrologue(identity),
      allowed: [],
      keepaliveSeconds: 25,
      ...(mask === null || !masked() ? {} : { mask }),
    });
  }

  #confinePeer(): void {
    const { realm, surroundings } = this.#options;
    if (this.#router === null || this.#isHere(this.#router)) return;
    surroundings.dataPlane.confinePeer(realm, this.#router.sessionKey, surroundings.transport());
  }

  #presence(udp: boolean): void {
    const control = this.#control.current();
    control?.request({ call: "presence", udp }).catch(() => undefined);
  }

  /** Tries the router's ports for it, as far as its own network's record and its welcome name them. */
  async #reach(id: number, ports: readonly ReachPort[]): Promise<void> {
    const control = this.#control.current();
    if (control === null) return;
    const { recorded, surroundings } = this.#options;
    const doors = doorsOf(ports, {
      addresses: recorded(control.router.pin),
      told: control.welcome.links.map(({ port }) => port),
    });
    const tries = await surroundings.whereabouts.doors.tryAll(control.router.pin, doors);
    await control.request({ call: "reached", id, tries: [...tries] }).catch(() => undefined);
  }

  #isHere(router: KnownRouter): boolean {
    return this.#options.surroundings.ownRouter() === router.sessionKey;
  }
}

function routerOf({ address, remote, router, welcome }: Control): KnownRouter {
  const parts = splitHostPort(address);
  const port = parts?.port ?? 0;
  const udp = welcome.links.find(({ transport }) => transport === "udp")?.port ?? 0;
  const endpoint = joinHostPort(remote, udp || port);
  const target = { name: parts?.host ?? null, pin: router.pin };
  const isLink = ({ transport }: OfferedLink) =>
    transport !== "udp" && transports.some((known) => known === transport);
  const targets = new Map(
    welcome.links
      .filter(isLink)
      .map((link) => [
        `${link.transport}/${joinHostPort(remote, link.port || port)}`,
        { ...target, path: link.path ?? null },
      ]),
  );
  return {
    sessionKey: router.sessionKey,
    identity: router.identity,
    mask: welcome.mask,
    endpoint,
    name: address,
    stun: [endpoint, ...(welcome.stunPort === null ? [] : [joinHostPort(remote, welcome.stunPort)])],
    links: [...targets.keys()],
    targets,
  };
}

const linkSeconds = 5;
