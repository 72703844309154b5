/** Members that relay for others: who may ask, what is offered to whom, and the labels over several hops. */
import fc from "fast-check";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { Relaying } from "../../src-main/engine/relaying.ts";
import { Membership } from "../../src-main/mesh/membership.ts";
import type { Route } from "../../src-main/mesh/routing.ts";
import type { IdentityKey, SessionKey } from "../../src-shared/ids.ts";
import type { Certificate, Signed } from "../../src-shared/trust.ts";
import { controlKind, relayOffer, relayOpened } from "../../src-shared/wire.ts";
import type { TestDevice } from "../fakes/founded-network.ts";
import { FoundedNetwork, testDevice } from "../fakes/founded-network.ts";
import { createTestNotary, testEntry } from "../fakes/notary.ts";

const datagram = "AQIDBA==";

interface Machine {
  readonly name: string;
  readonly device: TestDevice;
  readonly certificate: Signed;
  relaying: Relaying;
  isOn: boolean;
  /** Who has a direct session here. */
  readonly sessions: Set<SessionKey>;
  readonly routes: Map<IdentityKey, Route[]>;
  /** Label → whose frames it takes, and what becomes of them. */
  readonly channels: Map<
    number,
    { readonly from: SessionKey; readonly to: SessionKey; readonly label: number }
  >;
}

/** Machines of one network, those that relay joined to each other. */
class Yard {
  readonly network = new FoundedNetwork();
  readonly notary = createTestNotary();
  readonly membership = new Membership(this.network.id, this.notary.hash);
  readonly machines = new Map<SessionKey, Machine>();
  readonly offers: { readonly to: SessionKey; readonly relay: Machine; readonly body: object }[] = [];
  readonly doubted: SessionKey[] = [];
  /** Whose answers do not come. */
  readonly silent = new Set<SessionKey>();
  now = this.network.now;
  #label = 100;

  constructor() {
    this.learn([this.network.signedRecord()]);
  }

  learn(entries: readonly Signed[]): void {
    const verified = entries.flatMap((signed) => this.notary.verify(signed) ?? []);
    this.membership.merge(verified, this.now);
  }

  add(
    name: string,
    options: { on?: readonly Machine[]; relay?: boolean; rights?: Certificate["rights"] } = {},
  ): Machine {
    const device = testDevice();
    const rights = options.rights ?? { relay: true, gateway: null, issue: false };
    const addresses = [`10.20.0.${this.machines.size + 2}`];
    const certificate = this.network.certificate(device, { name, addresses, rights });
    const record = {
      network: this.network.id,
      identity: device.identity.key,
      version: 1,
      candidates: [],
      relays: (options.on ?? []).map((relay) => relay.device.identity.key),
      ...(options.relay === true ? { relay: { cost: 5 } } : {}),
    };
    this.learn([certificate, testEntry("node", record, device.identity)]);
    const machine: Machine = {
      name,
      device,
      certificate,
      isOn: options.relay === true,
      sessions: new Set(),
      routes: new Map(),
      channels: new Map(),
      relaying: undefined as unknown as Relaying,
    };
    machine.relaying = new Relaying({
      realm: this.network.id,
      self: { identity: device.identity.key, sessionKey: device.sessionKey },
      membership: this.membership,
      surroundings: {
        notary: this.notary,
        now: () => this.now,
        log: () => undefined,
        dataPlane: { openChannel: (_, from, to, onward) => this.#open(machine, [from, to], onward) },
      },
      requests: { send: (peer, kind, body) => this.#ask(machine, peer as SessionKey, { kind, body }) },
      isOn: () => machine.isOn,
      ways: (to) => machine.routes.get(to) ?? [],
      destinations: () => [...machine.routes.keys()],
      isLinked: (key) => machine.sessions.has(key),
      doubt: (key) => this.doubted.push(key),
    });
    this.machines.set(device.sessionKey, machine);
    for (const relay of options.on ?? []) this.meet(machine, relay);
    return machine;
  }

  meet(one: Machine, other: Machine): void {
    one.sessions.add(other.device.sessionKey);
    other.sessions.add(one.device.sessionKey);
  }

  route(at: Machine, to: Machine, ...next: readonly Machine[]): void {
    at.routes.set(
      to.device.identity.key,
      next.map((one, rank) => ({ next: one.device.identity.key, metric: 10 + rank })),
    );
  }

  async ask(from: Machine, relay: Machine, to: Machine, change: object = {}) {
    const body = { to: to.device.sessionKey, certificate: from.certificate, datagram, hops: 8, ...change };
    return relayOpened.parse(
      JSON.parse(await relay.relaying.answer(from.device.sessionKey, JSON.stringify(body))),
    );
  }

  /** Carries a frame from a member into a relay under a label, to whom it comes out and under which label. */
  carry(from: Machine, relay: Machine, label: number): { readonly at: string; readonly label: number } {
    const channel = relay.channels.get(label);
    if (channel?.from !== from.device.sessionKey) return { at: "dropped", label };
    const next = this.machines.get(channel.to);
    if (next === undefined) return { at: "dropped", label };
    return next.channels.has(channel.label)
      ? this.carry(relay, next, channel.label)
      : { at: next.name, label: channel.label };
  }

  #open(machine: Machine, [from, to]: readonly [string, string], onward: number | undefined) {
    if (!machine.sessions.has(from as SessionKey) || !machine.sessions.has(to as SessionKey))
      throw Object.assign(new Error("no session"), { code: "ENOENT" });
    for (const [near, channel] of machine.channels) {
      if (channel.from === from && channel.to === to && (onward === undefined || channel.label === onward))
        return { from: near, to: channel.label };
    }
    if (onward !== undefined && machine.channels.has(onward))
      throw Object.assign(new Error("taken"), { code: "EEXIST" });
    const near = this.#label++;
    const far = onward ?? this.#label++;
    machine.channels.set(near, { from: from as SessionKey, to: to as SessionKey, label: far });
    machine.channels.set(far, { from: to as SessionKey, to: from as SessionKey, label: near });
    return { from: near, to: far };
  }

  async #ask(
    relay: Machine,
    peer: SessionKey,
    message: { readonly kind: number; readonly body: object },
  ): Promise<unknown> {
    const machine = this.machines.get(peer);
    if (machine === undefined || !relay.sessions.has(peer)) throw new Error("no session");
    if (this.silent.has(peer)) return null;
    if (message.kind === controlKind.relayOpen)
      return JSON.parse(await machine.relaying.answer(relay.device.sessionKey, JSON.stringify(message.body)));
    this.offers.push({ to: peer, relay, body: message.body });
    return {};
  }
}

