/** Control requests inside sessions, as promises over the data plane's events. */
import type { DataPlane, DataPlaneEvent } from "../../drivers/dataplane.ts";

/** Requests of one realm that wait for their answers. */
export class SessionRequests {
  readonly #dataPlane: DataPlane;
  readonly #realm: string;
  readonly #waiting = new Map<number, (body: string | null) => void>();

  constructor(dataPlane: DataPlane, realm: string) {
    this.#dataPlane = dataPlane;
    this.#realm = realm;
  }

  /** Sends a request to a peer whose session stands. The answer's JSON value, or null when none came. */
  async send(peer: string, kind: number, body: object): Promise<unknown> {
    const text = await this.sendText(peer, kind, JSON.stringify(body));
    return text === null ? null : parseJson(text);
  }

  /** The same for a body that is text already; answers with text. */
  async sendText(peer: string, kind: number, body: string): Promise<string | null> {
    const id = this.#dataPlane.request(this.#realm, peer, kind, body);
    return new Promise((resolve) => this.#waiting.set(id, resolve));
  }

  /** An event of the data plane: answers end waiting. */
  handle(event: Extract<DataPlaneEvent, { readonly kind: "response" }>): void {
    this.#waiting.get(event.id)?.(event.body);
    this.#waiting.delete(event.id);
  }

  /** Ends all waiting without answers. */
  close(): void {
    for (const resolve of this.#waiting.values()) resolve(null);
    this.#waiting.clear();
  }
}

/** JSON value of a text; null when it is none. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
