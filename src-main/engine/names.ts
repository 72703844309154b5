/** Host names of routers, servers and declared addresses: resolved here and kept fresh, so that others see numbers. */
import { lookup } from "node:dns/promises";
import { formatAddress, parseAddress } from "../../src-shared/address.ts";
import type { Millis } from "../../src-shared/ids.ts";
import { joinHostPort, splitHostPort } from "../../src-shared/ids.ts";

export interface NamesOptions {
  readonly now: () => Millis;
  /** Some name has other addresses than before, or its first ones. */
  readonly changed: () => void;
  /** All addresses of a host name; rejects when there are none. The system's resolver unless given. */
  readonly resolve?: (host: string) => Promise<readonly string[]>;
}

interface Known {
  addresses: readonly string[];
  askedAt: Millis;
  usedAt: Millis;
  asking: boolean;
}

/** Answers at once with what is known, and asks in the background. */
export class Names {
  readonly #options: NamesOptions;
  readonly #known = new Map<string, Known>();
  readonly #timer: NodeJS.Timeout;

  constructor(options: NamesOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.refresh(freshFor), freshFor / 2);
    this.#timer.unref();
  }

  /** Numeric `address:port` of each `host:port`; a name that is not resolved yet gives none until it is. */
  endpoints(hostPorts: readonly string[]): readonly string[] {
    const found = hostPorts.flatMap((text) => {
      const parts = splitHostPort(text);
      return parts === null ? [] : this.#addresses(parts.host).map((host) => joinHostPort(host, parts.port));
    });
    return [...new Set(found)];
  }

  /** Asks again about every name in use whose answer is older than this; 0 after the network changed. */
  refresh(olderThan: Millis = 0): void {
    const now = this.#options.now();
    for (const [host, known] of this.#known) {
      if (now - known.usedAt > forgottenAfter) this.#known.delete(host);
      else if (now - known.askedAt >= olderThan) void this.#ask(host, known);
    }
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #addresses(host: string): readonly string[] {
    const numeric = parseAddress(host.replace(/%.*$/, ""));
    if (numeric !== null) return [host.includes("%") ? host : formatAddress(numeric)];
    const now = this.#options.now();
    const known = this.#known.get(host) ?? { addresses: [], askedAt: 0, usedAt: now, asking: false };
    known.usedAt = now;
    if (!this.#known.has(host)) {
      this.#known.set(host, known);
      void this.#ask(host, known);
    }
    return known.addresses;
  }

  async #ask(host: string, known: Known): Promise<void> {
    if (known.asking) return;
    known.asking = true;
    known.askedAt = this.#options.now();
    try {
      const found = await (this.#options.resolve ?? resolveHost)(host);
      const addresses = [...new Set(found)].sort().slice(0, mostAddresses);
      if (addresses.join() === known.addresses.join()) return;
      known.addresses = addresses;
      this.#options.changed();
    } catch {
      // What was known stays: a resolver that fails for a while says nothing about the host.
    } finally {
      known.asking = false;
    }
  }
}

async function resolveHost(host: string): Promise<readonly string[]> {
  return (await lookup(host, { all: true })).map(({ address }) => address);
}

const freshFor: Millis = 60_000;
/** A name that nobody asked for so long is asked about no more. */
const forgottenAfter: Millis = 600_000;
const mostAddresses = 8;
