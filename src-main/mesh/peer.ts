/** One peer that packets were wanted for: its session, its candidates, the path in use. Idle peers have none of this. */
import type { Millis, SessionKey } from "../../src-shared/ids.ts";
import type { ReasonCode } from "../../src-shared/status.ts";
import type { Around } from "./around.ts";
import { Call, patience } from "./call.ts";
import type { Candidate } from "./candidate.ts";
import { isProvisional, lossEnds, lost, measured, proved, trustDelay } from "./candidate.ts";
import type { Channel } from "./candidates.ts";
import { Candidates } from "./candidates.ts";
import type { Decision, Endpoint, Input, Measure } from "./effect.ts";
import { leadsInside, transportOf } from "./endpoint.ts";
import { Orders } from "./orders.ts";
import { choosePath, reasonOf, sentence } from "./path.ts";
import { PeerLinks } from "./peer-links.ts";
import { PeerTraffic } from "./peer-traffic.ts";
import { describe, relayAt, sentenceFacts } from "./peer-words.ts";
import { activityEnds, plan, tryEnds } from "./probing.ts";
import { RelayTries } from "./relay-tries.ts";
import type { DirectLink, Keeping } from "./relays.ts";
import type { Use } from "./use.ts";
import { chooseUse } from "./use.ts";

/** How it stands between the two ends. */
export type Standing = "idle" | "calling" | "unanswered" | "connected" | "quiet" | "broken";

/** Hears about one peer, keeps the best path to it. `settle` draws the conclusions. */
export class Peer {
  readonly key: SessionKey;
  readonly decisions: Decision[] = [];
  readonly #candidates = new Candidates();
  readonly #relayTries = new RelayTries();
  readonly #links = new PeerLinks();
  #session: { readonly since: Millis } | null = null;
  #call: Call | null = null;
  /** When the last call ended without an answer. */
  #unanswered: Millis | null = null;
  #active: Endpoint | null = null;
  #use: Use = { active: [], standby: [] };
  /** Since when no candidate is proved while a session stands. */
  #broken: Millis | null = null;
  readonly #traffic: PeerTraffic;
  readonly #orders: Orders;
  /** When something last announced a session: a relay's offer comes before it. */
  #expected: Millis;
  /** Since when unproved candidates are tried eagerly. */
  #eager: Millis;
  #keeping: Keeping | null = null;

  constructor(key: SessionKey, now: Millis) {
    this.key = key;
    this.#traffic = new PeerTraffic(now);
    this.#orders = new Orders(key);
    this.#expected = now;
    this.#eager = now;
  }

  get candidates(): readonly Candidate[] {
    return this.#candidates.all();
  }

  /** The candidate in use; null without a session. */
  get active(): Candidate | null {
    return this.#candidates.get(this.#active);
  }

  /** What carries its packets together, and what takes over. */
  get use(): Use {
    return this.#use;
  }

  /** Since when its session stands; null without one. */
  get sessionSince(): Millis | null {
    return this.#session?.since ?? null;
  }

  /** The direct way in use, if it answers; null without one. */
  get link(): DirectLink | null {
    const { active } = this;
    const stands = this.#session !== null && this.#broken === null && active?.standing === "proved";
    return !stands || active === null || active.kind === "relay" ? null : active;
  }

  /** Whether packets went to or came from it just now. */
  isFlowing(now: Millis): boolean {
    return this.#session !== null && this.#traffic.isFlowing(now);
  }

  /** When packets last went to it or came from it, or its session began. */
  get usedAt(): Millis {
    return this.#traffic.last;
  }

