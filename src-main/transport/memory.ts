/** Channels inside one process: the control protocol without sockets, for tests and simulations. */

import { splitHostPort } from "../../src-shared/ids.ts";
import type { Channel, ChannelListener, Connect } from "./channel.ts";
import { longestMessage } from "./channel.ts";

/** Addresses that can be listened on and connected to. */
export interface MemoryNetwork {
  readonly connect: Connect;
  /** Takes connections to an address until the answer is called. */
  listen(address: string, accept: (channel: Channel) => void): () => void;
  /** Swallows everything that is sent from now on, as a cable that was pulled does; both ends stay open. */
  silence(address: string, silent: boolean): void;
}

/** A network of its own; messages arrive in order, never within the call that sends them. */
export function createMemoryNetwork(): MemoryNetwork {
  const listening = new Map<string, (channel: Channel) => void>();
  const silent = new Set<string>();
  let opened = 0;
  return {
    connect: async (address, _secret, signal) => {
      const exporter = new Uint8Array(32);
      new DataView(exporter.buffer).setUint32(28, ++opened);
      await Promise.resolve();
      signal.throwIfAborted();
      if (silent.has(address)) {
        return new Promise((_, reject) => {
          signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
        });
      }
      const accept = listening.get(address);
      if (accept === undefined) throw new Error(`nobody listens at ${address}`);
      const lost = () => silent.has(address);
      const node = new Pipe(exporter, splitHostPort(address)?.host ?? address, lost);
      const router = new Pipe(exporter, "memory", lost);
      node.join(router);
      router.join(node);
      accept(router);
      return node;
    },
    listen: (address, accept) => {
      listening.set(address, accept);
      return () => void listening.delete(address);
    },
    silence: (address, on) => void (on ? silent.add(address) : silent.delete(address)),
  };
}

class Pipe implements Channel {
  readonly exporter: Uint8Array;
  readonly remote: string;
  readonly #lost: () => boolean;
  #peer: Pipe | null = null;
  #listener: ChannelListener | null = null;
  #state: "open" | "closing" | "closed" = "open";
  #paused = false;
  #draining = false;
  #inbox: ((listener: ChannelListener) => void)[] = [];

  constructor(exporter: Uint8Array, remote: string, lost: () => boolean) {
    this.exporter = exporter;
    this.remote = remote;
    this.#lost = lost;
  }

  join(peer: Pipe): void {
    this.#peer = peer;
  }

  queued(): number {
    return 0;
  }

  send(message: string | Uint8Array): void {
    if (this.#state !== "open" || this.#lost()) return;
    const text = typeof message === "string" ? message : Buffer.from(message).toString();
    if (Buffer.byteLength(text) > longestMessage) {
      this.#peer?.cut();
      return;
    }
    this.#peer?.deliver((listener) => {
      listener.heard();
      listener.message(text);
    });
  }

  ping(): void {
    if (this.#state !== "open" || this.#lost()) return;
    this.#peer?.deliver((listener) => {
      listener.heard();
      if (!this.#lost()) this.deliver((own) => own.heard());
    });
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#drain();
  }

  close(): void {
    if (this.#state !== "open") return;
    this.#state = "closing";
    if (!this.#lost()) this.#peer?.deliver(() => this.#peer?.cut());
    this.cut();
  }

  cut(): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.#inbox = [];
    this.#inbox.push((listener) => listener.closed());
    this.#paused = false;
    this.#drain();
    if (!this.#lost()) this.#peer?.deliver(() => this.#peer?.cut());
  }

  listen(listener: ChannelListener): void {
    if (this.#state === "closed" && this.#listener !== null) this.#inbox.push((next) => next.closed());
    this.#listener = listener;
    this.#drain();
  }

  deliver(event: (listener: ChannelListener) => void): void {
    if (this.#state === "closed") return;
    this.#inbox.push(event);
    this.#drain();
  }

  #drain(): void {
    if (this.#draining || this.#listener === null || this.#paused) return;
    this.#draining = true;
    queueMicrotask(() => {
      this.#draining = false;
      const listener = this.#listener;
      while (listener !== null && !this.#paused) {
        const event = this.#inbox.shift();
        if (event === undefined) break;
        event(listener);
      }
    });
  }
}
