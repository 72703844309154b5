/** Pings inside sessions, as streams over the data plane's events. */
import type { DataPlane, DataPlaneEvent } from "../../drivers/dataplane.ts";

type Pong = Extract<DataPlaneEvent, { readonly kind: "pong" }>;

/** Pings that run. */
export class Pings {
  readonly #dataPlane: DataPlane;
  readonly #waiting = new Map<number, (pong: Pong | null) => void>();

  constructor(dataPlane: DataPlane) {
    this.#dataPlane = dataPlane;
  }

  /** One ping on the peer's active path. Null when the session is gone; a pong without round trip when none came. */
  async once(realm: string, peer: string): Promise<Pong | null> {
    let id: number;
    try {
      id = this.#dataPlane.ping(realm, peer, 1);
    } catch {
      return null;
    }
    return new Promise((resolve) => this.#waiting.set(id, resolve));
  }

  handle(pong: Pong): void {
    this.#waiting.get(pong.id)?.(pong);
    this.#waiting.delete(pong.id);
  }

  close(): void {
    for (const resolve of this.#waiting.values()) resolve(null);
    this.#waiting.clear();
  }
}
