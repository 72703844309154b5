/** The outer port that the NAT takes for a new mapping just now: whoever guesses the next one starts from it. */
import type { DataPlane, DataPlaneEvent } from "../../drivers/dataplane.ts";
import { splitHostPort } from "../../src-shared/ids.ts";

/** Asks a STUN server from a socket that is new each time. */
export class LatestPort {
  readonly #dataPlane: Pick<DataPlane, "bind" | "unbind" | "stun">;
  #asked: { readonly answer: Promise<number | null>; readonly tell: (port: number | null) => void } | null =
    null;

  constructor(dataPlane: Pick<DataPlane, "bind" | "unbind" | "stun">) {
    this.#dataPlane = dataPlane;
  }

  /** Null when no answer came in time to be of use. Those who ask at once share one answer. */
  ask(server: string): Promise<number | null> {
    if (this.#asked !== null) return this.#asked.answer;
    let tell: (port: number | null) => void = () => undefined;
    const answer = new Promise<number | null>((resolve) => {
      const timer = setTimeout(() => this.#end(null), waitMillis);
      tell = (port) => {
        clearTimeout(timer);
        resolve(port);
      };
    });
    this.#asked = { answer, tell };
    try {
      this.#dataPlane.bind(socketName, 0);
      this.#dataPlane.stun(socketName, server);
    } catch {
      this.#end(null);
    }
    return answer;
  }

  /** The answer, or that none came. */
  handle({ socket, address }: Extract<DataPlaneEvent, { readonly kind: "mapped" }>): void {
    if (socket === socketName) this.#end(address === null ? null : (splitHostPort(address)?.port ?? null));
  }

  close(): void {
    this.#end(null);
  }

  #end(port: number | null): void {
    const asked = this.#asked;
    if (asked === null) return;
    this.#asked = null;
    asked.tell(port);
    try {
      this.#dataPlane.unbind(socketName);
    } catch {
      // It could not be bound in the first place.
    }
  }
}

const socketName = "latest";
const waitMillis = 400;
