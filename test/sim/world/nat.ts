/** Network address translation in the words of RFC 4787: how it maps, what it lets in, when it forgets. */

/** On what a mapping, or leave to come in, depends. */
export type Dependence = "endpoint" | "address" | "port";

export interface NatKind {
  /** `endpoint`: one mapping for all destinations. `address`, `port`: one per destination ("symmetric"). */
  readonly mapping: Dependence;
  /** `endpoint`: everybody may come in. `address`, `port`: only whom something was sent to. */
  readonly filtering: Dependence;
  /** A mapping that nothing leaves by for this long is gone. */
  readonly expiryMillis: number;
  /** The outer port: that of the socket where it is free, else any; or the one after the last that was taken. */
  readonly port: "kept" | "next";
}

/** NATs as people call them. */
export const nats = {
  fullCone: { mapping: "endpoint", filtering: "endpoint", expiryMillis: 60_000, port: "kept" },
  restrictedCone: { mapping: "endpoint", filtering: "address", expiryMillis: 60_000, port: "kept" },
  portRestrictedCone: { mapping: "endpoint", filtering: "port", expiryMillis: 30_000, port: "kept" },
  symmetric: { mapping: "port", filtering: "port", expiryMillis: 30_000, port: "kept" },
  sequential: { mapping: "port", filtering: "port", expiryMillis: 30_000, port: "next" },
} as const satisfies Record<string, NatKind>;
export type NatName = keyof typeof nats;

interface Mapping {
  readonly internal: string;
  readonly port: number;
  /** Its endpoint outside. */
  readonly external: string;
  usedAt: number;
  /** Whom something was sent to, and when last. */
  readonly sentTo: Map<string, number>;
}

/** One translating gateway. */
export class Nat {
  readonly #kind: NatKind;
  readonly #address: string;
  readonly #random: () => number;
  /** By internal endpoint, then by what the mapping depends on. */
  readonly #mappings = new Map<string, Map<string, Mapping>>();
  readonly #ports = new Map<number, Mapping>();
  #preserves = true;
  #last = 40_000;

  constructor(kind: NatKind, address: string, random: () => number) {
    this.#kind = kind;
    this.#address = address;
    this.#random = random;
  }

  /** A datagram leaves: its source as seen outside. */
  outbound(internal: string, to: string, now: number): string {
    const { mapping: dependence, filtering } = this.#kind;
    let own = this.#mappings.get(internal);
    if (own === undefined) {
      own = new Map();
      this.#mappings.set(internal, own);
    }
    const key = scope(dependence, to);
    let mapping = own.get(key);
    if (mapping === undefined || !this.#lives(mapping.usedAt, now)) {
      if (mapping !== undefined) this.#ports.delete(mapping.port);
      const port = this.#freePort(internal, now);
      mapping = { internal, port, external: `${this.#address}:${port}`, usedAt: now, sentTo: new Map() };
      own.set(key, mapping);
      this.#ports.set(port, mapping);
    }
    mapping.usedAt = now;
    mapping.sentTo.set(scope(filtering, to), now);
    return mapping.external;
  }

  /** A datagram comes to a port from outside: to whom it goes; null when it is dropped. */
  inbound(port: number, from: string, now: number): string | null {
    const mapping = this.#ports.get(port);
    if (mapping === undefined || !this.#lives(mapping.usedAt, now)) return null;
    const sent = mapping.sentTo.get(scope(this.#kind.filtering, from));
    const open = this.#kind.filtering === "endpoint" || (sent !== undefined && this.#lives(sent, now));
    return open ? mapping.internal : null;
  }

  /** Restarts: every mapping is gone, and the ports outside are others from now on. */
  forget(): void {
    this.#mappings.clear();
    this.#ports.clear();
    this.#preserves = false;
  }

  #lives(at: number, now: number): boolean {
    return now - at < this.#kind.expiryMillis;
  }

  /** The same number as inside where it is free, any other else. */
  #freePort(internal: string, now: number): number {
    if (this.#kind.port === "next") return ++this.#last;
    let port = this.#preserves ? Number(internal.split(":")[1]) : this.#anyPort();
    for (;;) {
      const taken = this.#ports.get(port);
      if (taken === undefined || !this.#lives(taken.usedAt, now)) return port;
      port = this.#anyPort();
    }
  }

  #anyPort(): number {
    return 20_000 + Math.floor(this.#random() * 40_000);
  }
}

function scope(dependence: Dependence, remote: string): string {
  return dependence === "endpoint"
    ? ""
    : dependence === "port"
      ? remote
      : remote.slice(0, remote.indexOf(":"));
}
