/** Carries out what a network's machine decides. */
import { toBase64 } from "../../src-shared/bytes.ts";
import type { SessionKey } from "../../src-shared/ids.ts";
import type { Signed } from "../../src-shared/trust.ts";
import type { Effect } from "../mesh/effect.ts";
import type { Network } from "../mesh/network.ts";
import { signEntry } from "./crypto.ts";
import type { NetworkRoutes } from "./network-routes.ts";
import type { Punching } from "./punching.ts";
import type { NetworkRelays } from "./relays.ts";
import type { RouterLine } from "./router-line.ts";
import type { StoredNetwork } from "./stored.ts";
import type { Surroundings } from "./surroundings.ts";

export interface EffectsOptions {
  readonly surroundings: Surroundings;
  readonly machine: Pick<Network, "membership">;
  readonly stored: () => StoredNetwork;
  readonly routes: Pick<NetworkRoutes, "want">;
  readonly relays: Pick<NetworkRelays, "open" | "seek">;
  readonly punching: Punching;
  readonly line: () => Pick<RouterLine, "doubt" | "control">;
  /** Tells this node's signed entry to the network. */
  readonly publish: (entries: readonly Signed[]) => Promise<void>;
  /** What is kept changed. */
  readonly store: () => void;
  readonly isClosed: () => boolean;
  readonly log: (event: string, error: unknown) => void;
}

export class Effects {
  readonly #options: EffectsOptions;

  constructor(options: EffectsOptions) {
    this.#options = options;
  }

  /** Performs one; what fails is logged and keeps no other from being performed. */
  perform(effect: Effect): void {
    try {
      this.#performUnsafe(effect);
    } catch (error) {
      this.#options.log(`effect ${effect.kind}`, error);
    }
  }

  #performUnsafe(effect: Effect): void {
    const { surroundings, routes, relays, punching, line, store, log } = this.#options;
    const { dataPlane } = surroundings;
    const { name, stock: clients } = this.#options.stored();
    switch (effect.kind) {
      case "setPeer": {
        const stock = clients.find((client) => client.sessionKey === effect.peer);
        if (effect.peerKind === "stock" && stock === undefined) return;
        dataPlane.setPeer(this.#realm, {
          publicKey: effect.peer,
          kind: effect.peerKind,
          allowed: effect.allowed,
          ...(effect.sources === undefined ? {} : { sources: effect.sources }),
          keepaliveSeconds: 0,
          ...(effect.forward === undefined ? {} : { forward: effect.forward }),
          ...(stock === undefined ? {} : { presharedKey: stock.presharedKey }),
        });
        return;
      }
      case "removePeer":
        dataPlane.removePeer(this.#realm, effect.peer);
        return;
      case "setFilter":
        dataPlane.setFilter(this.#realm, effect.filter);
        return;
      case "confine":
        dataPlane.confinePeer(this.#realm, effect.peer, effect.only);
        return;
      case "links":
        this.#wantLinks(effect);
        return;
      case "doubt":
        line().doubt();
        return;
      case "setPaths":
        dataPlane.setPaths(this.#realm, effect.peer, effect.paths, effect);
        return;
      case "handshake":
        if (effect.endpoints.length > 0)
          dataPlane.handshake(this.#realm, effect.peer, effect.endpoints, effect.force);
        return;
      case "openRelay":
        relays.open(effect);
        return;
      case "seek":
        relays.seek(effect.peer);
        return;
      case "carry":
        this.#carry(effect.peer);
        return;
      case "askPunch":
        punching.ask(effect).catch((error: unknown) => log("ask for a punch", error));
        return;
      case "punch":
        punching.perform(effect);
        return;
      case "connect":
        punching.connect(effect).catch((error: unknown) => log("connect over TCP", error));
        return;
      case "dropSessions":
        if (effect.peer === null) dataPlane.dropSessions(this.#realm);
        else dataPlane.dropSessions(this.#realm, effect.peer);
        return;
      case "publishNode":
        this.#publishNode(effect);
        return;
      case "setRoutes":
        routes.want(effect.prefixes);
        return;
      case "setUnreachable":
        dataPlane.setUnreachable(this.#realm, effect.peers);
        return;
      case "addressLost":
        surroundings.log("address lost", { network: name, address: effect.address });
        return;
      case "selfRevoked":
        surroundings.log("removed", { network: name });
        dataPlane.dropSessions(this.#realm);
        surroundings.changed();
        return;
      case "store":
        store();
        return;
      case "changed":
        surroundings.changed();
    }
  }

  #wantLinks({ peer, wanted }: Extract<Effect, { readonly kind: "links" }>): void {
    const { surroundings, machine } = this.#options;
    const pin = machine.membership.memberOf(peer)?.identity ?? null;
    const target = { name: null, pin, path: null };
    surroundings.carriers.want(
      { realm: this.#realm, peer },
      wanted.map((endpoint) => ({ endpoint, target })),
    );
  }

  #carry(peer: SessionKey): void {
    const { surroundings, line, log } = this.#options;
    const datagram = toBase64(surroundings.dataPlane.handshakeMessage(this.#realm, peer));
    line()
      .control()
      ?.request({ call: "carry", to: peer, datagram })
      .catch((error: unknown) => log("carry", error));
  }

  #publishNode(effect: Extract<Effect, { readonly kind: "publishNode" }>): void {
    const { surroundings, publish, isClosed, log } = this.#options;
    const { identity } = surroundings;
    const body = {
      network: this.#realm,
      identity: identity.key,
      version: surroundings.now(),
      candidates: effect.candidates,
      relays: effect.relays,
      ...(effect.nat === undefined ? {} : { nat: effect.nat }),
      ...(effect.takes === undefined ? {} : { takes: effect.takes }),
      ...(effect.relay === undefined ? {} : { relay: effect.relay }),
      ...(effect.routes === undefined ? {} : { routes: effect.routes }),
      ...(effect.requests === undefined ? {} : { requests: effect.requests }),
    };
    const signed = signEntry("node", body, identity);
    // After this turn: the machine is in the middle of carrying out what it decided.
    setImmediate(() => {
      if (isClosed()) return;
      publish([signed]).catch((error: unknown) => log("publish", error));
    });
  }

  get #realm(): string {
    return this.#options.stored().network;
  }
}
