/** This node as a relay of one network: opens channels between members that have sessions here, or with the next relay. */
import { randomInt } from "node:crypto";
import type { z } from "zod";
import type { DataPlane } from "../../drivers/dataplane.ts";
import type { IdentityKey, Millis, SessionKey } from "../../src-shared/ids.ts";
import { controlKind, relayOpen, relayOpened } from "../../src-shared/wire.ts";
import type { Member, Membership } from "../mesh/membership.ts";
import { Openings } from "../mesh/openings.ts";
import { relayCost } from "../mesh/relays.ts";
import type { Route } from "../mesh/routing.ts";
import type { SessionRequests } from "./requests.ts";
import { parseJson } from "./requests.ts";
import type { Surroundings } from "./surroundings.ts";

export interface RelayingOptions {
  readonly realm: string;
  readonly self: { readonly identity: IdentityKey; readonly sessionKey: SessionKey };
  readonly surroundings: {
    readonly dataPlane: Pick<DataPlane, "openChannel">;
    readonly notary: Surroundings["notary"];
    readonly now: Surroundings["now"];
    readonly log: Surroundings["log"];
  };
  readonly membership: Membership;
  readonly requests: Pick<SessionRequests, "send">;
  /** Whether this node relays now. */
  readonly isOn: () => boolean;
  /** Neighbours that offer a way to a relay, the best first. */
  readonly ways: (to: IdentityKey) => readonly Route[];
  /** Relays that can be reached, nearest first. */
  readonly destinations: () => readonly IdentityKey[];
  /** Whether a direct session with a member stands. */
  readonly isLinked: (key: SessionKey) => boolean;
  /** A member does not answer though its session stands: it is to be looked at. */
  readonly doubt: (key: SessionKey) => void;
}

type Request = z.infer<typeof relayOpen>;
type Opened = z.infer<typeof relayOpened>;
type Refusal = Extract<Opened, { refused: string }>["refused"];

/** Who asks: the member at the beginning, and the one next to us. */
interface Asker {
  readonly member: Member;
  readonly from: SessionKey;
  readonly request: Request;
}

export class Relaying {
  readonly #options: RelayingOptions;
  readonly #openings = new Openings();
  /** Labels of channels for members that came through other relays, so that each has its own. */
  readonly #labels = new Map<string, number>();
  /** Relays that did not carry on what they offered to, until they are tried first again. */
  readonly #failed = new Map<string, Millis>();

  constructor(options: RelayingOptions) {
    this.#options = options;
  }

  /** A peer asks for a channel; answers with the body of the response. */
  async answer(from: SessionKey, body: string): Promise<string> {
    const opened = await this.#open(from, relayOpen.safeParse(parseJson(body)).data);
    if ("refused" in opened)
      this.#options.surroundings.log("relay refused", { from: this.#nameOf(from), cause: opened.refused });
    return JSON.stringify(opened);
  }

  /** A peer's session ended: what it asked for counts no more. */
  ended(peer: SessionKey): void {
    this.#openings.forget(peer);
  }

  async #open(from: SessionKey, request: Request | undefined): Promise<Opened> {
    const { self, membership, isOn } = this.#options;
    if (request === undefined || !isOn()) return refuse("not-allowed");
    const member = this.#asker(from, request);
    const to = membership.memberOf(request.to);
    if (member === null || request.to === self.sessionKey || request.to === member.sessionKey)
      return refuse("not-allowed");
    if (to === null || to.rank === "stock") return refuse("unknown");
    if (request.via?.includes(self.identity) === true) return refuse("offline");
    if (!this.#openings.spend(from, request.to, this.#options.surroundings.now())) return refuse("quota");
    const asker = { member, from, request };
    return this.#openHere(asker) ?? (await this.#openOnward(asker, to));
  }

