/** What the contract crosses: a pipe for texts that keeps their order. Frames know nothing of the kind of pipe. */

export interface Channel {
  /**
   * Hands one text over; after `close` it does nothing. A promise settles once the pipe has room for the next text,
   * whatever became of this one.
   */
  send(text: string): void | Promise<void>;
  /** Names the one listener of incoming texts; it hears those that came before, too. */
  onMessage(listener: (text: string) => void): void;
  /** Names a listener that hears the end once, at once when it has come already. */
  onClose(listener: () => void): void;
  close(): void;
}

/** Who is at the other end, as far as the system says. */
export interface Caller {
  /**
   * Descriptor of the connection by which a process of this machine calls, while it stands; null for all others, which nobody
   * vouches for.
   */
  connection(): number | null;
}

/** Two channels that are each other's other end, within one process. Texts arrive a microtask later. */
export function channelPair(): readonly [Channel, Channel] {
  const one = new MemoryChannel();
  const other = new MemoryChannel();
  one.other = other;
  other.other = one;
  return [one, other];
}

class MemoryChannel implements Channel {
  other: MemoryChannel | null = null;
  readonly #inbox: string[] = [];
  #listener: ((text: string) => void) | null = null;
  readonly #closeListeners: (() => void)[] = [];
  #closed = false;

  async send(text: string): Promise<void> {
    if (this.#closed) return;
    await null;
    this.other?.hear(text);
  }

  onMessage(listener: (text: string) => void): void {
    this.#listener = listener;
    for (const text of this.#inbox.splice(0)) listener(text);
  }

  onClose(listener: () => void): void {
    if (this.#closed) listener();
    else this.#closeListeners.push(listener);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const listener of this.#closeListeners.splice(0)) listener();
    // A microtask later too, so that what was sent before still arrives.
    void Promise.resolve().then(() => this.other?.close());
  }

  hear(text: string): void {
    if (this.#closed) return;
    if (this.#listener === null) this.#inbox.push(text);
    else this.#listener(text);
  }
}
