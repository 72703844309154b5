/** Where this node can be reached: one answer for all its networks, and word when it changes. */
import type { DataPlane, DataPlaneEvent } from "../../drivers/dataplane.ts";
import type { Millis } from "../../src-shared/ids.ts";
import type { Transport } from "../../src-shared/status.ts";
import type { NatFacts } from "../../src-shared/trust.ts";
import type { OwnCandidate } from "../mesh/effect.ts";
import type { Used } from "./binding.ts";
import { ownCandidates } from "./candidates.ts";
import { Doors } from "./doors.ts";
import { LatestPort } from "./latest-port.ts";
import { Names } from "./names.ts";
import { Outside } from "./outside.ts";
import { PortOpener } from "./port-opener.ts";
import type { Log } from "./surroundings.ts";

export interface WhereaboutsOptions {
  readonly dataPlane: Pick<DataPlane, "bind" | "unbind" | "stun">;
  /** What of this machine is used. */
  readonly system: Used;
  readonly now: () => Millis;
  /** UDP port in use. */
  readonly port: () => number;
  /** `host:port` declared by hand, and the hosts of this install's own router; names may be among them. */
  readonly declared: () => readonly string[];
  /** Whether gateways are asked to let the port in. */
  readonly opensPorts: () => boolean;
  /** Whether plain UDP may be used at all. */
  readonly isPlain: () => boolean;
  /** Transports that are taken at the UDP port besides plain UDP. */
  readonly takes: () => readonly Transport[];
  /** `tls/host:port` and the like where links are taken at places of their own. */
  readonly links: (plain: readonly OwnCandidate[]) => readonly OwnCandidate[];
  readonly log: Log;
  /** Something below would answer differently now. */
  readonly changed: () => void;
}

/** Asked by every network; hears of STUN answers, names and changes of the system. */
export class Whereabouts {
  readonly outside: Outside;
  readonly ports: PortOpener;
  /** Ports of routers, tried for them. */
  readonly doors: Doors;
  readonly #options: WhereaboutsOptions;
  readonly #names: Names;
  readonly #latest: LatestPort;

  constructor(options: WhereaboutsOptions) {
    const { dataPlane, now, system } = options;
    this.#options = options;
    this.#latest = new LatestPort(dataPlane);
    this.doors = new Doors({ dataPlane, now, isPlain: options.isPlain });
    this.#names = new Names({
      now,
      changed: () => {
        this.outside.namesChanged();
        options.changed();
      },
    });
    this.outside = new Outside({
      dataPlane,
      names: this.#names,
      own: () => system.interfaces().flatMap((each) => each.addresses.map(({ address }) => address)),
      isOn: options.isPlain,
      now,
      changed: options.changed,
    });
    this.ports = new PortOpener({
      system,
      port: options.port,
      isOn: options.opensPorts,
      changed: options.changed,
      log: options.log,
    });
  }

  /** Own candidates, best first. */
  candidates(): readonly OwnCandidate[] {
    const { system, port, declared, links } = this.#options;
    const plain = ownCandidates({
      interfaces: system.interfaces(),
      port: port(),
      mapped: this.ports.endpoints(),
      reflexive: this.outside.reflexive(),
      declared: this.#names.endpoints(declared()),
    });
    return [...plain, ...links(plain)];
  }

  /** Transports that are taken wherever plain UDP is. */
  takes(): readonly Transport[] {
    return this.#options.takes();
  }

  /** Whether gateways are asked to let the port in. */
  opensPorts(): boolean {
    return this.#options.opensPorts();
  }

  nat(): NatFacts {
    return { ...this.outside.nat(), portMapping: this.ports.protocol() };
  }

  /** The port is bound, anew or for the first time. */
  portChanged(): void {
    this.ports.renew();
  }

  /** The network changed: resolves when enough is known again to tell others. */
  async renew(): Promise<void> {
    this.#names.refresh();
    this.ports.renew();
    await this.outside.renew();
  }

  /** The outer port that the NAT takes for a new mapping just now; null: no answer came. */
  async latestPort(): Promise<number | null> {
    const [outer] = this.outside.reflexive();
    const server = this.outside.answers().find(({ address }) => address === outer)?.server;
    return outer === undefined || server === undefined ? null : this.#latest.ask(server);
  }

  handle(event: Extract<DataPlaneEvent, { readonly kind: "mapped" }>): void {
    this.outside.handle(event);
    this.#latest.handle(event);
    this.doors.handle(event);
  }

  async close(): Promise<void> {
    this.#latest.close();
    this.doors.close();
    this.outside.close();
    this.#names.close();
    await this.ports.close();
  }
}
