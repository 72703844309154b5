/** The links that the router's realm takes: each transport beside a socket of its own, so that it can be closed alone. */
import type { Engine } from "./engine/engine.ts";
import type { RealmSettings, RouterRealm } from "./server/realm.ts";
import type { Place } from "./server/transports.ts";

type Linked = Parameters<RouterRealm["take"]>[0];

export class RealmEntrances {
  readonly #engine: Engine;
  readonly #settings: RealmSettings;
  readonly #open = new Set<Linked>();

  constructor(engine: Engine, settings: RealmSettings) {
    this.#engine = engine;
    this.#settings = settings;
  }

  /** As `RouterRealm.take`. */
  take(transport: Linked, place: Place | null): Place {
    const host = place?.host ?? anywhere;
    const port = this.#listen(transport, { host, ports: place === null ? this.#usual() : [place.port] });
    this.#open.add(transport);
    return { host, port };
  }

  /** As `RouterRealm.refuse`. */
  refuse(transport: Linked): void {
    if (this.#open.delete(transport)) unbind(this.#engine, socketOf(transport));
  }

  close(): void {
    for (const transport of [...this.#open]) this.refuse(transport);
  }

  /** The next port, which is likely let in where a few were opened, else any. */
  #usual(): readonly number[] {
    return [this.#settings.port + 1, 0];
  }

  #listen(
    transport: Linked,
    { host, ports }: { readonly host: string; readonly ports: readonly number[] },
  ): number {
    const { dataPlane } = this.#engine;
    const socket = socketOf(transport);
    // Links stand beside a UDP socket; that of TCP itself is for nobody.
    dataPlane.bind(socket, 0, "127.0.0.1");
    try {
      return firstOf(ports, (port) => {
        const address = oneAddress(host);
        return dataPlane.listenLinks(socket, transport, {
          port,
          ...(address === undefined ? {} : { address }),
        });
      });
    } catch (error) {
      unbind(this.#engine, socket);
      throw error;
    }
  }
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

function socketOf(transport: Linked): string {
  return `router-${transport}`;
}

const anywhere = "::";
