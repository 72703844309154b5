/**
 * The links of an engine, of every transport: opened while somebody wants them, opened again when they end, closed when
 * nobody wants them any more. Also opens single links for two ends that meet through their NATs.
 */
import type { DataPlane, DataPlaneEvent, Endpoint, Transport } from "../../drivers/dataplane.ts";
import { transportOf } from "../mesh/endpoint.ts";
import type { StreamLink } from "../transport/stream-carry.ts";
import { mainSocket } from "./surroundings.ts";

/** What has to be known to open a link besides its endpoint. */
export interface LinkTarget {
  /** The host as it was named; a certificate is asked for by it. Null: by no name. */
  readonly name: string | null;
  /** Whose certificate it has to be, base64: a router's pin, or a node's identity. Null: any, the session inside proves it. */
  readonly pin: string | null;
  /** Path of a `wss` link; null: the usual one. */
  readonly path: string | null;
}

/** A link that somebody wants. */
export interface LinkWish {
  readonly endpoint: Endpoint;
  readonly target: LinkTarget;
}

/** Who wants links. */
export interface LinkOwner {
  readonly realm: string;
  /** For whom: the session key of a peer, or `router`. */
  readonly peer: string;
}

export interface CarriersOptions {
  readonly dataPlane: Pick<DataPlane, "listenLinks" | "connectLink" | "closeLink" | "stun">;
  /** Opens a `tls` or `wss` link; rejects when it does not come to stand. */
  readonly openStream: (wish: LinkWish, signal: AbortSignal) => Promise<Pick<StreamLink, "closed" | "close">>;
  /** TCP ports to listen on, best first; 0 takes a free one. */
  readonly wishes: () => readonly number[];
  /** The address that alone is used; undefined: all. */
  readonly address: () => string | undefined;
  /** 0 ≤ x < 1. */
  readonly random: () => number;
  /** A link that somebody wants stands from now on, or does not any more. */
  readonly changed: (endpoint: Endpoint, up: boolean) => void;
  /** Why a link did not come to stand, or ended. */
  readonly failed: (endpoint: Endpoint, cause: string) => void;
}

type State =
  | { readonly kind: "opening"; readonly abort: AbortController }
  | { readonly kind: "up"; readonly close: () => void }
  | { readonly kind: "waiting"; readonly timer: NodeJS.Timeout }
  /** Nobody wants it any more. */
  | { readonly kind: "dropped" };

/** A link that is wanted. */
interface Kept {
  readonly wish: LinkWish;
  state: State;
  failures: number;
  /** Why it failed last. */
  cause: string;
}

/** A link that stands; null: an event tells of its end. */
interface OpenLink extends Pick<StreamLink, "close"> {
  readonly closed: StreamLink["closed"] | null;
}

/** All links of an engine. */
export class Carriers {
  readonly #options: CarriersOptions;
  readonly #wanted = new Map<string, readonly LinkWish[]>();
  readonly #kept = new Map<Endpoint, Kept>();
  readonly #connecting = new Map<Endpoint, ((up: boolean) => void)[]>();
  readonly #asking = new Map<Endpoint, ((address: Endpoint | null) => void)[]>();
  readonly #ports = new Map<Transport, number>();

  constructor(options: CarriersOptions) {
    this.#options = options;
  }

  /** Links that a realm wants for a peer from now on, in place of those it wanted before; they may stand already. */
  want({ realm, peer }: LinkOwner, wishes: readonly LinkWish[]): void {
    const owner = `${realm} ${peer}`;
    const before = this.#wanted.get(owner) ?? [];
    const isNew = (endpoint: Endpoint) =>
      wishes.some((wish) => wish.endpoint === endpoint) && !before.some((wish) => wish.endpoint === endpoint);
    if (wishes.length === 0) this.#wanted.delete(owner);
    else this.#wanted.set(owner, wishes);
    for (const [endpoint, wish] of this.#dropUnwanted()) {
      const kept = this.#kept.get(endpoint);
      if (kept === undefined) this.#keep(wish);
      else if (kept.state.kind === "up" && isNew(endpoint)) this.#tell(kept, true);
    }
  }