describe("a member that relays", () => {
  let yard: Yard;
  let relay: Machine;
  let ann: Machine;
  let bob: Machine;
  beforeEach(() => {
    yard = new Yard();
    relay = yard.add("relay", { relay: true });
    ann = yard.add("ann", { on: [relay] });
    bob = yard.add("bob", { on: [relay] });
  });

  it("[C12] opens a channel for two members that have sessions with it, and offers the other its end", async () => {
    const opened = await yard.ask(ann, relay, bob);
    expect(opened).toEqual({ channel: expect.any(Number) });
    const [offer] = yard.offers;
    expect(offer?.to).toBe(bob.device.sessionKey);
    const told = relayOffer.parse(offer?.body);
    expect(told).toMatchObject({ from: ann.device.sessionKey, certificate: ann.certificate, datagram });
    if (!("channel" in opened)) throw new Error("refused");
    expect(yard.carry(ann, relay, opened.channel)).toEqual({ at: "bob", label: told.channel });
    expect(yard.carry(bob, relay, told.channel)).toEqual({ at: "ann", label: opened.channel });
  });

  it("[C12] [C16] refuses while it is off, and whom it may not serve, each for its reason", async () => {
    const stranger: Machine = { ...ann, device: testDevice() };
    const forged = yard.network.certificate(ann.device, { name: "ann" }, testDevice().identity);
    expect(await yard.ask(ann, relay, stranger)).toEqual({ refused: "unknown" });
    expect(await yard.ask(ann, relay, ann)).toEqual({ refused: "not-allowed" });
    expect(await yard.ask(ann, relay, relay)).toEqual({ refused: "not-allowed" });
    expect(await yard.ask(ann, relay, bob, { certificate: forged })).toEqual({ refused: "not-allowed" });
    expect(await yard.ask(ann, relay, bob, { certificate: bob.certificate })).toEqual({
      refused: "not-allowed",
    });
    // Only a relay may ask for somebody else.
    const lent = { certificate: bob.certificate, via: [ann.device.identity.key] };
    expect(await yard.ask(ann, relay, relay, lent)).toEqual({ refused: "not-allowed" });
    const cy = yard.add("cy", { on: [relay] });
    expect(await yard.ask(ann, relay, cy, lent)).toEqual({ refused: "not-allowed" });
    relay.isOn = false;
    expect(await yard.ask(ann, relay, bob)).toEqual({ refused: "not-allowed" });
    expect(yard.offers).toEqual([]);
  });

  it("[C12] has a member looked at that does not answer its offer, and leaves a session that is none any more", async () => {
    yard.silent.add(bob.device.sessionKey);
    expect(await yard.ask(ann, relay, bob)).toHaveProperty("channel");
    await vi.waitFor(() => expect(yard.doubted).toEqual([bob.device.sessionKey]), { timeout: 30_000 });
    relay.sessions.delete(bob.device.sessionKey);
    expect(await yard.ask(ann, relay, bob)).toEqual({ refused: "offline" });
  });

  it("spends an allowance per asking member", async () => {
    const answers = [];
    for (let at = 0; at < 210; at++) answers.push(await yard.ask(ann, relay, bob));
    expect(answers.filter((answer) => "channel" in answer)).toHaveLength(200);
    expect(answers.at(-1)).toEqual({ refused: "quota" });
    expect(await yard.ask(bob, relay, ann)).toHaveProperty("channel");
    yard.now += 1000;
    expect(await yard.ask(ann, relay, bob)).toHaveProperty("channel");
  });

  it("answers anything a member may send", async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.json(), fc.string()), async (body) => {
        const answer = await relay.relaying.answer(ann.device.sessionKey, body);
        expect(relayOpened.parse(JSON.parse(answer))).toEqual({ refused: "not-allowed" });
      }),
      { numRuns: 200 },
    );
  });
});

