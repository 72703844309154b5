/** Who may come in by the control socket: judges a node's hello, once. */
import { fromBase64 } from "../../src-shared/bytes.ts";
import { AppError } from "../../src-shared/errors.ts";
import type { IdentityKey, Millis, NetworkId } from "../../src-shared/ids.ts";
import { planeName } from "../../src-shared/plane.ts";
import type { EntryOf, Notary } from "../../src-shared/trust.ts";
import type { NodeHello } from "../../src-shared/wire.ts";
import { nodeHelloBytes } from "../../src-shared/wire.ts";
import { canAdmit } from "../mesh/admission.ts";
import { Allowances } from "../mesh/allowance.ts";
import type { HostedNetwork } from "./hosted.ts";
import type { RouterKeys } from "./identity.ts";
import type { Networks } from "./networks.ts";
import type { Planes } from "./planes.ts";
import type { SeatKind } from "./seat.ts";

/** Somebody whose hello was accepted. */
export type Visitor =
  | {
      readonly role: "member";
      readonly hosted: HostedNetwork;
      readonly identity: IdentityKey;
      readonly standing: SeatKind;
    }
  | { readonly role: "invited"; readonly hosted: HostedNetwork; readonly delegation: EntryOf<"delegation"> }
  | { readonly role: "secret"; readonly hosted: HostedNetwork; readonly issuer: IdentityKey }
  | { readonly role: "issuer"; readonly hosted: HostedNetwork; readonly issuer: IdentityKey }
  | { readonly role: "host"; readonly network: NetworkId };

export interface ReceptionOptions {
  readonly networks: Networks;
  readonly planes: Pick<Planes, "portOf" | "isFounded" | "enter">;
  readonly keys: RouterKeys;
  readonly notary: Notary;
  readonly now: () => Millis;
  /** How the router is called in errors. */
  readonly address: () => string;
}

/** Where a hello comes from. */
export interface Arrival {
  readonly exporter: Uint8Array;
  readonly remote: string;
  /** Port of the plane by which it came; null: the router's own. */
  readonly plane: number | null;
}

export class Reception {
  readonly #options: ReceptionOptions;
  /** Guesses of tokens and secrets, by address. */
  readonly #guesses = new Allowances({ perSecond: 1 / 6, burst: 10 });

  constructor(options: ReceptionOptions) {
    this.#options = options;
  }

  /**
   * Throws what the node is told: `revoked`, `network-closed`, `invite-withdrawn`, `wrong-secret`, `no-network-here`,
   * `wrong-token`, `too-many-tries`, `not-allowed`.
   */
  async admit(hello: NodeHello, arrival: Arrival): Promise<Visitor> {
    switch (hello.role) {
      case "member":
        return this.#member(hello, arrival);
      case "invited": {
        this.#prove(hello.delegation, hello, arrival);
        const hosted = this.#hosted(hello.network, arrival);
        const invite = hosted.membership.invite(hello.delegation);
        // Used up or closed is for `admit` to say: a repeat of somebody who is in gets the same answer again.
        if (invite === null) throw new AppError("invite-withdrawn");
        return { role: "invited", hosted, delegation: invite.entry };
      }
      case "secret":
        return this.#secret(hello, arrival);
      case "issuer":
        this.#proveIssuer(hello, arrival);
        return { role: "issuer", hosted: this.#hosted(hello.network, arrival), issuer: hello.issuer };
      case "host":
        if (arrival.plane !== null) throw new AppError("network-closed");
        this.#guess(arrival);
        if (!this.#options.keys.isToken(fromBase64(hello.token) ?? new Uint8Array()))
          throw new AppError("wrong-token");
        return { role: "host", network: hello.network };
    }
  }

  async #member(hello: Extract<NodeHello, { role: "member" }>, arrival: Arrival): Promise<Visitor> {
    const entry = this.#options.notary.verify(hello.certificate);
    if (entry?.kind !== "certificate" || entry.body.network !== hello.network) {
      throw new AppError("not-allowed", { detail: "this is no certificate of the network" });
    }
    this.#prove(entry.body.identity, hello, arrival);
    const hosted = this.#hosted(hello.network, arrival);
    const known = hosted.membership
      .certificatesOf(entry.body.identity)
      .some(({ hash }) => hash === entry.hash);
    // A router that lost its newest state learns it back from the members.
    if (!known && this.#mayCount(hosted, entry)) await hosted.merge([entry]);
    return { role: "member", hosted, identity: entry.body.identity, standing: hosted.standing(entry) };
  }

  async #secret(hello: Extract<NodeHello, { role: "secret" }>, arrival: Arrival): Promise<Visitor> {
    this.#proveIssuer(hello, arrival);
    const { networks, planes } = this.#options;
    if (arrival.plane !== null) return this.#plane(hello, arrival, arrival.plane);
    const hosted = planes.portOf(hello.network) === null ? networks.find(hello.network) : null;
    if (hosted?.secret) return { role: "secret", hosted, issuer: hello.issuer };
    this.#guess(arrival);
    if (networks.withSecret(hello.name) !== null) throw new AppError("wrong-secret", { name: hello.name });
    throw new AppError("no-network-here", { name: hello.name, router: this.#options.address() });
  }

  /** The network of a port: whoever has the token derives the same issuer key as the router. */
  async #plane(
    hello: Extract<NodeHello, { role: "secret" }>,
    arrival: Arrival,
    port: number,
  ): Promise<Visitor> {
    if (hello.name !== planeName(port)) {
      throw new AppError("no-network-here", { name: hello.name, router: this.#options.address() });
    }
    if (!this.#options.planes.isFounded(port, hello.network)) this.#guess(arrival);
    const hosted = await this.#options.planes.enter(port, hello.network);
    if (hosted === null) throw new AppError("wrong-secret", { name: hello.name });
    return { role: "secret", hosted, issuer: hello.issuer };
  }

  /** An invite that is over lets nobody in whom it had not let in before. */
  #mayCount(hosted: HostedNetwork, entry: EntryOf<"certificate">): boolean {
    const invited = hosted.membership.invite(entry.signer) !== null;
    return !invited || canAdmit(hosted.membership, entry, this.#options.now()).ok;
  }

  /** A plane's network is at its own port alone, and no other is there. */
  #hosted(network: NetworkId, { plane }: Arrival): HostedNetwork {
    const { networks, planes } = this.#options;
    const hosted = networks.find(network);
    if (hosted === null || planes.portOf(network) !== plane) throw new AppError("network-closed");
    return hosted;
  }

  #proveIssuer(hello: Extract<NodeHello, { role: "issuer" | "secret" }>, arrival: Arrival): void {
    this.#prove(hello.issuer, hello, arrival);
    if (this.#options.networks.isIssuer(hello.network, hello.issuer)) return;
    throw new AppError("not-allowed", { detail: "this key is not the network's issuer" });
  }

  #prove(key: IdentityKey, hello: Exclude<NodeHello, { role: "host" }>, { exporter }: Arrival): void {
    const identity = fromBase64(this.#options.keys.identity) ?? new Uint8Array();
    const bytes = nodeHelloBytes(hello.role, exporter, identity);
    if (this.#options.notary.verifyBytes(key, bytes, hello.signature)) return;
    throw new AppError("not-allowed", { detail: "the hello's signature is wrong" });
  }

  #guess({ remote }: Arrival): void {
    if (!this.#guesses.spend(remote, this.#options.now())) throw new AppError("too-many-tries");
  }
}
