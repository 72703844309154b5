/** Tries the ports of routers for them: whether they are open to somebody who was never there before. */
import { lookup } from "node:dns/promises";
import type { DataPlane, DataPlaneEvent } from "../../drivers/dataplane.ts";
import { isLoopback, isPrivate, parseAddress } from "../../src-shared/address.ts";
import type { Millis } from "../../src-shared/ids.ts";
import { joinHostPort, splitHostPort } from "../../src-shared/ids.ts";
import type { ReachTry } from "../../src-shared/wire.ts";
import { Allowances } from "../mesh/allowance.ts";
import type { Door } from "../mesh/reach.ts";
import { askHealth, askTcp } from "../transport/health.ts";

export interface DoorsOptions {
  readonly dataPlane: Pick<DataPlane, "bind" | "unbind" | "stun">;
  readonly now: () => Millis;
  /** Whether plain UDP may be used at all. */
  readonly isPlain: () => boolean;
}

/** Knocks at the doors that it is given, and at each router's only now and then. */
export class Doors {
  readonly #options: DoorsOptions;
  readonly #allowances = new Allowances(rate);
  /** By the name of the socket that asks. */
  readonly #asked = new Map<string, (isReached: boolean) => void>();
  #last = 0;

  constructor(options: DoorsOptions) {
    this.#options = options;
  }

  /** What comes of all of them; of none when this router asked too often. */
  async tryAll(router: string, doors: readonly Door[]): Promise<readonly ReachTry[]> {
    if (!this.#allowances.spend(router, this.#options.now())) return [];
    const tries = await Promise.all(doors.map((door) => this.#try(door)));
    return tries.filter((one) => one !== null);
  }

  /** An answer of a STUN server, or that none came. */
  handle({ socket, address }: Extract<DataPlaneEvent, { readonly kind: "mapped" }>): void {
    this.#asked.get(socket)?.(address !== null);
  }

  close(): void {
    for (const tell of [...this.#asked.values()]) tell(false);
  }

  async #try({ protocol, address }: Pick<Door, "protocol" | "address">): Promise<ReachTry | null> {
    const place = splitHostPort(address);
    const numeric = place === null ? null : await numberOf(place.host);
    if (place === null || numeric === null) return null;
    switch (protocol) {
      case "udp": {
        if (!this.#options.isPlain()) return null;
        const isReached = await this.#askUdp(joinHostPort(numeric, place.port));
        return { protocol, address, outcome: isReached ? "reached" : "silent" };
      }
      case "tcp": {
        const state = await askTcp(numeric, place.port);
        return { protocol, address, outcome: state === "open" ? "reached" : state };
      }
      case "https": {
        const { kind } = await askHealth(address);
        if (kind !== "silent") return { protocol, address, outcome: kind === "router" ? "reached" : kind };
        const isRefused = (await askTcp(numeric, place.port)) === "refused";
        return { protocol, address, outcome: isRefused ? "refused" : "silent" };
      }
    }
  }

  /** From a socket that is new each time: neither a NAT nor a firewall has let its answers in before. */
  async #askUdp(server: string): Promise<boolean> {
    const { dataPlane } = this.#options;
    const socket = `door-${++this.#last}`;
    try {
      dataPlane.bind(socket, 0);
    } catch {
      return false;
    }
    try {
      return await new Promise<boolean>((resolve) => {
        this.#asked.set(socket, resolve);
        dataPlane.stun(socket, server);
      });
    } catch {
      return false;
    } finally {
      this.#asked.delete(socket);
      unbind(dataPlane, socket);
    }
  }
}

/** A host as a number; null for a name that has none, or leads into somebody's LAN. */
async function numberOf(host: string): Promise<string | null> {
  try {
    const found = parseAddress(host) === null ? (await lookup(host)).address : host;
    const address = parseAddress(found);
    return address === null || isPrivate(address) || isLoopback(address) ? null : found;
  } catch {
    return null;
  }
}

function unbind(dataPlane: Pick<DataPlane, "unbind">, socket: string): void {
  try {
    dataPlane.unbind(socket);
  } catch {
    // The data plane has ended.
  }
}

/** A person looks, changes a rule, looks again. */
const rate = { perSecond: 1 / 20, burst: 5 };
