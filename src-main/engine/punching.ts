/** Talks with peers about punching, inside sessions, and has the data plane do it. */
import type { DataPlane, DataPlaneEvent } from "../../drivers/dataplane.ts";
import type { SessionKey } from "../../src-shared/ids.ts";
import type { PunchFacts } from "../../src-shared/wire.ts";
import { controlKind, punchFacts, punchRequest } from "../../src-shared/wire.ts";
import type { Effect, Input } from "../mesh/effect.ts";
import type { Carriers } from "./carriers.ts";
import type { SessionRequests } from "./requests.ts";
import { parseJson } from "./requests.ts";

export interface PunchingOptions {
  readonly realm: string;
  readonly dataPlane: Pick<DataPlane, "punch">;
  readonly requests: Pick<SessionRequests, "send">;
  /** What is known of this end. */
  readonly facts: () => Pick<PunchFacts, "endpoints" | "nat">;
  /** The outer port of a mapping made just now; null: not measured. */
  readonly latestPort: () => Promise<number | null>;
  /** Where the TCP links of this end are seen from outside, `host:port`; null: not to be had. */
  readonly linkAddress: () => Promise<string | null>;
  readonly links: Pick<Carriers, "connect">;
  readonly feed: (input: Input) => void;
}

/** One network's part in it. */
export class Punching {
  readonly #options: PunchingOptions;

  constructor(options: PunchingOptions) {
    this.#options = options;
  }

  /** Asks a peer to punch at the same time. */
  async ask({ peer, attempt, tcp }: Extract<Effect, { readonly kind: "askPunch" }>): Promise<void> {
    const { requests, feed } = this.#options;
    const own = await this.#own(tcp);
    const answer = await requests.send(peer, controlKind.punch, { attempt, facts: own });
    const other = punchFacts.safeParse(answer);
    if (other.success) feed({ kind: "punchAnswered", peer, attempt, own, other: other.data });
  }

  /** The answer to a peer that asks; this end begins as it gets it. */
  async answer({ peer, body }: Extract<DataPlaneEvent, { readonly kind: "request" }>): Promise<string> {
    const asked = punchRequest.safeParse(parseJson(body));
    if (!asked.success) return "{}";
    const { attempt, facts: other } = asked.data;
    const own = await this.#own(other.tcp !== null);
    const begin = () =>
      this.#options.feed({ kind: "punchAsked", peer: peer as SessionKey, attempt, own, other });
    // First the answer leaves, so that both ends begin at once.
    setImmediate(begin);
    return JSON.stringify(own);
  }

  perform({ peer, kind: _, ...punch }: Extract<Effect, { readonly kind: "punch" }>): void {
    this.#options.dataPlane.punch(this.#options.realm, peer, punch);
  }

  /** Opens a TCP link to the peer, which does the same. */
  async connect({ peer, endpoint, seconds }: Extract<Effect, { readonly kind: "connect" }>): Promise<void> {
    const { links, feed } = this.#options;
    if (await links.connect(endpoint, seconds)) feed({ kind: "heard", peer, endpoint });
  }

  async #own(withTcp: boolean): Promise<PunchFacts> {
    const { facts, latestPort, linkAddress } = this.#options;
    const known = facts();
    const isGuessed = known.nat.mapping === "sequential" && !withTcp;
    return {
      ...known,
      latest: isGuessed ? await latestPort() : null,
      tcp: withTcp ? await linkAddress() : null,
    };
  }
}
