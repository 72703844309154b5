/** What a model of the data plane holds of one peer: the session, the handshake, the paths. */
import type { Endpoint } from "../../../src-main/mesh/effect.ts";
import type { SessionKey } from "../../../src-shared/ids.ts";

/** One path to a peer, as far as it is probed. */
export interface Path {
  readonly endpoint: Endpoint;
  every: number;
  /** When to probe next; `tries` of less than a second have timers of their own, all others ride on the beat. */
  dueAt: number;
  hasTimer: boolean;
  isProved: boolean;
  missed: number;
  /** When the first of the missed ones was sent. */
  silentSince: number;
  rttMillis: number | null;
  minRttMillis: number | null;
  /** How many probes of the last twenty were answered, as bits, and how many there were. */
  answered: number;
  sent: number;
  /** Probes since it is known, and when one of full size was sent last. */
  probes: number;
  wholeAt: number;
  lastEchoMillis: number | null;
  isFresh: boolean;
}

/** What goes on with one peer. */
export interface Link {
  readonly key: SessionKey;
  session: number | null;
  sessionUsedAt: number;
  sentAt: number;
  /** When anything authentic came last. */
  receivedAt: number;
  /** A handshake that was answered; the first packet that comes by it makes the session. */
  pending: number | null;
  handshake: {
    readonly id: number;
    readonly since: number;
    readonly endpoints: Set<Endpoint>;
    sent: number;
  } | null;
  paths: Map<Endpoint, Path>;
  active: readonly Endpoint[];
  standby: readonly Endpoint[];
  wantedAt: number;
  readonly heardAt: Map<Endpoint, number>;
}

/** A peer that nothing was heard of. */
export function newLink(key: SessionKey): Link {
  return {
    key,
    session: null,
    sessionUsedAt: 0,
    sentAt: Number.NEGATIVE_INFINITY,
    receivedAt: Number.NEGATIVE_INFINITY,
    pending: null,
    handshake: null,
    paths: new Map(),
    active: [],
    standby: [],
    wantedAt: Number.NEGATIVE_INFINITY,
    heardAt: new Map(),
  };
}

/** A path that was never probed. */
export function newPath(endpoint: Endpoint): Path {
  return {
    endpoint,
    every: 0,
    dueAt: 0,
    hasTimer: false,
    isProved: false,
    missed: 0,
    silentSince: 0,
    rttMillis: null,
    minRttMillis: null,
    answered: 0,
    sent: 0,
    probes: 0,
    wholeAt: Number.NEGATIVE_INFINITY,
    lastEchoMillis: null,
    isFresh: false,
  };
}

/** Where packets go: the first path in use that answers, then the first on standby; unproved ones as a last resort. */
export function routeOf({ active, standby, paths }: Link): Endpoint | null {
  const proved = [...active, ...standby].find((endpoint) => paths.get(endpoint)?.isProved === true);
  return proved ?? active[0] ?? null;
}

/** The share of the last twenty probes that no answer came to. */
export function lossOf({ answered, sent }: Path): number {
  return 1 - countBits(answered) / sent;
}

function countBits(bits: number): number {
  let count = 0;
  for (let left = bits; left !== 0; left &= left - 1) count++;
  return count;
}
