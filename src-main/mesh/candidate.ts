/** One endpoint at which a peer may answer, and what trying it has shown. */
import type { Prefix } from "../../src-shared/address.ts";
import { contains, isPrivate, parseAddress } from "../../src-shared/address.ts";
import type { IdentityKey, Millis, SessionKey } from "../../src-shared/ids.ts";
import type { CandidateStatus } from "../../src-shared/status.ts";
import type { Endpoint, Measure, OwnCandidate } from "./effect.ts";
import { hostOf } from "./endpoint.ts";
import type { Limit } from "./limit.ts";
import { baseAfter, limitAfter } from "./limit.ts";

/** The data plane counts loss over so many probes; the first ones of a path open NATs and find nobody. */
export const probesOfLoss = 20;
/** Where none of so many was lost, none of those before its proof was either. */
const probesOfNone = 8;

export type CandidateKind = CandidateStatus["kind"];

/** A candidate as it stands; functions below make the next standing of it. */
export interface Candidate {
  readonly endpoint: Endpoint;
  readonly kind: CandidateKind;
  /** On this machine's own network, as far as an address can tell: a host address that is private. */
  readonly isLocal: boolean;
  /** The relay it leads through, kind `relay` only. */
  readonly relay: SessionKey | null;
  /** The relays behind that one, in order. */
  readonly onward: readonly IdentityKey[];
  readonly standing: "probing" | "proved" | "lost";
  /** Since when it stands so. */
  readonly since: Millis;
  /** Smoothed and smallest round trip; null until an echo came. */
  readonly rttMillis: number | null;
  readonly minRttMillis: number | null;
  /** Share of the last 20 probes without echo, 0–1; null while older ones than its proof may be among them. */
  readonly loss: number | null;
  /** The same for each direction, of datagrams rather than probes; null until known. */
  readonly lossOut: number | null;
  readonly lossIn: number | null;
  /** Smoothed share of datagrams lost in the worse direction, 0–1. */
  readonly lineLoss: number;
  /** Since when that is notable, and since when it is none again; null: it is not. */
  readonly lossySince: Millis | null;
  readonly cleanSince: Millis | null;
  /** Bytes a second that arrived by it lately; null where less goes than comes. */
  readonly deliveredPerSecond: number | null;
  /** The shortest round trip of its quiet times. */
  readonly baseRttMillis: number | null;
  /** What it carries at most, as far as it was full. */
  readonly limit: Limit | null;
  /** How much successive round trips differ. */
  readonly jitterMillis: number | null;
  /** Largest IP packet that passes whole; null while it is searched. */
  readonly mtu: number | null;
  /** Round trip when it was lost; null if it never was, or works again. */
  readonly lastRttMillis: number | null;
  /** Summaries since it was proved, each of a probe or more. */
  readonly summaries: number;
  /** When it was lost lately. */
  readonly losses: readonly Millis[];
}

/** A candidate that nothing is known of. */
export function newCandidate(
  origin: Pick<Candidate, "endpoint" | "kind"> & {
    readonly relay?: SessionKey | undefined;
    readonly onward?: readonly IdentityKey[];
  },
  now: Millis,
): Candidate {
  const { endpoint, kind, relay = null, onward = [] } = origin;
  return {
    endpoint,
    kind,
    isLocal: isLocal(endpoint, kind),
    relay,
    onward,
    standing: "probing",
    since: now,
    ...unmeasured,
    limit: null,
    lastRttMillis: null,
    losses: [],
  };
}

/** An echo came, or (without round trip) a session was made over it. */
export function proved(candidate: Candidate, rttMillis: number | null, now: Millis): Candidate {
  const rtt = candidate.standing === "proved" ? (candidate.rttMillis ?? rttMillis) : rttMillis;
  const isKnown = candidate.standing === "proved" && candidate.rttMillis !== null;
  const { since, summaries } = isKnown ? candidate : { since: now, summaries: 0 };
  return {
    ...candidate,
    standing: "proved",
    since,
    summaries,
    rttMillis: rtt,
    minRttMillis: candidate.minRttMillis ?? rtt,
    lastRttMillis: null,
  };
}

/** Its probes go unanswered. */
export function lost(candidate: Candidate, now: Millis): Candidate {
  const losses = [...candidate.losses, now].filter((at) => now - at < lossMemory).slice(-mostLosses);
  return {
    ...candidate,
    standing: "lost",
    since: now,
    ...unmeasured,
    lastRttMillis: candidate.rttMillis ?? candidate.lastRttMillis,
    losses,
  };
}

/** To be proved anew: what was measured before counts no more. */
export function unproved(candidate: Candidate, now: Millis): Candidate {
  return {
    ...newCandidate({ endpoint: candidate.endpoint, kind: candidate.kind }, now),
    relay: candidate.relay,
    onward: candidate.onward,
  };
}

