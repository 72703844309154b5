/** What members ask this node inside their sessions, and what it asks them when one begins. */
import type { DataPlane, DataPlaneEvent } from "../../drivers/dataplane.ts";
import type { SessionKey } from "../../src-shared/ids.ts";
import type { Signed } from "../../src-shared/trust.ts";
import { controlKind } from "../../src-shared/wire.ts";
import type { SharedState } from "./exchange.ts";
import { answerExchange, exchangeState } from "./exchange.ts";
import type { LookUps } from "./look-ups.ts";
import type { Punching } from "./punching.ts";
import type { NetworkRelays } from "./relays.ts";
import type { SessionRequests } from "./requests.ts";

export interface MemberRequestsOptions {
  readonly realm: string;
  readonly dataPlane: Pick<DataPlane, "respond">;
  readonly requests: SessionRequests;
  readonly lookUps: Pick<LookUps, "answer">;
  readonly relays: Pick<NetworkRelays, "answer">;
  readonly punching: Pick<Punching, "answer">;
  readonly isRouter: (key: string) => boolean;
  /** What this node would tell any member. */
  readonly shared: () => SharedState;
  readonly learn: (entries: readonly Signed[], from: SessionKey) => void;
  /** A peer says that it moved. */
  readonly moved: (peer: SessionKey) => void;
  readonly log: (event: string, error: unknown) => void;
}

export class MemberRequests {
  readonly #options: MemberRequestsOptions;

  constructor(options: MemberRequestsOptions) {
    this.#options = options;
  }

  /** Brings what a peer knows and what this node knows together. */
  exchange(peer: SessionKey): void {
    const { requests, shared, learn, log } = this.#options;
    exchangeState(requests, peer, shared).then(
      (entries) => learn(entries, peer),
      (error: unknown) => log("exchange", error),
    );
  }

  answer(event: Extract<DataPlaneEvent, { readonly kind: "request" }>): void {
    const { realm, dataPlane, lookUps, relays, punching, shared, learn, moved, log } = this.#options;
    const isRouter = this.#options.isRouter(event.peer);
    const peer = event.peer as SessionKey;
    const respond = (body: string) => dataPlane.respond(realm, peer, event.id, body);
    if (event.type === controlKind.state && !isRouter) {
      const exchanged = answerExchange(event.body, shared());
      respond(exchanged?.answer ?? "{}");
      if (exchanged !== null) learn(exchanged.entries, peer);
      return;
    }
    if (event.type === controlKind.moved) moved(peer);
    if (event.type === controlKind.lookUp && !isRouter) {
      lookUps.answer(event.body).then(respond, (error: unknown) => log("look-up", error));
      return;
    }
    const isPunch = event.type === controlKind.punch && !isRouter;
    const answer = isPunch ? punching.answer(event) : relays.answer(event);
    (answer ?? Promise.resolve("{}")).then(respond).catch((error: unknown) => log("answer", error));
  }
}
