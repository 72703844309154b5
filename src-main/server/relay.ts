/** Relay channels between members of one network, set up inside their sessions with the router. */
import type { z } from "zod";
import type { Millis, SessionKey } from "../../src-shared/ids.ts";
import { parseJson } from "../../src-shared/json.ts";
import type { Notary } from "../../src-shared/trust.ts";
import type { relayOffer, relayOpened, stateExchange } from "../../src-shared/wire.ts";
import { controlKind, relayOpen } from "../../src-shared/wire.ts";
import { Openings } from "../mesh/openings.ts";
import type { Log } from "./connection.ts";
import type { HostedNetwork } from "./hosted.ts";
import type { Networks } from "./networks.ts";
import type { RealmEvent, RouterRealm } from "./realm.ts";

export interface RelayOptions {
  readonly realm: RouterRealm;
  readonly networks: Networks;
  readonly notary: Notary;
  readonly now: () => Millis;
  /** Whether a session key is of this install's own node: it answers at the router's address, nothing is relayed to it. */
  readonly isHere: (key: SessionKey) => boolean;
  readonly refused: (cause: string) => void;
  readonly log: Log;
}

type Opened = z.infer<typeof relayOpened>;
type Refusal = Extract<Opened, { refused: string }>["refused"];

export class Relay {
  readonly #options: RelayOptions;
  /** Networks in which a session key is a member's. */
  readonly #homes = new Map<SessionKey, Set<HostedNetwork>>();
  readonly #openings = new Openings();

  constructor(options: RelayOptions) {
    this.#options = options;
    options.realm.listen((event) => this.#handle(event));
  }

  /** Lets a member's key open sessions, or ends them. */
  keyChanged(hosted: HostedNetwork, key: SessionKey, member: boolean): void {
    const { realm } = this.#options;
    const homes = this.#homes.get(key) ?? new Set();
    if (member) {
      homes.add(hosted);
      this.#homes.set(key, homes);
      realm.setPeer(key);
      return;
    }
    homes.delete(hosted);
    this.#openings.forget(key);
    // Its channels end with the peer, also when it stays a member of another network and has to come anew.
    realm.removePeer(key);
    if (homes.size > 0) realm.setPeer(key);
    else this.#homes.delete(key);
  }

  #handle(event: RealmEvent): void {
    if (event.kind === "ended") {
      this.#openings.forget(event.peer);
      return;
    }
    this.#options.realm.respond(event.peer, event.id, JSON.stringify(this.#answer(event)));
  }

  #answer({ peer, type, body }: Extract<RealmEvent, { kind: "request" }>): object {
    if (type === controlKind.relayOpen) return this.#open(peer, parseJson(body));
    // State is compared on the control socket; inside the session the router has nothing to add.
    if (type === controlKind.state) return { digest: digestIn(body) } satisfies z.infer<typeof stateExchange>;
    this.#options.refused("session request unknown");
    return {};
  }

  #open(from: SessionKey, value: unknown): Opened {
    const request = relayOpen.safeParse(value);
    const refuse = (refused: Refusal): Opened => {
      this.#options.refused(`relay ${refused}`);
      return { refused };
    };
    if (!request.success) return refuse("not-allowed");
    const { to, certificate } = request.data;
    const hosted = this.#networkOf(from, certificate);
    if (hosted === null || from === to) return refuse("not-allowed");
    if (hosted.membership.memberOf(to) === null) return refuse("unknown");
    if (this.#options.isHere(to)) return { refused: "here" };
    if (!this.#openings.spend(from, to, this.#options.now())) return refuse("quota");
    const channels = this.#channels(from, to);
    if (channels === null) return refuse("offline");
    this.#offer(to, { ...request.data, from, channel: channels.to });
    return { channel: channels.from };
  }

  /** The network that a certificate makes this session key a member of, as the router knows its members. */
  #networkOf(key: SessionKey, certificate: z.infer<typeof relayOpen>["certificate"]): HostedNetwork | null {
    const entry = this.#options.notary.verify(certificate);
    if (entry?.kind !== "certificate" || entry.body.sessionKey !== key) return null;
    const hosted = this.#options.networks.find(entry.body.network);
    const member = hosted?.membership.memberOf(key) ?? null;
    if (hosted === null || member?.identity !== entry.body.identity) return null;
    const { rank } = hosted.membership.judge(entry, this.#options.now());
    return rank === undefined || rank === "pending" ? null : hosted;
  }

  #channels(from: SessionKey, to: SessionKey): { readonly from: number; readonly to: number } | null {
    try {
      return this.#options.realm.openChannel(from, to);
    } catch (error) {
      const known = error instanceof Error && "code" in error && error.code === "ENOENT";
      if (!known) this.#options.log("relay failed", { error: String(error) });
      return null;
    }
  }

  #offer(to: SessionKey, { from, channel, certificate, datagram }: z.infer<typeof relayOffer>): void {
    const body = JSON.stringify({ from, channel, certificate, datagram } satisfies z.infer<
      typeof relayOffer
    >);
    // Without an answer the asking end hears nothing and tries again; there is nothing to undo.
    this.#options.realm.request(to, controlKind.relayOffer, body).catch((error: unknown) => {
      this.#options.log("relay offer failed", { error: String(error) });
    });
  }
}

function digestIn(body: string): string {
  const value = parseJson(body);
  const digest = typeof value === "object" && value !== null && "digest" in value ? value.digest : "";
  return typeof digest === "string" ? digest.slice(0, 64) : "";
}
