/** One peer that packets were wanted for: its session, its candidates, the path in use. Idle peers have none of this. */
import type { Millis, SessionKey } from "../../src-shared/ids.ts";
import type { ReasonCode } from "../../src-shared/status.ts";
import type { Around } from "./around.ts";
import type { Candidate } from "./candidate.ts";
import type { Channel } from "./candidates.ts";
import type { Standing } from "./contact.ts";
import { Contact } from "./contact.ts";
import type { Decision, Endpoint, Input, Measure } from "./effect.ts";
import { transportOf } from "./endpoint.ts";
import { Orders } from "./orders.ts";
import { PeerLinks } from "./peer-links.ts";
import { PeerPaths } from "./peer-paths.ts";
import { PeerTraffic } from "./peer-traffic.ts";
import { activityEnds, plan } from "./probing.ts";
import { RelayTries } from "./relay-tries.ts";
import type { DirectLink, Keeping } from "./relays.ts";
import type { Use } from "./use.ts";

/** Hears about one peer, keeps the best path to it. `settle` draws the conclusions. */
export class Peer {
  readonly key: SessionKey;
  readonly decisions: Decision[] = [];
  readonly #contact: Contact;
  readonly #traffic: PeerTraffic;
  readonly #orders: Orders;
  readonly #relayTries = new RelayTries();
  readonly #links = new PeerLinks();
  readonly #paths = new PeerPaths({
    relayTries: this.#relayTries,
    decide: (around, text) => this.#decide(around, text),
  });
  /** Since when unproved candidates are tried eagerly. */
  #eager: Millis;
  #keeping: Keeping | null = null;

  constructor(key: SessionKey, now: Millis) {
    this.key = key;
    this.#contact = new Contact(now);
    this.#traffic = new PeerTraffic(now);
    this.#orders = new Orders(key);
    this.#eager = now;
  }

  get candidates(): readonly Candidate[] {
    return this.#paths.candidates;
  }

  /** The candidate in use; null without a session. */
  get active(): Candidate | null {
    return this.#paths.active;
  }

  /** What carries its packets together, and what takes over. */
  get use(): Use {
    return this.#paths.use;
  }

  /** Since when its session stands; null without one. */
  get sessionSince(): Millis | null {
    return this.#contact.since;
  }

  /** The direct way in use, if it answers; null without one. */
  get link(): DirectLink | null {
    const { active } = this;
    const stands = this.#contact.answers && active?.standing === "proved";
    return !stands || active === null || active.kind === "relay" ? null : active;
  }

  /** Whether packets went to or came from it just now. */
  isFlowing(now: Millis): boolean {
    return this.#contact.since !== null && this.#traffic.isFlowing(now);
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
    return this.#contact.health(now, isAway);
  }

  /** Whether there is nothing to remember. */
  isForgettable(now: Millis): boolean {
    return this.#contact.isForgettable(now);
  }

  standing(now: Millis): Standing {
    return this.#contact.standing(this.#traffic.activity(now), now);
  }

  /** Why the path in use is used; null without one. */
  reason(around: Around): ReasonCode | null {
    const { since } = this.#contact;
    return since === null ? null : this.#paths.reason(since, around);
  }

  /** A packet waits for a session or a path. */
  handleWanted(around: Around): void {
    this.handleTraffic(around);
    if (this.#contact.call !== null) return;
    if (this.#contact.since === null) this.#begin(around.now, false);
    else if (this.#contact.answers) this.#remind(false, around);
  }

  /** The peer calls us over the rendezvous: it hears us only if we call as well. */
  handleCarried(around: Around): void {
    if (this.#contact.since !== null) this.#remind(true, around);
    else if (this.#contact.call === null) this.#begin(around.now, false);
  }

  /** Packets came or went, perhaps many; answers whether that changes anything. */
  handleTraffic({ now }: Pick<Around, "now">, isHeavy?: boolean): boolean {
    const wasFlowing = this.isFlowing(now);
    if (this.#traffic.activity(now) !== "busy") this.#eager = now;
    return this.#traffic.hear(now, isHeavy) || !wasFlowing;
  }

  handleSession(endpoint: Endpoint, rekey: boolean, around: Around): void {
    const { now } = around;
    const { isAgain, isNew, isRecovered } = this.#contact.establish(now, rekey);
    if (isNew && !isAgain) this.#traffic.hear(now);
    if (isNew) this.#restart(around);
    if (isRecovered) this.#eager = now;
    const candidate = this.#paths.learn(endpoint, around);
    if (candidate !== null && (candidate.standing !== "proved" || isAgain || isRecovered))
      this.#paths.prove(candidate, null, now);
    if (!rekey)
      this.#decide(around, isAgain ? `${around.name} began a new session` : `session with ${around.name}`);
  }

  handleEnded(reason: "no-answer" | "expired", around: Around): void {
    if (reason === "no-answer" && this.#contact.answers) {
      this.#contact.endCall();
      return;
    }
    if (reason === "no-answer") this.#decide(around, `${around.name} did not answer`);
    this.#hangUp();
    if (reason === "no-answer") this.#contact.miss(around.now);
  }

  handleHeard(endpoint: Endpoint, around: Around): void {
    if (this.#contact.isWanted) this.#paths.learn(endpoint, around);
  }

  handleProved(endpoint: Endpoint, rttMillis: number, around: Around): void {
    if (this.#contact.since === null) return;
    const candidate = this.#paths.learn(endpoint, around);
    if (candidate !== null) this.#paths.prove(candidate, rttMillis, around.now);
  }

  handleLost(endpoint: Endpoint, around: Around): void {
    this.#paths.lose(endpoint, around);
  }

  handleMeasured(measure: Measure, { now }: Around): void {
    this.#paths.measure(measure, now);
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
    this.#contact.expect(around.now);
    this.#paths.learnChannel(channel, around.now);
  }

  /** A link that this end opened stands, or does not any more. */
  handleLink(endpoint: Endpoint, up: boolean, around: Around): void {
    if (!this.#links.wants(endpoint)) return;
    if (!up) this.#paths.dropLink(endpoint, around);
    else if (this.#contact.isWanted) this.#paths.learnLink(endpoint, around);
  }

  /** A relay is reached elsewhere: its channels lead on as they did. */
  handleRelayMoved(
    move: { readonly relay: SessionKey; readonly from: Endpoint; readonly to: Endpoint },
    around: Around,
  ): void {
    this.#paths.moveRelay(move, around.now);
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
      const busy = this.#traffic.activity(now - slept.away) === "busy" || this.#contact.call !== null;
      this.#hangUp();
      if (busy) this.#begin(now, false);
      return;
    }
    const { since, call } = this.#contact;
    if (since !== null) this.#restart(around);
    if (call !== null) this.#begin(now, call.force);
  }

  /** The peer moved, and says so: a relay carries on until it is found where it is now. */
  handleMoved({ now, emit }: Around): void {
    if (this.#contact.since === null) return;
    this.#paths.restart("direct", now);
    this.#eager = now;
    this.#orders.keep((endpoint) => this.#paths.isRelayed(endpoint), emit);
  }

  /** The router sees the peer again. */
  handleReturned({ now }: Around): void {
    if (this.#contact.isMissed && now - this.#traffic.last < missedFor)
      this.#begin(now, this.#contact.since !== null);
  }

  /** A relay's channels are gone with its session. */
  handleRelayGone(relay: SessionKey, { now, random }: Around): void {
    const needed = this.active === null || this.active.relay === relay;
    this.#relayTries.gone(relay, needed ? now : now + random() * standbyWithin);
    this.#paths.dropRelay(relay);
  }

  /** Draws the conclusions of what was heard: whom to call, which path to take, what to probe. */
  settle(around: Around): void {
    const { keeping, now } = around;
    this.#keeping = keeping;
    // A session that is kept is called anew when it is gone.
    if (keeping?.calls === true && this.#contact.takeUp(now)) this.#begin(now, false);
    if (this.#contact.isWanted) this.#paths.refresh(around);
    const { since } = this.#contact;
    if (since !== null) {
      this.#paths.choose({ isHeavy: this.#traffic.wasHeavy(now), sessionSince: since }, around);
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
    this.#contact.tellTimes(at, this.#keeping?.calls === true);
    if (this.#needsRelay(now)) at(this.#relayTries.next());
    at(this.#links.next());
    if (this.#contact.since === null) return next;
    for (const end of activityEnds(this.#traffic.last)) at(end);
    at(this.#traffic.heavyEnd);
    this.#paths.tellTimes(at, this.#eager);
    return next;
  }

  #begin(now: Millis, force: boolean): void {
    this.#contact.begin(now, force);
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
      endpoints: this.#paths.usable(around).map(({ endpoint }) => endpoint),
      force,
    });
  }

  #hangUp(): void {
    this.#contact.hangUp();
    this.#paths.clear();
    this.#relayTries.clear();
  }

  /** All is to be proved anew; the data plane forgets its measurements by an emptied list. */
  #restart({ now, emit }: Around): void {
    this.#paths.restart("all", now);
    this.#eager = now;
    this.#contact.trust();
    this.#orders.empty(this.use, emit);
  }

  /** Opens links where plain UDP does not serve, closes them where it does. */
  #keepLinks(around: Around): void {
    const { now, offer, only, worked, random, emit } = around;
    const gone = this.#links.settle(
      {
        peer: this.key,
        candidates: this.candidates,
        offer,
        used: this.use,
        isWanted: this.#needsRelay(now),
        isHeavy: this.#traffic.isHeavy,
        eager: this.#eager,
        only,
        worked,
        now,
        random,
      },
      emit,
    );
    for (const endpoint of gone) this.#paths.dropLink(endpoint, around);
  }

  /** While nothing answers, the session itself is in doubt: after a moment the peer is called anew. */
  #mend(around: Around): void {
    const { now } = around;
    if (this.#paths.usable(around).some(({ standing }) => standing === "proved")) {
      this.#contact.stand();
      return;
    }
    if (this.#contact.fall(now)) {
      // Nothing is warm: everything else is tried at once, relays that kept us waiting are asked at once.
      this.#eager = now;
      this.#relayTries.hurry();
    }
    const isWorthIt = this.#keeping?.calls === true || this.#traffic.activity(now) !== "quiet";
    if (isWorthIt && this.#contact.isInDoubt(now)) this.#begin(now, true);
  }

  /** Message 1 to everywhere it was not sent yet; relays asked; the rendezvous used where relays cannot be. */
  #reach(around: Around): void {
    const { now, emit } = around;
    this.#contact.forgetMissed(now);
    if (this.#contact.call?.isOver(now) === true) this.handleEnded("no-answer", around);
    if (this.#needsRelay(now)) this.#askRelays(around);
    const { call } = this.#contact;
    if (call === null) return;
    const { hasBegun } = call;
    const endpoints = call.tell(this.#paths.usable(around).map(({ endpoint }) => endpoint));
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
    const { call, since } = this.#contact;
    return call !== null || (since !== null && this.#traffic.activity(now) === "busy");
  }

  #probe(around: Around): void {
    const { now, flowing, isAlarmed, emit } = around;
    if (this.#contact.since === null) {
      this.#orders.empty({ active: [], standby: [] }, emit);
      return;
    }
    const paths = plan(this.#paths.usable(around), {
      use: this.use,
      activity: this.#traffic.activity(now),
      isFlowing: this.isFlowing(now),
      isHeavy: this.#traffic.isHeavy,
      keepMillis: this.#keeping?.probeMillis ?? null,
      eager: this.#eager,
      flowing,
      isAlarmed,
      now,
    });
    this.#orders.give({ paths, ...this.use }, emit);
  }

  #decide({ now }: Around, text: string): void {
    this.decisions.push({ at: now, text });
    if (this.decisions.length > mostDecisions) this.decisions.shift();
  }
}

/** A peer whose packets were missed this lately is called when it returns. */
const missedFor: Millis = 120_000;
/** Relays on standby are asked again within this time: one end is first, the other takes its offer. */
const standbyWithin: Millis = 3000;
const mostDecisions = 20;