describe("several relays in a row", () => {
  let yard: Yard;
  let relays: Machine[];
  let ann: Machine;
  let bob: Machine;
  beforeEach(() => {
    yard = new Yard();
    relays = ["one", "two", "three"].map((name) => yard.add(name, { relay: true }));
    const [one, two, three] = relays as [Machine, Machine, Machine];
    yard.meet(one, two);
    yard.meet(two, three);
    ann = yard.add("ann", { on: [one] });
    bob = yard.add("bob", { on: [three] });
    yard.route(one, three, two);
    yard.route(two, three, three);
  });

  it("[C13] [P24] a channel leads over all of them, and each end learns which they are", async () => {
    const [one, two, three] = relays as [Machine, Machine, Machine];
    const opened = await yard.ask(ann, one, bob);
    const identity = (machine: Machine) => machine.device.identity.key;
    expect(opened).toEqual({ channel: expect.any(Number), via: [two, three].map(identity) });
    const offer = relayOffer.parse(yard.offers[0]?.body);
    expect(yard.offers[0]).toMatchObject({ to: bob.device.sessionKey, relay: three });
    expect(offer.via).toEqual([two, one].map(identity));
    if (!("channel" in opened)) throw new Error("refused");
    expect(yard.carry(ann, one, opened.channel)).toEqual({ at: "bob", label: offer.channel });
    expect(yard.carry(bob, three, offer.channel)).toEqual({ at: "ann", label: opened.channel });
  });

  it("[C13] members behind one relay have channels of their own at the next", async () => {
    const [one, , three] = relays as [Machine, Machine, Machine];
    const amy = yard.add("amy", { on: [one] });
    const first = await yard.ask(ann, one, bob);
    const second = await yard.ask(amy, one, bob);
    const again = await yard.ask(ann, one, bob);
    if (!("channel" in first) || !("channel" in second)) throw new Error("refused");
    expect(again).toEqual(first);
    const labels = yard.offers.map(({ body }) => relayOffer.parse(body).channel);
    expect(labels[2]).toBe(labels[0]);
    expect(yard.carry(bob, three, labels[0] ?? 0).at).toBe("ann");
    expect(yard.carry(bob, three, labels[1] ?? 0).at).toBe("amy");
  });

  it("[C13] a next relay that does not carry on is left for another one, and asked last from then on", async () => {
    const [one, two, three] = relays as [Machine, Machine, Machine];
    const spare = yard.add("spare", { relay: true });
    yard.meet(one, spare);
    yard.meet(spare, three);
    yard.route(one, three, two, spare);
    yard.route(spare, three, three);
    two.isOn = false;
    const opened = await yard.ask(ann, one, bob);
    expect(opened).toMatchObject({ via: [spare, three].map(({ device }) => device.identity.key) });
    two.isOn = true;
    expect(await yard.ask(ann, one, bob)).toEqual(opened);
    yard.now += 61_000;
    expect(await yard.ask(ann, one, bob)).toMatchObject({
      via: [two.device.identity.key, three.device.identity.key],
    });
    // The asking end found that it does not work through that one.
    const avoided = await yard.ask(ann, one, bob, { avoid: [two.device.identity.key] });
    expect(avoided).toMatchObject({ via: [spare.device.identity.key, three.device.identity.key] });
  });

  it("[C13] a relay that asks for itself is not asked back, though it has the best way", async () => {
    const [one, two, three] = relays as [Machine, Machine, Machine];
    const nan = yard.add("nan", { on: [one], relay: true });
    yard.route(one, three, nan, two);
    const asked = vi.spyOn(nan.relaying, "answer");
    const opened = await yard.ask(nan, one, bob);
    expect(opened).toMatchObject({ via: [two, three].map(({ device }) => device.identity.key) });
    expect(asked).not.toHaveBeenCalled();
  });

  it("[C13] never goes in a circle, though routes say so", async () => {
    const [one, two, three] = relays as [Machine, Machine, Machine];
    yard.route(two, three, one);
    expect(await yard.ask(ann, one, bob)).toEqual({ refused: "offline" });
    yard.route(one, three, two);
    yard.route(two, three, three);
    expect(await yard.ask(ann, one, bob, { hops: 2 })).toEqual({ refused: "offline" });
    expect(await yard.ask(ann, one, bob, { hops: 3 })).toHaveProperty("channel");
  });
});