  /**
   * Whether it answers, sooner judged than `standing`: whoever has another way takes it then. `isAway`: the router does
   * not see it either.
   */
  health(now: Millis, isAway: boolean): "stands" | "untried" | "lost" {
    if (this.#session !== null) {
      const isLost = this.#broken !== null && (isAway || now - this.#broken >= lostAfter);
      return isLost ? "lost" : "stands";
    }
    if (isAway || this.#unanswered !== null) return "lost";
    return this.#call !== null && now - this.#call.since >= missedAfter ? "lost" : "untried";
  }

  /** Whether there is nothing to remember. */
  isForgettable(now: Millis): boolean {
    const isQuiet = this.#session === null && this.#call === null && this.#unanswered === null;
    return isQuiet && now - this.#expected >= patience;
  }

  standing(now: Millis): Standing {
    if (this.#session !== null) {
      if (this.#broken !== null && now - this.#broken >= patience) return "broken";
      if (this.#broken !== null) return "calling";
      return this.#traffic.activity(now) === "quiet" ? "quiet" : "connected";
    }
    if (this.#unanswered !== null) return "unanswered";
    if (this.#call === null) return "idle";
    return this.#call.isOverdue(now) ? "unanswered" : "calling";
  }

  /** Why the path in use is used; null without one. */
  reason(around: Around): ReasonCode | null {
    const { active } = this;
    if (active === null || this.#session === null) return null;
    return reasonOf(active, {
      ...around,
      candidates: this.candidates,
      sessionSince: this.#session.since,
    });
  }

  /** A packet waits for a session or a path. */
  handleWanted(around: Around): void {
    this.handleTraffic(around);
    if (this.#call !== null) return;
    if (this.#session === null) this.#begin(around.now, false);
    else if (this.#broken === null) this.#remind(false, around);
  }

  /** The peer calls us over the rendezvous: it hears us only if we call as well. */
  handleCarried(around: Around): void {
    if (this.#session !== null) this.#remind(true, around);
    else if (this.#call === null) this.#begin(around.now, false);
  }

  /** Packets came or went, perhaps many; answers whether that changes anything. */
  handleTraffic({ now }: Pick<Around, "now">, isHeavy?: boolean): boolean {
    const wasFlowing = this.isFlowing(now);
    if (this.#traffic.activity(now) !== "busy") this.#eager = now;
    return this.#traffic.hear(now, isHeavy) || !wasFlowing;
  }

  handleSession(endpoint: Endpoint, rekey: boolean, around: Around): void {
    const { now } = around;
    const again = this.#session !== null && !rekey && now - this.#session.since > sameHandshake;
    const recovered = this.#call?.force === true;
    this.#call = null;
    this.#unanswered = null;
    if (this.#session === null || again) {
      if (!again) this.#traffic.hear(now);
      this.#session = { since: now };
      this.#restart(around);
    }
    if (recovered) this.#eager = now;
    const candidate = this.#learn(endpoint, around);
    if (candidate !== null && (candidate.standing !== "proved" || again || recovered)) {
      this.#candidates.update(proved(candidate, null, now));
    }
    if (!rekey)
      this.#decide(around, again ? `${around.name} began a new session` : `session with ${around.name}`);
  }

  handleEnded(reason: "no-answer" | "expired", around: Around): void {
    const alive = this.#session !== null && this.#broken === null;
    if (reason === "no-answer" && alive) {
      this.#call = null;
      return;
    }
    if (reason === "no-answer") this.#decide(around, `${around.name} did not answer`);
    this.#hangUp();
    this.#unanswered = reason === "no-answer" ? around.now : null;
  }

  handleHeard(endpoint: Endpoint, around: Around): void {
    if (this.#session !== null || this.#call !== null) this.#learn(endpoint, around);
  }

  handleProved(endpoint: Endpoint, rttMillis: number, around: Around): void {
    if (this.#session === null) return;
    const candidate = this.#learn(endpoint, around);
    if (candidate !== null) this.#candidates.update(proved(candidate, rttMillis, around.now));
  }

  handleLost(endpoint: Endpoint, around: Around): void {
    const candidate = this.#candidates.get(endpoint);
    if (candidate?.standing === "proved") this.#lose(candidate, around);
  }

  handleMeasured(measure: Measure, { now }: Around): void {
    const candidate = this.#candidates.get(measure.endpoint);
    if (candidate !== null) this.#candidates.update(measured(candidate, measure, now));
  }

  handleRelayOpened(
    relay: SessionKey,
    opened: Extract<Input, { kind: "relayOpened" }>["opened"],
    around: Around,
  ): void {
    if ("refused" in opened) {
      this.#relayTries.refused(relay, opened.refused, around);
      return;
    }
    this.handleRelayOffered({ relay, ...opened }, around);
  }

  /** A channel through the relay, ours or the peer's. */
  handleRelayOffered(channel: Channel & { readonly relay: SessionKey }, around: Around): void {
    this.#relayTries.opened(channel.relay, around.now);
    this.#expected = around.now;
    this.#candidates.learnChannel(channel, around.now);
  }

  /** A link that this end opened stands, or does not any more. */
  handleLink(endpoint: Endpoint, up: boolean, around: Around): void {
    if (!this.#links.wants(endpoint)) return;
    if (!up) this.#dropLink(endpoint, around);
    else if (this.#session !== null || this.#call !== null)
      this.#candidates.learn(endpoint, PeerLinks.kindOf(endpoint, this.candidates, around.offer), around.now);
  }

  /** A relay is reached elsewhere: its channels lead on as they did. */
  handleRelayMoved(
    move: { readonly relay: SessionKey; readonly from: Endpoint; readonly to: Endpoint },
    around: Around,
  ): void {
    const nameNow = this.#candidates.moveRelay(move, around.now);
    this.#active = this.#active === null ? null : nameNow(this.#active);
    const { active, standby } = this.#use;
    this.#use = { active: active.map(nameNow), standby: standby.map(nameNow) };
    this.#eager = around.now;
  }

  /** It is forgotten: nothing is to be kept open for its sake. */
  part({ emit }: Pick<Around, "emit">): void {
    this.#links.drop(this.key, emit);
  }

  /** The machine slept for a while (its sessions are gone), or only its addresses changed. */
  handleWoke(slept: { readonly away: Millis } | null, around: Around): void {
    const { now } = around;
    this.#links.hurry();
    if (slept !== null) {
      const busy = this.#traffic.activity(now - slept.away) === "busy" || this.#call !== null;
      this.#hangUp();
      if (busy) this.#begin(now, false);
      return;
    }
    if (this.#session !== null) this.#restart(around);
    if (this.#call !== null) this.#begin(now, this.#call.force);
  }

  /** The peer moved, and says so: a relay carries on until it is found where it is now. */
  handleMoved({ now, emit }: Around): void {
    if (this.#session === null) return;
    this.#candidates.restartDirect(now);
    this.#eager = now;
    this.#orders.keep((endpoint) => this.#candidates.get(endpoint)?.kind === "relay", emit);
  }

  /** The router sees the peer again. */
  handleReturned({ now }: Around): void {
    const missed = this.#unanswered !== null || this.#call !== null || this.#broken !== null;
    if (missed && now - this.#traffic.last < missedFor) this.#begin(now, this.#session !== null);
  }

  /** A relay's channels are gone with its session. */
  handleRelayGone(relay: SessionKey, { now, random }: Around): void {
    const needed = this.active === null || this.active.relay === relay;
    this.#relayTries.gone(relay, needed ? now : now + random() * standbyWithin);
    this.#candidates.dropRelay(relay);
  }

  /** Draws the conclusions of what was heard: whom to call, which path to take, what to probe. */
  settle(around: Around): void {
    this.#keep(around);
    if (this.#session !== null || this.#call !== null) this.#candidates.refresh(around.addresses, around.now);
    if (this.#session !== null) {
      this.#choose(around);
      this.#mend(around);
    }
    this.#keepLinks(around);
    this.#reach(around);
    this.#probe(around);
  }

  /** When `settle` has something to do though nothing was heard. */
  deadline(now: Millis): Millis {
    let next = Number.POSITIVE_INFINITY;
    const at = (time: Millis) => {
      if (time > now && time < next) next = time;
    };
    for (const time of this.#call?.times() ?? []) at(time);
    if (this.#call !== null) at(this.#call.since + missedAfter);
    if (this.#unanswered !== null)
      at(this.#unanswered + (this.#keeping?.calls === true ? keptAgain : shownFor));
    if (this.#session === null) at(this.#expected + patience);
    if (this.#needsRelay(now)) at(this.#relayTries.next());
    at(this.#links.next());
    if (this.#session === null) return next;
    for (const end of activityEnds(this.#traffic.last)) at(end);
    at(this.#traffic.heavyEnd);
    if (this.#broken !== null) {
      at(this.#broken + lostAfter);
      at(this.#broken + callAfter);
      at(this.#broken + patience);
    }
    for (const candidate of this.candidates) {
      if (isProvisional(candidate)) at(candidate.since + provisionalFor);
      if (candidate.kind === "relay") at(candidate.since + answersWithin);
      if (candidate.lossySince !== null) for (const end of lossEnds(candidate)) at(end);
      if (candidate.standing === "proved") at(candidate.since + trustDelay(candidate, candidate.since));
      else for (const end of tryEnds(candidate, this.#eager)) at(end);
    }
    return next;
  }

  /** A session that is kept is called anew when it is gone. */
  #keep({ keeping, now }: Around): void {
    this.#keeping = keeping;
    const isGivenUp = this.#unanswered !== null && now - this.#unanswered < keptAgain;
    if (keeping?.calls !== true || this.#session !== null || this.#call !== null || isGivenUp) return;
    this.#unanswered = null;
    this.#begin(now, false);
  }

  #begin(now: Millis, force: boolean): void {
    this.#call = new Call(now, force);
    this.#eager = now;
    this.#relayTries.hurry();
  }

  /** The data plane seems to know less than we do, or the peer does: it is told again. */
  #remind(force: boolean, around: Around): void {
    const { emit } = around;
    this.#orders.doubt();
    emit({
      kind: "handshake",
      peer: this.key,
      endpoints: this.#usable(around).map(({ endpoint }) => endpoint),
      force,
    });
  }

  #hangUp(): void {
    this.#session = null;
    this.#call = null;
    this.#unanswered = null;
    this.#active = null;
    this.#use = { active: [], standby: [] };
    this.#broken = null;
    this.#candidates.clear();
    this.#relayTries.clear();
  }

  /** All is to be proved anew; the data plane forgets its measurements by an emptied list. */
  #restart({ now, emit }: Around): void {
    this.#candidates.restart(now);
    this.#eager = now;
    this.#broken = null;
    this.#orders.empty(this.#use, emit);
  }

  #learn(endpoint: Endpoint, around: Around): Candidate | null {
    const { addresses, now } = around;
    if (endpoint.includes("#"))
      this.#candidates.learnChannel({ endpoint, relay: relayAt(endpoint, around) }, now);
    else
      this.#candidates.learn(
        endpoint,
        addresses.find((one) => one.endpoint === endpoint)?.kind ?? "heard",
        now,
      );
    return this.#candidates.get(endpoint);
  }

  #lose(candidate: Candidate, around: Around): void {
    this.#candidates.update(lost(candidate, around.now));
    if (this.#use.active.includes(candidate.endpoint)) around.alarm();
    if (candidate.endpoint === this.#active) this.#decide(around, `no answer ${describe(candidate, around)}`);
    if (candidate.relay !== null) this.#relayTries.lost(candidate.relay, candidate.onward, around);
    // The other end opened it: that end alone can open another, which will come from another port.
    if (candidate.kind === "heard" && isStream(candidate.endpoint)) this.#candidates.drop(candidate.endpoint);
  }

  #dropLink(endpoint: Endpoint, around: Around): void {
    const candidate = this.#candidates.get(endpoint);
    if (candidate?.standing === "proved") this.#lose(candidate, around);
    this.#candidates.drop(endpoint);
  }

  /** Those that may be used by the user's word, and do not lead through the network itself. */
  #usable({ only, inside }: Pick<Around, "only" | "inside">): readonly Candidate[] {
    const all = this.candidates.filter(({ endpoint }) => !leadsInside(endpoint, inside));
    return only === null ? all : all.filter(({ endpoint }) => transportOf(endpoint) === only);
  }

  /** Opens links where plain UDP does not serve, closes them where it does. */
  #keepLinks(around: Around): void {
    const { now, offer, only, worked, random, emit } = around;
    const isWanted = this.#call !== null || (this.#session !== null && this.#needsRelay(now));
    const gone = this.#links.settle(
      {
        peer: this.key,
        candidates: this.candidates,
        offer,
        used: this.#use,
        isWanted,
        isHeavy: this.#traffic.isHeavy,
        eager: this.#eager,
        only,
        worked,
        now,
        random,
      },
      emit,
    );
    for (const endpoint of gone) this.#dropLink(endpoint, around);
  }

  #choose(around: Around): void {
    const { now } = around;
    for (const candidate of this.#usable(around)) {
      const isOverdue = isProvisional(candidate) && now - candidate.since >= provisionalFor;
      if (isOverdue || isDeadEnd(candidate, now)) this.#lose(candidate, around);
    }
    const before = this.active === null ? null : this.#active;
    const usable = this.#usable(around);
    const rules = { ...around, isHeavy: this.#traffic.wasHeavy(now) };
    const isUsable = usable.some(({ endpoint }) => endpoint === before);
    this.#active = choosePath(usable, isUsable ? before : null, rules);
    const { active } = this;
    const use = chooseUse(usable, active, { ...rules, before: this.#use.active });
    this.#use = active === null && this.#active !== null ? { active: [this.#active], standby: [] } : use;
    if (active === null || this.#active === before || this.#session === null) return;
    const code = this.reason(around);
    if (code !== null) this.#decide(around, sentence(code, sentenceFacts(active, this.candidates, around)));
  }

  /** While nothing answers, the session itself is in doubt: after a moment the peer is called anew. */
  #mend(around: Around): void {
    const { now } = around;
    const answered = this.#usable(around).some(({ standing }) => standing === "proved");
    if (answered) {
      this.#broken = null;
      this.#call = null;
      return;
    }
    if (this.#broken === null) {
      // Nothing is warm: everything else is tried at once, relays that kept us waiting are asked at once.
      this.#broken = now;
      this.#eager = now;
      this.#relayTries.hurry();
    }
    if (
      this.#call === null &&
      now - this.#broken >= callAfter &&
      (this.#keeping?.calls === true || this.#traffic.activity(now) !== "quiet")
    ) {
      this.#begin(now, true);
    }
  }

  /** Message 1 to everywhere it was not sent yet; relays asked; the rendezvous used where relays cannot be. */
  #reach(around: Around): void {
    const { now, emit } = around;
    if (this.#unanswered !== null && now - this.#unanswered >= shownFor) this.#unanswered = null;
    if (this.#call?.isOver(now) === true) this.handleEnded("no-answer", around);
    if (this.#needsRelay(now)) this.#askRelays(around);
    const call = this.#call;
    if (call === null) return;
    const { hasBegun } = call;
    const endpoints = call.tell(this.#usable(around).map(({ endpoint }) => endpoint));
    if (endpoints.length > 0) {
      emit({ kind: "handshake", peer: this.key, endpoints, force: call.force && !hasBegun });
    }
    if (around.presence?.online !== true && call.takeSeek(now)) emit({ kind: "seek", peer: this.key });
    const isRelayed = around.isRouted && around.presence?.udp !== false;
    if (isRelayed || !around.online || around.presence?.online === false) return;
    if (call.takeCarry(now)) emit({ kind: "carry", peer: this.key });
  }

  #askRelays({ asked, relays, only, now, emit }: Around): void {
    for (const relay of asked()) {
      const endpoint = relays.get(relay)?.endpoint;
      if (only !== null && endpoint !== undefined && transportOf(endpoint) !== only) continue;
      const isReached = this.candidates.some((one) => one.relay === relay && one.standing !== "lost");
      if (!isReached && this.#relayTries.begin(relay, now))
        emit({ kind: "openRelay", peer: this.key, relay, avoid: this.#relayTries.avoided(relay) });
    }
  }

  #needsRelay(now: Millis): boolean {
    return this.#call !== null || (this.#session !== null && this.#traffic.activity(now) === "busy");
  }

  #probe(around: Around): void {
    const { now, flowing, isAlarmed, emit } = around;
    if (this.#session === null) {
      this.#orders.empty({ active: [], standby: [] }, emit);
      return;
    }
    const paths = plan(this.#usable(around), {
      use: this.#use,
      activity: this.#traffic.activity(now),
      isFlowing: this.isFlowing(now),
      isHeavy: this.#traffic.isHeavy,
      keepMillis: this.#keeping?.probeMillis ?? null,
      eager: this.#eager,
      flowing,
      isAlarmed,
      now,
    });
    this.#orders.give({ paths, ...this.#use }, emit);
  }

  #decide({ now }: Around, text: string): void {
    this.decisions.push({ at: now, text });
    if (this.decisions.length > mostDecisions) this.decisions.shift();
  }
}

/** A relay opened it, and nothing came through. */
function isDeadEnd({ kind, standing, since }: Candidate, now: Millis): boolean {
  return standing === "probing" && kind === "relay" && now - since >= answersWithin;
}

function isStream(endpoint: Endpoint): boolean {
  return ["tcp", "tls", "wss"].includes(transportOf(endpoint));
}

/** Two handshakes that began at both ends at once make one session. */
const sameHandshake: Millis = 5000;
/** A path that only a session proved must echo within this time. */
const provisionalFor: Millis = 3000;
/** What a relay opened has to answer within this time, or it is asked for another way. */
const answersWithin: Millis = 4000;
/** A kept peer that did not answer is called again after this time. */
const keptAgain: Millis = 20_000;
/** Nothing answers for this long: the other end may have lost the session. */
const callAfter: Millis = 1000;
/** No way answers for this long: who has another gateway takes that one. */
const lostAfter: Millis = 300;
/** The same while it is called for the first time. */
const missedAfter: Millis = 1500;
/** A peer whose packets were missed this lately is called when it returns. */
const missedFor: Millis = 120_000;
/** Relays on standby are asked again within this time: one end is first, the other takes its offer. */
const standbyWithin: Millis = 3000;
/** How long a call without an answer is shown. */
const shownFor: Millis = 300_000;
const mostDecisions = 20;