  /** The realm is closed: it wants nothing any more. */
  leave(realm: string): void {
    for (const owner of [...this.#wanted.keys()])
      if (owner.startsWith(`${realm} `)) this.#wanted.delete(owner);
    this.#dropUnwanted();
  }

  /** How many links are kept, standing or not. */
  get count(): number {
    return this.#kept.size;
  }

  /** Takes links of a transport from now on; answers the port, null when there is none to be had. */
  listen(transport: Transport): number | null {
    const known = this.#ports.get(transport);
    if (known !== undefined) return known;
    const { dataPlane, wishes, address } = this.#options;
    const only = address();
    // Those over UDP share the port of the socket.
    for (const port of transport === "tcp" ? wishes() : [0]) {
      try {
        const place = { port, ...(only === undefined ? {} : { address: only }) };
        const taken = dataPlane.listenLinks(mainSocket, transport, place);
        this.#ports.set(transport, taken);
        return taken;
      } catch {
        // The next wish.
      }
    }
    return null;
  }

  /** Opens one link to `tcp/…`, for as long as it takes within so many seconds; whether it stands. */
  async connect(remote: Endpoint, seconds: number): Promise<boolean> {
    const transport = transportOf(remote);
    if (transport === "udp" || this.listen(transport) === null) return false;
    const up = await wait(this.#connecting, remote, () =>
      this.#options.dataPlane.connectLink(mainSocket, remote, { seconds }),
    );
    return up ?? false;
  }

  /** At which address the other end of a link that stands sees it; null when it does not say. */
  seenBy(remote: Endpoint): Promise<Endpoint | null> {
    return wait(this.#asking, remote, () => this.#options.dataPlane.stun(mainSocket, remote));
  }

  /** The network is another one: what rests after a failure is tried now. */
  hurry(): void {
    for (const kept of this.#kept.values()) {
      kept.failures = 0;
      if (kept.state.kind !== "waiting") continue;
      clearTimeout(kept.state.timer);
      this.#open(kept);
    }
  }

  /** How an attempt or a question ended, or that a link did. */
  handle(event: Extract<DataPlaneEvent, { readonly kind: "link" | "mapped" }>): void {
    if (event.kind === "mapped") {
      end(this.#asking, event.server, event.address);
      return;
    }
    end(this.#connecting, event.remote, event.up);
    const kept = this.#kept.get(event.remote);
    if (kept?.state.kind === "up" && !event.up) this.#fell(kept, "closed");
  }

  /** The socket was bound anew, or is gone: so are all links beside it. */
  reset(): void {
    this.#ports.clear();
    for (const remote of [...this.#connecting.keys()]) end(this.#connecting, remote, false);
    for (const remote of [...this.#asking.keys()]) end(this.#asking, remote, null);
    for (const kept of [...this.#kept.values()]) this.#drop(kept);
    this.#wanted.clear();
  }

  /** Answers what is wanted. */
  #dropUnwanted(): ReadonlyMap<Endpoint, LinkWish> {
    const all = new Map([...this.#wanted.values()].flat().map((wish) => [wish.endpoint, wish]));
    for (const [endpoint, kept] of [...this.#kept]) if (!all.has(endpoint)) this.#drop(kept);
    return all;
  }

  #keep(wish: LinkWish): void {
    const kept: Kept = {
      wish,
      state: { kind: "opening", abort: new AbortController() },
      failures: 0,
      cause: "",
    };
    this.#kept.set(wish.endpoint, kept);
    this.#open(kept);
  }

  #open(kept: Kept): void {
    const abort = new AbortController();
    kept.state = { kind: "opening", abort };
    this.#opened(kept.wish, abort.signal).then(
      (link) => {
        if (abort.signal.aborted) {
          link.close();
          return;
        }
        kept.state = { kind: "up", close: () => link.close() };
        void link.closed?.then((reason) => this.#ended(kept, link, reason));
        kept.failures = 0;
        kept.cause = "";
        this.#tell(kept, true);
      },
      (cause: unknown) => {
        if (!abort.signal.aborted) this.#rest(kept, cause);
      },
    );
  }

  async #opened(wish: LinkWish, signal: AbortSignal): Promise<OpenLink> {
    const { endpoint } = wish;
    const transport = transportOf(endpoint);
    if (transport === "tls" || transport === "wss") return this.#options.openStream(wish, signal);
    if (!(await this.connect(endpoint, openSeconds))) throw new Error("no answer");
    return { closed: null, close: () => this.#close(endpoint) };
  }

  #close(endpoint: Endpoint): void {
    try {
      this.#options.dataPlane.closeLink(mainSocket, endpoint);
    } catch {
      // Its socket is gone, and so is the link.
    }
  }

  #ended(kept: Kept, link: OpenLink, reason: string): void {
    link.close();
    if (this.#kept.get(kept.wish.endpoint) === kept && kept.state.kind === "up") this.#fell(kept, reason);
  }

  #fell(kept: Kept, cause: unknown): void {
    this.#rest(kept, cause);
    this.#tell(kept, false);
  }

  /** Tried again for ever, ever more rarely; not all that fell at once at the same moment. */
  #rest(kept: Kept, cause: unknown): void {
    const longest = Math.min(firstPause * 2 ** Math.min(kept.failures, 16), longestPause);
    const pause = longest * (0.5 + 0.5 * this.#options.random());
    kept.failures++;
    kept.state = { kind: "waiting", timer: setTimeout(() => this.#open(kept), pause) };
    if (kept.cause === String(cause)) return;
    kept.cause = String(cause);
    this.#options.failed(kept.wish.endpoint, kept.cause);
  }

  #drop(kept: Kept): void {
    const { state, wish } = kept;
    this.#kept.delete(wish.endpoint);
    if (state.kind === "waiting") clearTimeout(state.timer);
    else if (state.kind === "opening") state.abort.abort(new Error("not wanted any more"));
    else if (state.kind === "up") {
      kept.state = { kind: "dropped" };
      state.close();
      this.#tell(kept, false);
    }
  }

  /** After this turn: whoever wants it is in the middle of saying so. */
  #tell(kept: Kept, up: boolean): void {
    setImmediate(() => {
      const stands = this.#kept.get(kept.wish.endpoint)?.state.kind === "up";
      if (stands === up) this.#options.changed(kept.wish.endpoint, up);
    });
  }
}

/** Those who wait for one thing wait together; a call that throws is an answer, too. */
function wait<Answer>(
  waiting: Map<Endpoint, ((answer: Answer) => void)[]>,
  about: Endpoint,
  ask: () => void,
): Promise<Answer | null> {
  return new Promise((resolve) => {
    const others = waiting.get(about);
    if (others !== undefined) {
      others.push(resolve);
      return;
    }
    waiting.set(about, [resolve]);
    try {
      ask();
    } catch {
      waiting.delete(about);
      resolve(null);
    }
  });
}

function end<Answer>(
  waiting: Map<Endpoint, ((answer: Answer) => void)[]>,
  about: Endpoint,
  answer: Answer,
): void {
  const resolves = waiting.get(about) ?? [];
  waiting.delete(about);
  for (const resolve of resolves) resolve(answer);
}

const openSeconds = 6;
const firstPause = 500;
const longestPause = 20_000;
