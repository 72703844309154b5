/** A peer as users see it: derived from the facts each time it is looked at. */
import type { IdentityKey, SessionKey } from "../../src-shared/ids.ts";
import type { CandidateStatus, PeerStatus, ReasonCode } from "../../src-shared/status.ts";
import type { Certificate } from "../../src-shared/trust.ts";
import type { VerdictStatus } from "../../src-shared/verdict.ts";
import type { Around } from "./around.ts";
import type { Candidate } from "./candidate.ts";
import type { Standing } from "./contact.ts";
import type { Decision, Endpoint } from "./effect.ts";
import { hostPortOf } from "./endpoint.ts";
import type { Member, Rank } from "./membership.ts";
import { addressesOf } from "./membership.ts";
import { sentence } from "./path.ts";
import type { Peer } from "./peer.ts";
import { sentenceFacts, viaOf } from "./peer-words.ts";
import type { Pin } from "./pin.ts";
import { choosesPath, fitsPin } from "./pin.ts";
import type { End, PathInUse, VerdictFacts } from "./verdict.ts";
import { verdictOf } from "./verdict.ts";

/** The path in use. */
export interface PathView {
  readonly kind: "direct" | "relay";
  /** As the data plane names it, channel included. */
  readonly endpoint: Endpoint;
  /** Where datagrams go: the peer's address, or the relay's. */
  readonly remote: string;
  /** Names of the relays in order. */
  readonly via: readonly string[];
  readonly latencyMillis: number | null;
  /** 0–1; out: of ours on the way there, in: of the peer's on the way here. */
  readonly loss: number | null;
  readonly lossOut: number | null;
  readonly lossIn: number | null;
  readonly jitterMillis: number | null;
  readonly mtu: number | null;
  /** How many paths share the packets. */
  readonly shared: number;
  /** What takes over when this one dies. */
  readonly standby: {
    readonly kind: "direct" | "relay";
    readonly via: readonly string[];
    readonly latencyMillis: number | null;
  } | null;
  readonly reason: string;
  readonly reasonCode: ReasonCode;
}

export interface PeerView {
  readonly identity: IdentityKey;
  readonly sessionKey: SessionKey;
  readonly certificate: Certificate;
  readonly rank: Rank;
  /** Addresses at which it is reached inside the network. */
  readonly addresses: readonly string[];
  readonly state: PeerStatus["state"];
  /** Null unless `connected` or `idle` with a session. */
  readonly path: PathView | null;
  /** What stands in the way when there is no path; null with one. */
  readonly reason: string | null;
  readonly reasonCode: ReasonCode | null;
  readonly verdict: VerdictStatus;
  readonly pin: Pin | null;
  readonly candidates: readonly (Omit<CandidateStatus, "lossPercent" | "latencyMs"> & {
    readonly latencyMillis: number | null;
    readonly loss: number | null;
  })[];
  /** The last 20, oldest first. */
  readonly decisions: readonly Decision[];
}

/** What a view is made of. */
export interface PeerFacts {
  readonly peer: Peer | null;
  readonly around: Around;
  /** Where a stock client of ours was heard last; null without a session. */
  readonly stockEndpoint: Endpoint | null;
  /** Whether this node is the gateway of the stock client, and that gateway's name. */
  readonly served: boolean;
  readonly gateway: string;
  readonly here: VerdictFacts["here"];
  readonly there: End;
  /** Looked for only where a verdict needs it. */
  readonly neighbour: () => VerdictFacts["neighbour"];
  readonly overlap: VerdictFacts["overlap"];
  /** Whether this node has a relay to ask. */
  readonly relaysHere: boolean;
}

/** How it stands with a member at this moment; to be read at once, since what is made late is of the peer as it is then. */
export function viewPeer(member: Member, facts: PeerFacts): PeerView {
  const { identity, sessionKey, certificate, rank } = member;
  const { peer, around } = facts;
  const standing = peer?.standing(around.now) ?? "idle";
  const path = rank === "stock" ? stockPath(facts) : pathOf(peer, standing, around);
  const { state, code, own } = rank === "stock" ? stockState(facts) : stateOf(standing, facts);
  const shown = path !== null && (state === "connected" || state === "idle");
  const reasonCode = shown ? path.reasonCode : code;
  return {
    identity,
    sessionKey,
    certificate,
    rank,
    addresses: addressesOf(member),
    state,
    path: shown ? path : null,
    reason: shown || code === null ? null : sentence(code, { name: around.name, own }),
    reasonCode,
    // Made for whoever reads them: every few seconds all peers are looked at for their paths alone.
    get verdict() {
      return verdictOf(verdictFacts({ state, own, reasonCode, path: shown ? path : null }, facts, rank));
    },
    pin: around.pin,
    get candidates() {
      return candidatesOf(peer, around);
    },
    decisions: [...(peer?.decisions ?? [])],
  };
}

interface State {
  readonly state: PeerStatus["state"];
  /** What stands in the way. */
  readonly code: ReasonCode | null;
  readonly own: boolean;
}

