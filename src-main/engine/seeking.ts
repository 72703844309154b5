/** Finding a member again through peers that both ends know, while no router says where it is. */
import type { SessionKey } from "../../src-shared/ids.ts";
import { splitHostPort } from "../../src-shared/ids.ts";
import type { Signed } from "../../src-shared/trust.ts";
import type { Seek } from "../../src-shared/wire.ts";
import { controlKind, seek, sought } from "../../src-shared/wire.ts";
import { Allowances } from "../mesh/allowance.ts";
import type { Input } from "../mesh/effect.ts";
import type { Network } from "../mesh/network.ts";
import type { SessionRequests } from "./requests.ts";
import { parseJson } from "./requests.ts";
import type { Surroundings } from "./surroundings.ts";

export interface SeekingOptions {
  readonly surroundings: Pick<Surroundings, "notary" | "now" | "whereabouts">;
  readonly machine: Network;
  readonly requests: Pick<SessionRequests, "send">;
  readonly certificate: () => Signed | null;
  readonly feed: (input: Input) => void;
  readonly learn: (entries: readonly Signed[]) => void;
  readonly log: (event: string, error: unknown) => void;
}

/** Seeks, and helps others to find. */
export class Seeking {
  readonly #options: SeekingOptions;
  readonly #allowances = new Allowances(rate);

  constructor(options: SeekingOptions) {
    this.#options = options;
  }

  /** Asks peers whose sessions stand, relays first; what they know is learned, and the sought member calls us. */
  async seek(peer: SessionKey): Promise<void> {
    const { machine, feed } = this.#options;
    const certificate = this.#options.certificate();
    const known = machine.acquaintances().filter((key) => key !== peer);
    const asked = known.slice(0, mostAsked);
    if (certificate === null || asked.length === 0) return;
    // Packets are what makes a path be probed often: they, too, may have to learn first where this node is now.
    feed({ kind: "traffic", peers: asked });
    const body = { seek: peer, certificate, endpoints: this.#endpoints() } satisfies Seek;
    await Promise.all(asked.map((key) => this.#ask(key, peer, body)));
  }

  /** A peer seeks somebody, or passes on that somebody seeks us; answers with the body of the response. */
  answer(from: SessionKey, body: string): string {
    const { feed, learn, surroundings } = this.#options;
    const request = seek.safeParse(parseJson(body));
    if (!request.success || !this.#allowances.spend(from, surroundings.now())) return "{}";
    const entry = surroundings.notary.verify(request.data.certificate);
    const caller = "seek" in request.data ? from : request.data.from;
    if (entry?.kind !== "certificate" || entry.body.sessionKey !== caller) return "{}";
    learn([request.data.certificate]);
    if ("seek" in request.data) return JSON.stringify(this.#tell(from, request.data));
    feed({ kind: "carried", peer: caller });
    for (const endpoint of request.data.endpoints) feed({ kind: "heard", peer: caller, endpoint });
    return "{}";
  }

  #tell(
    from: SessionKey,
    { seek: peer, certificate, endpoints }: Extract<Seek, { readonly seek: SessionKey }>,
  ) {
    const { machine, requests, log } = this.#options;
    const member = machine.membership.memberOf(peer);
    if (member === null || peer === from) return { entries: [], endpoints: [] };
    if (machine.acquaintances().includes(peer)) {
      const seen = [...new Set([...this.#placeOf(from), ...endpoints])].slice(0, mostEndpoints);
      requests
        .send(peer, controlKind.seek, { from, certificate, endpoints: seen } satisfies Seek)
        .catch((error: unknown) => log("passing on a call failed", error));
    }
    const record = machine.membership
      .entriesOf("node")
      .filter(({ body }) => body.identity === member.identity)
      .map(({ signed }) => signed);
    return { entries: [member.entry.signed, ...record].slice(0, 4), endpoints: this.#placeOf(peer) };
  }

  /** Where a member is heard here: an address that others can try as well. */
  #placeOf(peer: SessionKey): readonly string[] {
    const endpoint = this.#options.machine.linkOf(peer)?.endpoint;
    return endpoint !== undefined && splitHostPort(endpoint) !== null ? [endpoint] : [];
  }

  async #ask(key: SessionKey, peer: SessionKey, body: Seek): Promise<void> {
    const { requests, feed, learn, log } = this.#options;
    try {
      const answer = sought.safeParse(await requests.send(key, controlKind.seek, body));
      if (!answer.success) return;
      learn(answer.data.entries);
      for (const endpoint of answer.data.endpoints) feed({ kind: "heard", peer, endpoint });
    } catch (error) {
      log("seek", error);
    }
  }

  #endpoints(): string[] {
    const own = this.#options.surroundings.whereabouts.candidates().map(({ endpoint }) => endpoint);
    return own.slice(0, mostEndpoints);
  }
}

const rate = { perSecond: 1, burst: 20 };
const mostAsked = 6;
const mostEndpoints = 16;
