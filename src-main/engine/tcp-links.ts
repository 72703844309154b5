/** TCP links for where UDP is closed: listens when the first is needed, opens them, asks at which address they are seen. */
import type { DataPlane, DataPlaneEvent, Endpoint } from "../../drivers/dataplane.ts";
import { mainSocket } from "./surroundings.ts";

export interface TcpLinksOptions {
  readonly dataPlane: Pick<DataPlane, "listenLinks" | "connectLink" | "stun">;
  /** Ports to listen on, best first; 0 takes a free one. */
  readonly wishes: () => readonly number[];
  /** The address that alone is used; undefined: all. */
  readonly address: () => string | undefined;
}

/** All TCP links of an engine. */
export class TcpLinks {
  readonly #options: TcpLinksOptions;
  readonly #connecting = new Map<Endpoint, ((up: boolean) => void)[]>();
  readonly #asking = new Map<Endpoint, ((address: Endpoint | null) => void)[]>();
  #port: number | null = null;

  constructor(options: TcpLinksOptions) {
    this.#options = options;
  }

  /** Listens from now on; answers the port, null when none is to be had. */
  listen(): number | null {
    if (this.#port !== null) return this.#port;
    const { dataPlane, wishes, address } = this.#options;
    const only = address();
    for (const wish of wishes()) {
      try {
        this.#port = dataPlane.listenLinks(mainSocket, "tcp", {
          port: wish,
          ...(only === undefined ? {} : { address: only }),
        });
        return this.#port;
      } catch {
        // The next wish.
      }
    }
    return null;
  }

  /** Opens a link to `tcp/…`, for as long as it takes within so many seconds; whether it stands. */
  connect(remote: Endpoint, seconds: number): Promise<boolean> {
    if (this.listen() === null) return Promise.resolve(false);
    return wait(this.#connecting, remote, () =>
      this.#options.dataPlane.connectLink(mainSocket, remote, { seconds }),
    ).then((up) => up ?? false);
  }

  /** At which address the other end of a link that stands sees it; null when it does not say. */
  seenBy(remote: Endpoint): Promise<Endpoint | null> {
    return wait(this.#asking, remote, () => this.#options.dataPlane.stun(mainSocket, remote));
  }

  /** How an attempt or a question ended. */
  handle(event: Extract<DataPlaneEvent, { readonly kind: "link" | "mapped" }>): void {
    if (event.kind === "link") end(this.#connecting, event.remote, event.up);
    else end(this.#asking, event.server, event.address);
  }

  /** The socket was bound anew, or is gone: what listened beside it is too. */
  reset(): void {
    this.#port = null;
    for (const remote of [...this.#connecting.keys()]) end(this.#connecting, remote, false);
    for (const remote of [...this.#asking.keys()]) end(this.#asking, remote, null);
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