function stateOf(standing: Standing, { around, relaysHere }: PeerFacts): State {
  const { presence, online } = around;
  const blockedThere = presence?.online === true && !presence.udp;
  const why: ReasonCode =
    presence?.online === false
      ? "peer-offline"
      : blockedThere || (online && !relaysHere)
        ? "router-udp-blocked"
        : "no-way";
  const own = !blockedThere;
  switch (standing) {
    case "connected":
      return { state: "connected", code: null, own };
    case "quiet":
      return { state: "idle", code: null, own };
    case "calling":
      return {
        state: presence?.online === false ? "offline" : "connecting",
        code: presence?.online === false ? why : null,
        own,
      };
    case "broken":
    case "unanswered":
      return { state: presence?.online === false ? "offline" : "unreachable", code: why, own };
    case "idle":
      if (presence?.online === false) return { state: "offline", code: "peer-offline", own };
      if (blockedThere) return { state: "unreachable", code: "router-udp-blocked", own };
      return { state: "idle", code: "no-traffic-yet", own };
  }
}

function verdictFacts(
  { state, own, reasonCode, path }: Pick<State, "state" | "own"> & Pick<PeerView, "reasonCode" | "path">,
  facts: PeerFacts,
  rank: Rank,
): VerdictFacts {
  const { peer, around, here, there, served, gateway } = facts;
  const active = path === null ? null : (peer?.active ?? null);
  return {
    name: around.name,
    now: around.now,
    state,
    reason: reasonCode,
    own,
    path: path === null || active === null ? null : pathInUse(active, path, around),
    candidates: peer?.candidates ?? [],
    sessionSince: peer?.sessionSince ?? null,
    pin: around.pin,
    only: around.only,
    here,
    there,
    neighbour: active?.kind === "relay" ? facts.neighbour() : null,
    overlap: facts.overlap,
    stock: rank === "stock" ? { gateway, isServedHere: served } : null,
  };
}

function pathInUse(active: Candidate, path: PathView, { pin, relays, relayCost, now }: Around): PathInUse {
  return {
    active,
    via: path.via,
    shared: path.shared,
    standby: path.standby,
    relayCost: active.relay === null ? 0 : relayCost(active.relay),
    isChosen: !choosesPath(pin) || fitsPin(active, pin, { relays, now }),
  };
}

function stockState({ stockEndpoint, served }: PeerFacts): State {
  if (stockEndpoint !== null) return { state: "connected", code: null, own: false };
  if (served) return { state: "offline", code: "stock-waiting", own: false };
  return { state: "unreachable", code: "stock-client", own: false };
}

function stockPath({ stockEndpoint, around }: PeerFacts): PathView | null {
  if (stockEndpoint === null) return null;
  return {
    kind: "direct",
    endpoint: stockEndpoint,
    remote: stockEndpoint,
    via: [],
    latencyMillis: null,
    loss: null,
    lossOut: null,
    lossIn: null,
    jitterMillis: null,
    mtu: null,
    shared: 1,
    standby: null,
    reason: sentence("stock-connected", { name: around.name }),
    reasonCode: "stock-connected",
  };
}

function pathOf(peer: Peer | null, standing: Standing, around: Around): PathView | null {
  const active = peer?.active ?? null;
  const code = peer?.reason(around) ?? null;
  if (peer === null || active === null || code === null) return null;
  if (standing !== "connected" && standing !== "quiet") return null;
  const facts = sentenceFacts(active, peer.candidates, around);
  const standby = peer.candidates.find(({ endpoint }) => endpoint === peer.use.standby[0]);
  return {
    kind: active.kind === "relay" ? "relay" : "direct",
    endpoint: active.endpoint,
    remote: hostPortOf(active.endpoint),
    via: viaOf(active, around),
    latencyMillis: active.rttMillis,
    loss: active.loss,
    lossOut: active.lossOut,
    lossIn: active.lossIn,
    jitterMillis: active.jitterMillis,
    mtu: active.mtu,
    shared: Math.max(1, peer.use.active.length),
    standby:
      standby === undefined
        ? null
        : {
            kind: standby.kind === "relay" ? "relay" : "direct",
            via: viaOf(standby, around),
            latencyMillis: standby.rttMillis,
          },
    reason: sentence(code, facts),
    reasonCode: code,
  };
}

function candidatesOf(peer: Peer | null, around: Around): PeerView["candidates"] {
  const tried = (peer?.candidates ?? []).map((candidate: Candidate) => ({
    endpoint: candidate.endpoint,
    kind: candidate.kind,
    state: candidate.standing,
    latencyMillis: candidate.rttMillis,
    loss: candidate.loss,
    active: candidate.endpoint === peer?.active?.endpoint,
  }));
  const known = new Set(tried.map(({ endpoint }) => endpoint));
  const untried = around.addresses
    .filter(({ endpoint }) => !known.has(endpoint))
    .map(({ endpoint, kind }) => ({
      endpoint,
      kind,
      state: "untried" as const,
      latencyMillis: null,
      loss: null,
      active: false,
    }));
  return [...tried, ...untried];
}
