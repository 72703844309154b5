/** The router's data plane as a test sees it: what was asked of it, and members' requests as the test makes them. */

import type { RealmEvent, RealmSettings, RouterRealm } from "../../src-main/server/realm.ts";
import type { SessionKey } from "../../src-shared/ids.ts";

export class FakeRealm implements RouterRealm {
  readonly settings: RealmSettings;
  readonly stunPort = 7744;
  readonly udp: RealmSettings["udp"];
  /** Transports that are taken beside UDP, with where. */
  readonly taken = new Map<string, { readonly host: string; readonly port: number }>();
  /** Certificates that they show, PEM. */
  readonly shown = new Map<string, string | null>();
  /** Ports that another program has. */
  readonly busy = new Set<number>();
  /** Keys that may open a session. */
  readonly peers = new Set<SessionKey>();
  /** Keys that have one. */
  readonly sessions = new Set<SessionKey>();
  /** Requests that the router sent, newest last. */
  readonly sent: { readonly peer: SessionKey; readonly type: number; readonly body: string }[] = [];
  readonly opened: { readonly from: SessionKey; readonly to: SessionKey }[] = [];
  readonly #answers = new Map<number, (body: string) => void>();
  #listener: ((event: RealmEvent) => void) | null = null;
  #last = 0;
  closed = false;

  constructor(settings: RealmSettings) {
    this.settings = settings;
    this.udp = settings.udp;
  }

  take(
    transport: "tcp" | "kcp" | "quic",
    place: { readonly host: string; readonly port: number } | null,
    tls: { readonly cert: string } | null,
  ): { readonly host: string; readonly port: number } {
    const at = place ?? { host: "::", port: 7745 };
    if (this.busy.has(at.port)) throw Object.assign(new Error("busy"), { code: "EADDRINUSE" });
    this.taken.set(transport, at);
    this.shown.set(transport, tls?.cert ?? null);
    return at;
  }

  refuse(transport: "tcp" | "kcp" | "quic"): void {
    this.taken.delete(transport);
  }

  openPort(place: { readonly host: string; readonly port: number }): () => void {
    const name = `udp ${place.port}`;
    this.taken.set(name, place);
    return () => void this.taken.delete(name);
  }

  setPeer(peer: SessionKey): void {
    this.peers.add(peer);
  }

  removePeer(peer: SessionKey): void {
    this.peers.delete(peer);
    this.sessions.delete(peer);
  }

  openChannel(from: SessionKey, to: SessionKey): { readonly from: number; readonly to: number } {
    for (const peer of [from, to]) {
      if (!this.sessions.has(peer)) throw Object.assign(new Error("no session"), { code: "ENOENT" });
    }
    this.opened.push({ from, to });
    return { from: ++this.#last, to: ++this.#last };
  }

  async request(peer: SessionKey, type: number, body: string): Promise<string | null> {
    this.sent.push({ peer, type, body });
    return "{}";
  }

  respond(_peer: SessionKey, id: number, body: string): void {
    this.#answers.get(id)?.(body);
  }

  openStream(): number {
    throw Object.assign(new Error("no data plane"), { code: "ESTOPPED" });
  }

  tuneStream(): void {}

  listen(listener: (event: RealmEvent) => void): void {
    this.#listener = listener;
  }

  close(): void {
    this.closed = true;
  }

  /** A member's request inside its session, and the router's answer. */
  ask(peer: SessionKey, type: number, body: unknown): Promise<unknown> {
    const id = ++this.#last;
    return new Promise((resolve) => {
      this.#answers.set(id, (answer) => resolve(JSON.parse(answer)));
      const text = typeof body === "string" ? body : JSON.stringify(body);
      this.#listener?.({ kind: "request", peer, id, type, body: text });
    });
  }

  /** A member's session ends. */
  end(peer: SessionKey): void {
    this.sessions.delete(peer);
    this.#listener?.({ kind: "ended", peer });
  }
}
