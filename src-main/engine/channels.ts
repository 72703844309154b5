/** Relay channels as their ends use them: asked for at a relay, or offered by one. */
import type { z } from "zod";
import type { DataPlane } from "../../drivers/dataplane.ts";
import { fromBase64, toBase64 } from "../../src-shared/bytes.ts";
import type { IdentityKey, SessionKey } from "../../src-shared/ids.ts";
import type { Signed } from "../../src-shared/trust.ts";
import { controlKind, relayOffer, relayOpened } from "../../src-shared/wire.ts";
import type { Input } from "../mesh/effect.ts";
import type { SessionRequests } from "./requests.ts";
import { parseJson } from "./requests.ts";
import type { Surroundings } from "./surroundings.ts";

export interface ChannelsOptions {
  readonly realm: string;
  readonly surroundings: {
    readonly dataPlane: Pick<DataPlane, "handshake" | "handshakeMessage" | "receive">;
    readonly notary: Surroundings["notary"];
  };
  readonly requests: SessionRequests;
  /** Where a relay that can be used now is reached; null for all others. */
  readonly endpointOf: (relay: SessionKey) => string | null;
  readonly certificate: () => Signed | null;
  readonly feed: (input: Input) => void;
  readonly learn: (entries: readonly Signed[]) => void;
  readonly log: (event: string, error: unknown) => void;
}

/** This node's end of its channels. */
export class Channels {
  readonly #options: ChannelsOptions;

  constructor(options: ChannelsOptions) {
    this.#options = options;
  }

  /** Asks a relay for a channel to a peer; what comes of it is fed. `avoid`: relays through which it did not work. */
  async open(peer: SessionKey, relay: SessionKey, avoid: readonly IdentityKey[] = []): Promise<void> {
    const { surroundings, realm, requests, feed, log } = this.#options;
    const certificate = this.#options.certificate();
    const endpoint = this.#options.endpointOf(relay);
    const refuse = (refused: string) => feed({ kind: "relayOpened", peer, relay, opened: { refused } });
    if (certificate === null || endpoint === null) return;
    try {
      const datagram = toBase64(surroundings.dataPlane.handshakeMessage(realm, peer));
      const body = {
        to: peer,
        certificate,
        datagram,
        hops: mostHops,
        ...(avoid.length === 0 ? {} : { avoid }),
      };
      const answer = relayOpened.safeParse(await requests.send(relay, controlKind.relayOpen, body));
      if (!answer.success) {
        refuse("unanswered");
        // A member that relays may be gone; packets are what makes a path be probed often.
        feed({ kind: "traffic", peers: [relay] });
      } else if ("channel" in answer.data) {
        const { channel, via = [] } = answer.data;
        feed({
          kind: "relayOpened",
          peer,
          relay,
          opened: { endpoint: `${endpoint}#${channel}`, onward: via },
        });
      } else if (answer.data.refused === "here") {
        refuse("here");
        feed({ kind: "heard", peer, endpoint });
        surroundings.dataPlane.handshake(realm, peer, [endpoint]);
      } else {
        refuse(answer.data.refused);
      }
    } catch (error) {
      log("open relay", error);
      refuse("failed");
    }
  }

  /** A relay offers a channel that some member asked for. */
  offered(relay: SessionKey, body: string): void {
    const offer = relayOffer.safeParse(parseJson(body));
    const endpoint = this.#options.endpointOf(relay);
    if (offer.success && endpoint !== null) this.#take(relay, endpoint, offer.data);
  }

  #take(relay: SessionKey, endpoint: string, offer: z.infer<typeof relayOffer>): void {
    const { surroundings, realm, learn, feed } = this.#options;
    const datagram = fromBase64(offer.datagram);
    if (datagram === null || surroundings.notary.verify(offer.certificate) === null) return;
    learn([offer.certificate]);
    const channel = `${endpoint}#${offer.channel}`;
    feed({ kind: "relayOffered", peer: offer.from, relay, endpoint: channel, onward: offer.via ?? [] });
    surroundings.dataPlane.receive(realm, channel, datagram);
  }
}

const mostHops = 8;
