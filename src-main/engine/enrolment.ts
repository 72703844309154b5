/** How this install becomes a member of networks, and ceases to be one. */
import { AppError } from "../../src-shared/errors.ts";
import { freeName } from "../mesh/addresses.ts";
import type { CreateRequest, Host } from "./create.ts";
import { createNetwork } from "./create.ts";
import type { Held, HeldNetworks } from "./held-networks.ts";
import { signRevocation } from "./issue.ts";
import type { Joined, JoinRequest } from "./join.ts";
import { joinNetwork } from "./join.ts";
import type { NetworkLoop } from "./loop.ts";
import type { Surroundings } from "./surroundings.ts";

export class Enrolment {
  readonly #networks: HeldNetworks;
  readonly #surroundings: Surroundings;

  constructor(networks: HeldNetworks, surroundings: Surroundings) {
    this.#networks = networks;
    this.#surroundings = surroundings;
  }

  /** Creates a network at a router and takes it up. */
  async create(
    request: CreateRequest,
    host: Host,
  ): Promise<{ readonly loop: NetworkLoop; readonly warnings: readonly string[] }> {
    if (this.#networks.all().some(({ stored }) => stored.name === request.name)) {
      throw new AppError("network-exists", { name: request.name });
    }
    const { stored, warnings } = await createNetwork(request, host, this.#surroundings);
    return { loop: await this.#networks.adopt(stored), warnings };
  }

  /** Joins a network and takes it up; `step` hears the progress. */
  async join(request: JoinRequest, step: (text: string) => void): Promise<Joined> {
    const all = this.#networks.all();
    // Networks that this machine was removed from stand aside: their interfaces are no obstacle to joining anew.
    const over = all.filter(isOver).map(({ stored }) => stored.network);
    const others = all.map(({ stored }) => stored).filter(({ network }) => !over.includes(network));
    for (const id of over) await this.#networks.close(id);
    try {
      const joined = await joinNetwork(request, this.#surroundings, {
        known: others.map(({ network }) => network),
        nameOf: (name) => freeName(name, others),
        step,
      });
      await this.#networks.adopt(joined.stored);
      return joined;
    } finally {
      for (const id of over) await this.#networks.open(id);
    }
  }

  /** Leaves a network for good: says so to all others, forgets its keys. */
  async leave(name: string): Promise<void> {
    const { identity, log } = this.#surroundings;
    const { loop, stored } = this.#networks.find(name);
    const own = loop?.machine.ownCertificate();
    if (loop !== null && own != null && loop.line.control() !== null) {
      const revocation = signRevocation(own.body, "left", identity, Date.now());
      await loop.publish([revocation]).catch((error: unknown) => log("leave", { error: String(error) }));
    }
    await this.#networks.forget(stored.network);
  }
}

/** Whether this machine was removed from a network, or the network is gone: it may join anew. */
function isOver({ loop }: Held): boolean {
  const refusal = loop?.line.lastError()?.code;
  return loop?.machine.ownState().kind === "removed" || refusal === "revoked" || refusal === "network-closed";
}