/** With the data plane's latest summary. */
export function measured(candidate: Candidate, measure: Measure, now: Millis): Candidate {
  const { rttMillis, minRttMillis, loss, lossOut, lossIn, jitterMillis, mtu, lastEchoMillis } = measure;
  const answered = rttMillis !== null && lastEchoMillis !== null && lastEchoMillis > candidate.since;
  if (candidate.standing !== "proved" && !answered) return candidate;
  const standing = candidate.standing === "proved" ? candidate : proved(candidate, rttMillis, now);
  const summaries = standing.summaries + 1;
  return {
    ...standing,
    rttMillis: rttMillis ?? standing.rttMillis,
    minRttMillis: minRttMillis ?? standing.minRttMillis,
    loss: summaries >= (loss === 0 ? probesOfNone : probesOfLoss) ? loss : null,
    lossOut,
    lossIn,
    ...lineOf(standing, Math.max(lossOut ?? 0, lossIn ?? 0), now),
    deliveredPerSecond: measure.deliveredPerSecond,
    baseRttMillis: baseAfter(standing.baseRttMillis, minRttMillis),
    limit: limitAfter(standing.limit, measure, { base: standing.baseRttMillis, now }),
    jitterMillis,
    mtu: mtu ?? standing.mtu,
    summaries,
  };
}

/** When a line that loses may count as lossy, or as clean again. */
export function lossEnds({ lossySince, cleanSince }: Candidate): readonly Millis[] {
  if (lossySince === null) return [];
  const ends = [lossySince + lossyAmongMany, lossySince + lossyAmongFew];
  return cleanSince === null ? ends : [...ends, cleanSince + cleanFor];
}

/** Whether the line has lost a notable share for longer than chance does it: among many datagrams that shows sooner. */
export function isLossy({ lossySince, lineLoss }: Candidate, isHeavy: boolean, now: Millis): boolean {
  if (lossySince === null) return false;
  const since = now - lossySince;
  return since >= lossyAmongFew || (isHeavy && since >= lossyAmongMany && lineLoss >= notableLoss);
}

/** Proved by a session alone, so that the data plane will not report its loss. */
export function isProvisional(candidate: Candidate): boolean {
  return candidate.standing === "proved" && candidate.rttMillis === null;
}

/** The peer says now what kind of address this is. */
export function renamed(candidate: Candidate, kind: CandidateKind): Candidate {
  return { ...candidate, kind, isLocal: isLocal(candidate.endpoint, kind) };
}

/** How long a candidate must have been proved before one that was lost lately is trusted again: 2 s, doubling. */
export function trustDelay(candidate: Candidate, now: Millis): Millis {
  const losses = candidate.losses.filter((at) => now - at < lossMemory).length;
  return losses === 0 ? 0 : Math.min(1000 * 2 ** losses, 60_000);
}

/** Echoes come, and have come for as long as it takes after a loss. */
export function isTrusted(candidate: Candidate, now: Millis): boolean {
  return !isProvisional(candidate) && now - candidate.since >= trustDelay(candidate, now);
}

/** Hosts as which a node is seen from outside. */
export function outsideHosts(candidates: readonly OwnCandidate[]): readonly string[] {
  const outside = candidates.filter(({ kind }) => kind !== "lan");
  return [...new Set(outside.map(({ endpoint }) => hostOf(endpoint)))];
}

/**
 * Endpoints of a peer's record that can be tried: numeric, not inside the network itself (a tunnel through the tunnel),
 * and not our own (two machines with the same address of a virtual bridge).
 */
export function triable(
  candidates: readonly OwnCandidate[],
  { ranges, own }: { readonly ranges: readonly Prefix[]; readonly own: readonly OwnCandidate[] },
): readonly OwnCandidate[] {
  const ours = new Set(own.filter(({ kind }) => kind === "lan").map(({ endpoint }) => endpoint));
  const found = candidates.filter(({ endpoint }) => {
    const address = parseAddress(hostOf(endpoint));
    return address !== null && !ours.has(endpoint) && !ranges.some((range) => contains(range, address));
  });
  return found.slice(0, mostTried);
}

function lineOf(
  { lineLoss: before, lossySince, cleanSince }: Candidate,
  loss: number,
  now: Millis,
): Pick<Candidate, "lineLoss" | "lossySince" | "cleanSince"> {
  const lineLoss = before + (loss - before) * smoothing;
  if (lineLoss >= notableLoss) return { lineLoss, lossySince: lossySince ?? now, cleanSince: null };
  if (lineLoss >= noLoss || lossySince === null) return { lineLoss, lossySince, cleanSince: null };
  // What was hardly begun was chance; what went on for long has to be over for a while.
  const wasLong = now - lossySince >= lossyAmongFew;
  const since = cleanSince ?? now;
  if (!wasLong || now - since >= cleanFor) return { lineLoss, lossySince: null, cleanSince: null };
  return { lineLoss, lossySince, cleanSince: since };
}

function isLocal(endpoint: Endpoint, kind: CandidateKind): boolean {
  const address = kind === "lan" ? parseAddress(hostOf(endpoint)) : null;
  return address !== null && isPrivate(address);
}

const unmeasured = {
  rttMillis: null,
  minRttMillis: null,
  loss: null,
  lossOut: null,
  lossIn: null,
  lineLoss: 0,
  lossySince: null,
  cleanSince: null,
  deliveredPerSecond: null,
  baseRttMillis: null,
  jitterMillis: null,
  mtu: null,
  summaries: 0,
} as const;

/** Weight of one summary. */
const smoothing = 0.3;
const notableLoss = 0.008;
const noLoss = 0.006;
/** One datagram lost of thirty shows for some seconds; one of thousands does not. */
const lossyAmongMany: Millis = 6000;
const lossyAmongFew: Millis = 8000;
const cleanFor: Millis = 10_000;
const lossMemory: Millis = 120_000;
const mostLosses = 8;
const mostTried = 16;
