/** Members that look for each other through peers they both know, and news that travels inside sessions. */
import fc from "fast-check";
import { beforeEach, describe, expect, it, vi } from "vitest";
import { answerExchange } from "../../src-main/engine/exchange.ts";
import { Gossip } from "../../src-main/engine/gossip.ts";
import { Seeking } from "../../src-main/engine/seeking.ts";
import type { Input } from "../../src-main/mesh/effect.ts";
import { Network } from "../../src-main/mesh/network.ts";
import type { SessionKey } from "../../src-shared/ids.ts";
import type { Entry, Signed } from "../../src-shared/trust.ts";
import { controlKind } from "../../src-shared/wire.ts";
import type { TestDevice } from "../fakes/founded-network.ts";
import { FoundedNetwork, testDevice } from "../fakes/founded-network.ts";
import { createTestNotary, testEntry } from "../fakes/notary.ts";

/** One member: its machine, and what of the engine passes news and calls on. */
class Party {
  readonly device: TestDevice = testDevice();
  readonly certificate: Signed;
  readonly machine: Network;
  readonly seeking: Seeking;
  readonly gossip: Gossip;
  /** Inputs fed by seeking. */
  readonly fed: Input[] = [];

  readonly yard: Yard;
  readonly place: string;

  constructor(yard: Yard, place: string) {
    this.yard = yard;
    this.place = place;
    const { network, notary } = yard;
    const addresses = [`10.20.0.${yard.parties.length + 2}`];
    this.certificate = network.certificate(this.device, { name: `node-${yard.parties.length}`, addresses });
    this.machine = new Network({
      network: network.id,
      self: { identity: this.device.identity.key, sessionKey: this.device.sessionKey },
      ownRelay: () => null,
      random: () => 0.5,
      hash: notary.hash,
    });
    const requests = {
      send: async (to: string, kind: number, body: object) =>
        yard.carry(this, to as SessionKey, { kind, body }),
    };
    const log = () => undefined;
    this.gossip = new Gossip({ machine: this.machine, requests, log });
    this.seeking = new Seeking({
      machine: this.machine,
      requests,
      log,
      surroundings: {
        notary,
        now: () => network.now,
        whereabouts: { candidates: () => [{ endpoint: place, kind: "lan" }] },
      } as never,
      certificate: () => this.certificate,
      feed: (input) => {
        this.fed.push(input);
        this.machine.handle(input, network.now);
      },
      learn: (entries) => this.learn(entries),
    });
  }

  learn(entries: readonly Signed[], from: SessionKey | null = null): void {
    const verified = entries.flatMap((signed) => this.yard.notary.verify(signed) ?? []);
    const news = verified.filter((entry) => !this.machine.membership.holds(entry));
    this.machine.handle({ kind: "entries", entries: verified }, this.yard.network.now);
    this.gossip.heard(news, from);
  }

  /** The own record as told at some time. */
  record(version: number, change: object = {}): Signed {
    const candidates = [{ endpoint: this.place, kind: "lan" }];
    const body = {
      network: this.yard.network.id,
      identity: this.device.identity.key,
      version,
      candidates,
      relays: [],
    };
    return testEntry("node", { ...body, ...change }, this.device.identity);
  }

  knows(signed: Signed): boolean {
    return this.machine.membership
      .entries()
      .some((entry: Entry) => entry.signed.signature === signed.signature);
  }
}

class Yard {
  readonly network = new FoundedNetwork();
  readonly notary = createTestNotary();
  readonly parties: Party[] = [];
  /** What was told, by whom to whom. */
  readonly told: string[] = [];

  add(place: string): Party {
    const party = new Party(this, place);
    this.parties.push(party);
    const founding = [this.network.signedRecord(), ...this.parties.map(({ certificate }) => certificate)];
    for (const each of this.parties) each.learn(founding);
    return party;
  }

  /** A session between the two stands, direct at both ends. */
  meet(one: Party, other: Party): void {
    for (const [near, far] of [
      [one, other],
      [other, one],
    ] as const) {
      const at = { peer: far.device.sessionKey, endpoint: far.place };
      near.machine.handle({ kind: "session", ...at, initiator: true, rekey: false }, this.network.now);
      near.machine.handle({ kind: "proved", ...at, rttMillis: 5 }, this.network.now);
    }
  }

