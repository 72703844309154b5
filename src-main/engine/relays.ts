/** Everything about relays in one network that is up: own channels, channels for others, routes among relays, seeking. */
import type { DataPlaneEvent } from "../../drivers/dataplane.ts";
import type { SessionKey } from "../../src-shared/ids.ts";
import type { Signed } from "../../src-shared/trust.ts";
import { controlKind } from "../../src-shared/wire.ts";
import type { Effect, Input } from "../mesh/effect.ts";
import type { Network } from "../mesh/network.ts";
import { Channels } from "./channels.ts";
import { Relaying } from "./relaying.ts";
import type { SessionRequests } from "./requests.ts";
import { Routes } from "./routes.ts";
import { Seeking } from "./seeking.ts";
import type { Surroundings } from "./surroundings.ts";

export interface NetworkRelaysOptions {
  readonly surroundings: Surroundings;
  readonly machine: Network;
  readonly sessionKey: SessionKey;
  readonly requests: SessionRequests;
  /** Where the router's session stands, if that is the router's key; null for all others. */
  readonly routerEndpoint: (key: SessionKey) => string | null;
  readonly feed: (input: Input) => void;
  readonly learn: (entries: readonly Signed[]) => void;
  readonly log: (event: string, error: unknown) => void;
}

/** A request of a peer, as the data plane tells it. */
type Request = Extract<DataPlaneEvent, { readonly kind: "request" }>;

/** One network's relays, as the engine deals with them. */
export class NetworkRelays {
  readonly #options: NetworkRelaysOptions;
  readonly #channels: Channels;
  readonly #relaying: Relaying;
  readonly #routes: Routes;
  readonly #seeking: Seeking;
  #closed = false;

  constructor(options: NetworkRelaysOptions) {
    this.#options = options;
    const { surroundings, machine, requests, sessionKey } = options;
    const realm = machine.membership.network;
    this.#channels = new Channels({
      ...options,
      realm,
      endpointOf: (relay) =>
        options.routerEndpoint(relay) ?? machine.relays.standing.get(relay)?.endpoint ?? null,
      certificate: () => machine.ownCertificate()?.signed ?? null,
    });
    this.#routes = new Routes({
      network: realm,
      surroundings,
      requests,
      links: () => machine.relays.links(),
    });
    this.#relaying = new Relaying({
      realm,
      self: { identity: surroundings.identity.key, sessionKey },
      surroundings,
      membership: machine.membership,
      requests,
      isOn: () => machine.relays.ownCost !== null,
      ways: (to) => this.#routes.ways(to),
      destinations: () => this.#routes.destinations(),
      isLinked: (key) => machine.linkOf(key) !== null,
      // Packets are what makes a path be probed often.
      doubt: (key) => options.feed({ kind: "traffic", peers: [key] }),
    });
    this.#seeking = new Seeking({ ...options, certificate: () => machine.ownCertificate()?.signed ?? null });
  }

  /** Asks a relay for a channel, as the machine decided. */
  open({ peer, relay, avoid }: Extract<Effect, { readonly kind: "openRelay" }>): void {
    void this.#channels.open(peer, relay, avoid);
  }

  /** Asks peers where this one is. */
  seek(peer: SessionKey): void {
    void this.#seeking.seek(peer);
  }

  /** The response to a request of a peer, if it is about relays; null if not. */
  answer({ peer, type, body }: Request): Promise<string> | null {
    const from = peer as SessionKey;
    const { routerEndpoint, machine } = this.#options;
    switch (type) {
      case controlKind.relayOffer:
        if (routerEndpoint(from) !== null || machine.relays.member(from) !== null)
          this.#channels.offered(from, body);
        return Promise.resolve("{}");
      case controlKind.relayOpen:
        return this.#relaying.answer(from, body);
      case controlKind.routes:
        return Promise.resolve(this.#routes.answer(from, body));
      case controlKind.seek:
        return Promise.resolve(this.#seeking.answer(from, body));
      default:
        return null;
    }
  }

  /** What is known of sessions, or whether this node relays, may have changed. */
  refresh(): void {
    this.#routes.setCost(this.#closed ? null : this.#options.machine.relays.ownCost);
  }

  /** A session with a peer began anew. */
  renewed(peer: SessionKey): void {
    this.#routes.renewed(peer);
    this.refresh();
  }

  ended(peer: SessionKey): void {
    this.#relaying.ended(peer);
    this.refresh();
  }

  close(): void {
    this.#closed = true;
    this.refresh();
  }
}
