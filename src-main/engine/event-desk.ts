/** What the data plane tells, each to whom it concerns. */
import type { DataPlaneEvent } from "../../drivers/dataplane.ts";
import type { Carriers } from "./carriers.ts";
import type { Pings } from "./pings.ts";
import type { Log } from "./surroundings.ts";
import type { Traffic } from "./traffic.ts";
import type { Whereabouts } from "./whereabouts.ts";

/** Hears the events of one realm. */
export type RealmListener = (event: DataPlaneEvent) => void;

export interface EventDeskOptions {
  readonly pings: Pick<Pings, "handle">;
  readonly whereabouts: Pick<Whereabouts, "handle">;
  readonly carriers: Pick<Carriers, "handle">;
  readonly traffic: Pick<Traffic, "renew">;
  /** Who hears the events of a network; null when it is not connected. */
  readonly network: (realm: string) => RealmListener | null;
  readonly log: Log;
}

export class EventDesk {
  readonly #options: EventDeskOptions;
  readonly #realms = new Map<string, RealmListener>();

  constructor(options: EventDeskOptions) {
    this.#options = options;
  }

  /** Events of a realm that is no network: the router's. */
  listen(realm: string, listener: RealmListener): void {
    this.#realms.set(realm, listener);
  }

  unlisten(realm: string): void {
    this.#realms.delete(realm);
  }

  /** Takes events; one that fails does not keep the others from being heard. */
  hear(batch: readonly DataPlaneEvent[]): void {
    for (const event of batch) {
      try {
        this.#dispatch(event);
      } catch (error) {
        this.#options.log("event failed", { kind: event.kind, error: String(error) });
      }
    }
  }

  #dispatch(event: DataPlaneEvent): void {
    const { pings, whereabouts, carriers, traffic, log } = this.#options;
    switch (event.kind) {
      case "pong":
        pings.handle(event);
        return;
      case "mapped":
        whereabouts.handle(event);
        carriers.handle(event);
        return;
      case "link":
        carriers.handle(event);
        return;
      case "measured":
        for (const realm of new Set(event.paths.map((path) => path.realm))) {
          this.#route(realm, { kind: "measured", paths: event.paths.filter((path) => path.realm === realm) });
        }
        return;
      case "failed":
        log("data plane failed", { realm: event.realm, message: event.message });
        if (event.realm !== null) this.#route(event.realm, event);
        return;
      case "session":
        traffic.renew();
        this.#route(event.realm, event);
        return;
      default:
        this.#route(event.realm, event);
    }
  }

  #route(realm: string, event: DataPlaneEvent): void {
    (this.#realms.get(realm) ?? this.#options.network(realm))?.(event);
  }
}
