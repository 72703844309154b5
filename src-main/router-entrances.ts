/** The links that the router's realm takes: over TCP, and over UDP beside the engine's own socket or on a port of their own. */
import type { Engine } from "./engine/engine.ts";
import type { RealmSettings, RouterRealm } from "./server/realm.ts";
import type { Place } from "./server/transports.ts";
import type { TlsPair } from "./transport/certificate.ts";

type Linked = Parameters<RouterRealm["take"]>[0];

interface Taken {
  /** Name of the socket beside which it is taken. */
  readonly socket: string;
  /** As asked for, and where it is. */
  readonly place: Place | null;
  readonly at: Place;
  readonly tls: TlsPair | null;
}

export class RealmEntrances {
  readonly #engine: Engine;
  readonly #settings: RealmSettings;
  /** Name of the socket by which datagrams come in. */
  readonly #socket: string;
  readonly #open = new Map<Linked, Taken>();

  constructor(engine: Engine, settings: RealmSettings, socket: string) {
    this.#engine = engine;
    this.#settings = settings;
    this.#socket = socket;
  }

  /** As `RouterRealm.take`; again is nothing but another certificate, unless the socket was bound anew meanwhile. */
  take(transport: Linked, place: Place | null, tls: TlsPair | null): Place {
    const { udp } = this.#settings;
    const shared = transport !== "tcp" && (place === null || (udp !== null && isSame(place, udp)));
    const { socket, at } = shared ? this.#share(transport) : this.#beside(transport, place);
    this.#open.set(transport, { socket, place, at, tls });
    if (tls !== null) this.#show(socket, transport, tls);
    return at;
  }

  /** As `RouterRealm.refuse`. */
  async refuse(transport: Linked): Promise<void> {
    const open = this.#open.get(transport);
    if (open === undefined) return;
    this.#open.delete(transport);
    // Only with the socket do its links end. The others begin again on the new one.
    const others = [...this.#open].filter(([, { socket }]) => socket === open.socket);
    if (open.socket === this.#socket) await this.#renew();
    else unbind(this.#engine, open.socket);
    for (const [other] of others) this.#open.delete(other);
    for (const [other, { place, tls }] of others) this.take(other, place, tls);
  }

  close(): void {
    for (const { socket } of this.#open.values()) if (socket !== this.#socket) unbind(this.#engine, socket);
    this.#open.clear();
  }

  /** Takes links on the UDP port that everything here has in common. */
  #share(transport: Linked): Pick<Taken, "socket" | "at"> {
    const { udp } = this.#settings;
    if (udp === null) throw new Error(`there is no UDP port for ${transport}`);
    if (this.#socket !== ownSocket) {
      if (this.#engine.carriers.listen(transport) === null) throw new Error(`no ${transport} links here`);
    } else if (!this.#open.has(transport)) {
      this.#engine.dataPlane.listenLinks(ownSocket, transport, { port: 0 });
    }
    return { socket: this.#socket, at: udp };
  }

  /** Listening again only changes what is shown. */
  #show(socket: string, transport: Linked, { cert, key }: TlsPair): void {
    this.#engine.dataPlane.listenLinks(socket, transport, { port: 0, certificate: cert, key });
  }

  async #renew(): Promise<void> {
    const { udp, plain } = this.#settings;
    if (this.#socket !== ownSocket || udp === null) return this.#engine.renewSocket();
    unbind(this.#engine, ownSocket);
    bindOwn(this.#engine, udp, plain);
  }

  /** Takes links beside a socket of their own, or of another transport's over UDP that is at the same place. */
  #beside(transport: Linked, place: Place | null): Pick<Taken, "socket" | "at"> {
    const { dataPlane } = this.#engine;
    const before = this.#open.get(transport);
    if (before !== undefined && before.socket !== this.#socket) return before;
    const host = place?.host ?? anywhere;
    const address = oneAddress(host);
    const neighbour = this.#neighbourOf(transport, place);
    const socket = neighbour ?? socketOf(transport);
    if (neighbour === null) {
      // A transport over UDP has its port there; beside TCP the socket is for nobody.
      if (transport === "tcp") dataPlane.bind(socket, 0, "127.0.0.1");
      else dataPlane.bind(socket, place?.port ?? 0, address);
      dataPlane.speakPlain(socket, false);
    }
    // The next port is likely let in where a few were opened.
    const wishes = place === null ? [this.#settings.port + 1, 0] : [place.port];
    try {
      const port = firstOf(transport === "tcp" ? wishes : [0], (wish) =>
        dataPlane.listenLinks(socket, transport, {
          port: wish,
          ...(address === undefined ? {} : { address }),
        }),
      );
      return { socket, at: { host, port } };
    } catch (error) {
      if (neighbour === null) unbind(this.#engine, socket);
      throw error;
    }
  }

  /** The socket of another transport over UDP that is taken there already. */
  #neighbourOf(transport: Linked, place: Place | null): string | null {
    if (transport === "tcp" || place === null) return null;
    for (const [other, { socket, place: there }] of this.#open)
      if (other !== "tcp" && socket !== this.#socket && there !== null && isSame(place, there)) return socket;
    return null;
  }
}

/** Binds the socket of a router that has one of its own. */
export function bindOwn({ dataPlane }: Engine, { host, port }: Place, plain: boolean): void {
  dataPlane.bind(ownSocket, port, oneAddress(host));
  dataPlane.speakPlain(ownSocket, plain);
}

/** The one address that a host means; undefined for a wildcard. */
export function oneAddress(host: string): string | undefined {
  return host === anywhere || host === "0.0.0.0" ? undefined : host;
}

/** Closes a socket, if it is open. */
export function unbind({ dataPlane }: Engine, socket: string): void {
  try {
    dataPlane.unbind(socket);
  } catch {
    // It was never bound.
  }
}

/** What the first port gives that is free; throws what the last one did. */
function firstOf(ports: readonly number[], open: (port: number) => number): number {
  const [port = 0, ...rest] = ports;
  try {
    return open(port);
  } catch (error) {
    if (rest.length === 0) throw error;
    return firstOf(rest, open);
  }
}

function isSame(one: Place, other: Place): boolean {
  return one.port === other.port && one.host === other.host;
}

function socketOf(transport: Linked): string {
  return `router-${transport}`;
}

/** Socket of a router that listens at one address alone. */
export const ownSocket = "router-udp";
const anywhere = "::";
