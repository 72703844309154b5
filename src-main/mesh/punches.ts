/** Punching in one network: asks peers for it, and does this end's half when both know of each other. */
import type { Prefix } from "../../src-shared/address.ts";
import { isPrivate, parseAddress } from "../../src-shared/address.ts";
import type { Millis, SessionKey } from "../../src-shared/ids.ts";
import { splitHostPort } from "../../src-shared/ids.ts";
import type { Transport } from "../../src-shared/status.ts";
import type { NatFacts, NodeRecord } from "../../src-shared/trust.ts";
import type { PunchFacts } from "../../src-shared/wire.ts";
import { triable } from "./candidate.ts";
import type { Effect, Input, OwnCandidate } from "./effect.ts";
import type { Peer } from "./peer.ts";
import type { PunchNeed } from "./punch-tries.ts";
import { PunchTries } from "./punch-tries.ts";
import { noPunch, planPunch } from "./punching.ts";

/** This end. */
export interface Here {
  readonly key: SessionKey;
  readonly own: readonly OwnCandidate[];
  readonly nat: NatFacts | undefined;
  /** Ranges of the network itself. */
  readonly ranges: readonly Prefix[];
  /** Whether the way to a peer is kept open though no packet flows. */
  readonly isKept: (peer: SessionKey, now: Millis) => boolean;
  /** The transport that alone may be used towards a peer; null: any. */
  readonly only: (peer: SessionKey) => Transport | null;
  /** 0 ≤ x < 1. */
  readonly random: () => number;
}

/** All punches of a network. */
export class Punches {
  readonly #here: () => Here;
  readonly #emit: (effect: Effect) => void;
  readonly #tries = new PunchTries();

  constructor(here: () => Here, emit: (effect: Effect) => void) {
    this.#here = here;
    this.#emit = emit;
  }

  /** What this node tells a peer, but for a port that was measured just now. */
  facts(): Pick<PunchFacts, "endpoints" | "nat"> {
    const { own, nat } = this.#here();
    return outsideOf(own, nat);
  }

  /** Asks for a punch when it is time; answers when it may be time next. */
  settle(peer: Peer, record: NodeRecord | null, now: Millis): Millis {
    const attempt = this.#tries.due(peer.key, needOf(peer, record, { here: this.#here(), now }));
    if (attempt === "found") this.#emit({ kind: "punch", peer: peer.key, ...noPunch });
    else if (attempt !== null)
      this.#emit({ kind: "askPunch", peer: peer.key, attempt, tcp: this.#isClosed(peer.key, record) });
    return this.#tries.next(peer.key);
  }

  /** Both ends know of each other: this end's half of the plan is carried out. */
  hear(
    input: Extract<Input, { kind: "punchAsked" | "punchAnswered" }>,
    about: { readonly peer: Peer; readonly record: NodeRecord | null; readonly now: Millis },
  ): void {
    const { attempt, own, other } = input;
    const { peer, record, now } = about;
    const here = this.#here();
    const asks = input.kind === "punchAnswered";
    const isTcp = own.tcp !== null && other.tcp !== null;
    if ((here.only(peer.key) ?? (isTcp ? "tcp" : "udp")) !== (isTcp ? "tcp" : "udp")) return;
    if (!asks && !this.#tries.asked(peer.key, attempt, needOf(peer, record, { here, now }))) return;
    if (isTcp) {
      const endpoint = `tcp/${other.tcp}`;
      this.#emit({ kind: "connect", peer: peer.key, endpoint, seconds: connectSeconds });
      return;
    }
    const told = other.endpoints.map((endpoint) => ({ endpoint, kind: "reflexive" as const }));
    const endpoints = triable(told, here).map(({ endpoint }) => endpoint);
    const ends = { own, other: { ...other, endpoints } };
    const punch = planPunch(ends, { number: attempt, asks, random: here.random });
    this.#emit({ kind: "punch", peer: peer.key, ...punch });
  }

  /** The peer is forgotten. */
  part(peer: SessionKey): void {
    this.#tries.part(peer);
  }

  /** Whether UDP is closed at either end, as far as servers that do not answer tell. */
  #isClosed(peer: SessionKey, record: NodeRecord | null): boolean {
    if (this.#here().only(peer) === "tcp") return true;
    return this.#here().nat?.udp === false || record?.nat?.udp === false;
  }
}

/** What one looks at to see whether a peer is to be punched for. */
function needOf(
  peer: Peer,
  record: NodeRecord | null,
  facts: { readonly here: Here; readonly now: Millis },
): PunchNeed {
  const { here, now } = facts;
  const proved = peer.candidates.filter(({ standing }) => standing === "proved");
  const direct = proved.some(({ kind }) => kind !== "relay");
  const only = here.only(peer.key);
  const mayPunch = only === null || only === "udp" || only === "tcp";
  return {
    wanted: mayPunch && proved.length > 0 && !direct && (peer.isFlowing(now) || here.isKept(peer.key, now)),
    direct,
    own: here.nat?.mapping ?? "unknown",
    other: record?.nat?.mapping ?? "unknown",
    addresses: () => JSON.stringify([hostsOf(here.own), hostsOf(record?.candidates ?? [])]),
    first: here.key < peer.key,
    now,
    random: here.random,
  };
}

/** What an end says of itself: addresses on the internet, those seen by servers first. */
function outsideOf(
  candidates: readonly OwnCandidate[],
  nat: NatFacts | undefined,
): Pick<PunchFacts, "endpoints" | "nat"> {
  const outside = candidates.filter(({ endpoint }) => {
    const address = parseAddress(splitHostPort(endpoint)?.host ?? "");
    return address !== null && !isPrivate(address);
  });
  const rank = ({ kind }: OwnCandidate) => (kind === "reflexive" ? 0 : 1);
  const endpoints = outside.sort((one, other) => rank(one) - rank(other)).map(({ endpoint }) => endpoint);
  return {
    endpoints: endpoints.slice(0, mostEndpoints),
    nat: { mapping: nat?.mapping ?? "unknown", step: nat?.step ?? 0 },
  };
}

/** Without ports: a NAT that takes another one for each server shows many. */
function hostsOf(candidates: readonly OwnCandidate[]): readonly string[] {
  const hosts = candidates.map(({ endpoint }) => splitHostPort(endpoint)?.host ?? "");
  return [...new Set(hosts)].sort();
}

const mostEndpoints = 16;
/** NATs answer TCP more slowly than UDP, and one end may begin late. */
const connectSeconds = 10;