  /** The member that the certificate names: the peer itself, or one for which a relay asks. */
  #asker(from: SessionKey, { certificate, via = [] }: Request): Member | null {
    const { membership, surroundings } = this.#options;
    const entry = surroundings.notary.verify(certificate);
    if (entry?.kind !== "certificate" || entry.body.network !== membership.network) return null;
    const member = membership.memberOf(entry.body.sessionKey);
    if (member?.identity !== entry.body.identity) return null;
    const { rank } = membership.judge(entry, surroundings.now());
    if (rank === undefined || rank === "pending" || rank === "stock") return null;
    if (via.length === 0) return entry.body.sessionKey === from ? member : null;
    const relay = membership.memberOf(from);
    return relay !== null && relayCost(relay) !== null && via.at(-1) === relay.identity ? member : null;
  }

  /** Both ends have sessions here; null if not. */
  #openHere({ member, from, request }: Asker): Opened | null {
    const { to, certificate, datagram, via = [] } = request;
    const { isLinked, doubt } = this.#options;
    if (!isLinked(to)) return null;
    const label = from === member.sessionKey ? undefined : this.#label(`${from} ${member.sessionKey} ${to}`);
    const channels = this.#channels(from, to, label);
    if (channels === null) return null;
    const offer = { from: member.sessionKey, channel: channels.to, certificate, datagram };
    const passed = via.length === 0 ? {} : { via: [...via].reverse() };
    // Without an answer the asking end hears nothing and tries again; there is nothing to undo.
    this.#answerOf(to, controlKind.relayOffer, { ...offer, ...passed }).then((answer) => {
      if (answer === null) doubt(to);
    }, this.#logFailure("relay offer failed"));
    return { channel: channels.from };
  }

  /** Through the next relay on the way to one that the member is on. */
  async #openOnward(asker: Asker, to: Member): Promise<Opened> {
    const { member, from, request } = asker;
    const { self } = this.#options;
    const { hops, via = [], avoid = [] } = request;
    if (hops <= 1 || via.length >= mostVia) return refuse("offline");
    // The one who asks may be a relay, too, and on the best way from here.
    const barred = new Set([...via, ...avoid, member.identity, self.identity]);
    for (const { towards, next } of this.#nextRelays(request, to, barred).slice(0, mostTries)) {
      const relay = this.#options.membership.member(next);
      if (relay === null) continue;
      const answer = await this.#ask(relay.sessionKey, {
        ...request,
        hops: hops - 1,
        via: [...via, self.identity],
        towards,
      });
      const channels = "channel" in answer ? this.#channels(from, relay.sessionKey, answer.channel) : null;
      if (channels !== null && "channel" in answer)
        return { channel: channels.from, via: [next, ...(answer.via ?? [])].slice(0, mostVia) };
      this.#demote(towards, next, "refused" in answer ? answer.refused : "no channel");
    }
    return refuse("offline");
  }

  /** The relays that may take it on: towards the one that was chosen before, else one that the member is on. */
  #nextRelays(
    { towards }: Request,
    to: Member,
    barred: ReadonlySet<IdentityKey>,
  ): readonly { readonly towards: IdentityKey; readonly next: IdentityKey }[] {
    const { self } = this.#options;
    if (towards !== undefined && towards !== self.identity) return this.#waysTo([towards], to, barred);
    const named = [...(relayCost(to) === null ? [] : [to.identity]), ...(to.node?.relays ?? [])];
    // Its record may be old: then others are asked that may have its session, where none was asked before.
    const others = towards === undefined ? this.#options.destinations() : [];
    return [...this.#waysTo(named as IdentityKey[], to, barred), ...this.#waysTo(others, to, barred)];
  }

  #waysTo(
    goals: readonly IdentityKey[],
    to: Member,
    barred: ReadonlySet<IdentityKey>,
  ): readonly { readonly towards: IdentityKey; readonly next: IdentityKey }[] {
    const { ways, surroundings } = this.#options;
    const now = surroundings.now();
    const found = goals.flatMap((towards) => ways(towards).map((way) => ({ towards, ...way })));
    const rank = ({ towards, next, metric }: (typeof found)[number]) =>
      metric + ((this.#failed.get(`${towards} ${next}`) ?? 0) > now ? failedRank : 0);
    return found
      .filter(({ next, towards }) => !barred.has(next) && !barred.has(towards) && next !== to.identity)
      .sort((one, other) => rank(one) - rank(other));
  }

  async #ask(relay: SessionKey, body: Request): Promise<Opened> {
    try {
      const answer = await this.#answerOf(relay, controlKind.relayOpen, body);
      if (answer === null) this.#options.doubt(relay);
      return relayOpened.safeParse(answer).data ?? refuse("offline");
    } catch (error) {
      this.#logFailure("relay onward failed")(error);
      return refuse("offline");
    }
  }

  /** Null when nothing came in time. */
  async #answerOf(peer: SessionKey, kind: number, body: object): Promise<unknown> {
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise<null>((resolve) => {
      timer = setTimeout(() => resolve(null), askMillis);
    });
    try {
      return await Promise.race([this.#options.requests.send(peer, kind, body), patience]);
    } finally {
      clearTimeout(timer);
    }
  }

  #logFailure(event: string): (error: unknown) => void {
    return (error) => this.#options.surroundings.log(event, { error: String(error) });
  }

  #demote(towards: IdentityKey, next: IdentityKey, cause: string): void {
    const { surroundings, membership } = this.#options;
    const name = (identity: IdentityKey) => membership.member(identity)?.certificate.name ?? "";
    surroundings.log("relay demoted", { relay: name(next), towards: name(towards), cause });
    if (this.#failed.size >= mostFailed) this.#failed.clear();
    this.#failed.set(`${towards} ${next}`, surroundings.now() + demotedMillis);
  }

  #channels(
    from: SessionKey,
    to: SessionKey,
    onward: number | undefined,
  ): { readonly from: number; readonly to: number } | null {
    const { surroundings, realm } = this.#options;
    try {
      return surroundings.dataPlane.openChannel(realm, from, to, onward);
    } catch (error) {
      const code = error instanceof Error && "code" in error ? error.code : null;
      if (code !== "ENOENT") surroundings.log("channel failed", { error: String(error) });
      if (code === "EEXIST") this.#labels.clear();
      return null;
    }
  }

  #label(name: string): number {
    const label = this.#labels.get(name) ?? randomInt(1, 2 ** 32);
    if (this.#labels.size >= mostLabels) this.#labels.clear();
    this.#labels.set(name, label);
    return label;
  }

  #nameOf(key: SessionKey): string {
    return this.#options.membership.memberOf(key)?.certificate.name ?? "";
  }
}

function refuse(refused: Refusal): Extract<Opened, { refused: string }> {
  return { refused };
}

/** Relays asked one after another for one channel; each may wait for the next. */
const mostTries = 3;
const askMillis = 2000;
const demotedMillis: Millis = 60_000;
/** Above every metric. */
const failedRank = 1e6;
const mostFailed = 4096;
const mostLabels = 65_536;
const mostVia = 15;
