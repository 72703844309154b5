/** Routes among the relays of one network: tells and hears them inside the sessions, and keeps their clock. */
import { fromBase64 } from "../../src-shared/bytes.ts";
import type { IdentityKey, NetworkId, SessionKey } from "../../src-shared/ids.ts";
import type { RoutesTold } from "../../src-shared/routes.ts";
import { noRoute, routesSum, routesTold, sequenceBytes } from "../../src-shared/routes.ts";
import { controlKind } from "../../src-shared/wire.ts";
import type { RelayLink } from "../mesh/relays.ts";
import type { Route } from "../mesh/routing.ts";
import { Routing } from "../mesh/routing.ts";
import type { SessionRequests } from "./requests.ts";
import { parseJson } from "./requests.ts";
import type { Surroundings } from "./surroundings.ts";

export interface RoutesOptions {
  readonly network: NetworkId;
  readonly surroundings: Pick<Surroundings, "identity" | "notary" | "now" | "log">;
  readonly requests: SessionRequests;
  /** The relays that sessions stand with. */
  readonly links: () => readonly RelayLink[];
}

/** Silent while this node relays for nobody. */
export class Routes {
  readonly #options: RoutesOptions;
  #routing: Routing | null = null;
  #linked = new Map<IdentityKey, SessionKey>();
  readonly #verified = new Set<string>();
  #timer: NodeJS.Timeout | null = null;

  constructor(options: RoutesOptions) {
    this.#options = options;
  }

  /** What relaying costs here from now on; null: this node does not. */
  setCost(cost: number | null): void {
    const { network, surroundings } = this.#options;
    const { identity, notary, now } = surroundings;
    if (cost === null) {
      this.#routing = null;
      this.#linked.clear();
      this.#rest();
      return;
    }
    this.#routing ??= new Routing(
      {
        self: identity.key,
        hash: notary.hash,
        sign: (sequence) => identity.sign(sequenceBytes(network, identity.key, sequence)),
      },
      { cost, now: now() },
    );
    this.#routing.setCost(cost);
    this.refresh();
  }

  /** Sessions or their round trips may be others; or it is time to tell. */
  refresh(): void {
    const routing = this.#routing;
    if (routing === null) return;
    const now = this.#options.surroundings.now();
    const links = this.#options.links();
    const linked = new Map(links.map(({ identity, key }) => [identity, key]));
    for (const identity of this.#linked.keys()) {
      if (linked.get(identity) !== this.#linked.get(identity)) routing.link(identity, null, now);
    }
    for (const { identity, rttMillis } of links) routing.link(identity, rttMillis, now);
    this.#linked = linked;
    routing.tick(now);
    this.#tell(routing);
  }

  /** A new session with a relay began: what was told in the one before is void. */
  renewed(key: SessionKey): void {
    for (const [identity, linked] of this.#linked) {
      if (linked !== key) continue;
      this.#linked.delete(identity);
      this.#routing?.link(identity, null, this.#options.surroundings.now());
    }
  }

  /** A relay tells its routes; answers with the body of the response. */
  answer(from: SessionKey, body: string): string {
    const routing = this.#routing;
    const told = routesTold.safeParse(parseJson(body));
    if (routing === null || !told.success) return "{}";
    if (![...this.#linked.values()].includes(from)) this.refresh();
    const identity = [...this.#linked].find(([, key]) => key === from)?.[0];
    if (identity === undefined) return "{}";
    const sum = routing.hear(identity, this.#verify(told.data), this.#options.surroundings.now());
    this.#tell(routing);
    return JSON.stringify({ sum: sum ?? "" });
  }

  /** Neighbours that offer a way to a relay, the best first. */
  ways(to: IdentityKey): readonly Route[] {
    return this.#routing?.ways(to) ?? [];
  }

  /** Relays that can be reached, nearest first. */
  destinations(): readonly IdentityKey[] {
    return this.#routing?.routes().map(({ to }) => to) ?? [];
  }

  #rest(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = null;
  }

  #tell(routing: Routing): void {
    const { surroundings, requests } = this.#options;
    const now = surroundings.now();
    for (const { neighbour, told } of routing.tellings(now)) {
      const key = this.#linked.get(neighbour);
      if (key === undefined) continue;
      requests.send(key, controlKind.routes, told).then(
        (answer) => {
          const heard = routesSum.safeParse(answer);
          const sum = heard.success ? heard.data.sum : null;
          routing.answered(neighbour, told.number, sum, surroundings.now());
        },
        (error: unknown) => surroundings.log("telling routes failed", { error: String(error) }),
      );
    }
    this.#rest();
    const deadline = routing.deadline(now);
    if (deadline !== null)
      this.#timer = setTimeout(() => this.refresh(), Math.max(deadline - now, shortestMillis));
  }

  /** Without what others signed for somebody else. */
  #verify(told: RoutesTold): RoutesTold {
    const routes = told.routes.filter(
      ({ to, sequence, metric, signature }) => metric >= noRoute || this.#isSigned(to, sequence, signature),
    );
    return { ...told, routes };
  }

  #isSigned(to: IdentityKey, sequence: number, signature: string): boolean {
    const name = `${to} ${sequence} ${signature}`;
    if (this.#verified.has(name)) return true;
    const { network, surroundings } = this.#options;
    if (fromBase64(signature)?.length !== 64) return false;
    if (!surroundings.notary.verifyBytes(to, sequenceBytes(network, to, sequence), signature)) return false;
    if (this.#verified.size >= mostVerified) this.#verified.clear();
    this.#verified.add(name);
    return true;
  }
}

const shortestMillis = 200;
const mostVerified = 4096;