  async carry(
    from: Party,
    to: SessionKey,
    message: { readonly kind: number; readonly body: object },
  ): Promise<unknown> {
    const party = this.parties.find(({ device }) => device.sessionKey === to);
    if (party === undefined || from.machine.linkOf(to) === null) throw new Error("no session");
    const body = JSON.stringify(message.body);
    this.told.push(`${from.place} ${to} ${body.length} ${party.place}`);
    if (message.kind === controlKind.seek)
      return JSON.parse(party.seeking.answer(from.device.sessionKey, body));
    const exchanged = answerExchange(body, { digest: "other", entries: [] });
    party.learn(exchanged?.entries ?? [], from.device.sessionKey);
    return JSON.parse(exchanged?.answer ?? "{}");
  }
}

describe("seeking a member through common peers", () => {
  let yard: Yard;
  let ann: Party;
  let bob: Party;
  let common: Party;
  beforeEach(() => {
    yard = new Yard();
    [ann, common, bob] = ["203.0.113.1:7743", "203.0.113.2:7743", "203.0.113.3:7743"].map((at) =>
      yard.add(at),
    ) as [Party, Party, Party];
    yard.meet(ann, common);
    yard.meet(common, bob);
  });

  it("[Z17] [W11] tells where it is heard now, and has it call back", async () => {
    common.learn([bob.record(7)]);
    await ann.seeking.seek(bob.device.sessionKey);
    expect(ann.knows(bob.record(7))).toBe(true);
    expect(ann.fed).toContainEqual({ kind: "heard", peer: bob.device.sessionKey, endpoint: bob.place });
    await vi.waitFor(
      () => {
        expect(bob.fed).toEqual([
          { kind: "carried", peer: ann.device.sessionKey },
          { kind: "heard", peer: ann.device.sessionKey, endpoint: ann.place },
        ]);
      },
      { timeout: 30_000 },
    );
  });

  it("passes nothing on for strangers, for others' certificates, or without end", async () => {
    const body = (change: object) =>
      JSON.stringify({ seek: bob.device.sessionKey, certificate: ann.certificate, endpoints: [], ...change });
    const ask = (change: object) => common.seeking.answer(ann.device.sessionKey, body(change));
    expect(ask({ certificate: bob.certificate })).toBe("{}");
    expect(ask({ endpoints: ["evil.example:1"] })).toBe("{}");
    expect(ask({ seek: testDevice().sessionKey })).toBe('{"entries":[],"endpoints":[]}');
    expect(bob.fed).toEqual([]);
    for (let times = 0; times < 40; times++) ask({});
    await vi.waitFor(() => expect(bob.fed.length).toBeGreaterThan(0), { timeout: 30_000 });
    expect(bob.fed.filter(({ kind }) => kind === "carried").length).toBeLessThanOrEqual(20);
  });

  it("answers anything a peer may send", () => {
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.string()), (body) => {
        expect(common.seeking.answer(ann.device.sessionKey, body)).toBe("{}");
      }),
    );
  });
});

describe("news without a router", () => {
  it("[Z17] where somebody is goes from relay to relay and to nobody else; a new member to all, each once", async () => {
    const yard = new Yard();
    const parties = [1, 2, 3, 4, 5].map((number) => yard.add(`203.0.113.${number}:7743`));
    const [leaf, one, two, three, other] = parties as [Party, Party, Party, Party, Party];
    const relays = [one, two, three];
    for (const party of parties) party.learn(relays.map((relay) => relay.record(2, { relay: { cost: 5 } })));
    for (const relay of relays) relay.machine.handle({ kind: "relaying", cost: 5 }, yard.network.now);
    for (const [near, far] of [
      [leaf, one],
      [one, two],
      [two, three],
      [three, other],
    ] as const)
      yard.meet(near, far);
    expect(one.machine.relays.links()).toHaveLength(1);
    for (const { gossip } of parties) gossip.forget();
    const told = leaf.record(9);
    leaf.learn([told]);
    await vi.waitFor(() => expect(relays.every((relay) => relay.knows(told))).toBe(true), {
      timeout: 30_000,
    });
    expect(other.knows(told)).toBe(false);
    const before = yard.told.length;
    const newcomer = yard.network.certificate(testDevice(), { name: "newcomer", addresses: ["10.20.9.9"] });
    leaf.learn([newcomer]);
    await vi.waitFor(() => expect(other.knows(newcomer)).toBe(true), { timeout: 30_000 });
    expect(yard.told.slice(before)).toHaveLength(4);
  });
});
