import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createNotary, signingKey } from "../../../src-main/engine/crypto.ts";
import type { NetworkLoop } from "../../../src-main/engine/loop.ts";
import { mostUnpacked, packBody, unpackBody } from "../../../src-main/engine/packed-body.ts";
import { PolicyActs } from "../../../src-main/engine/policy-acts.ts";
import { inherited, rollback } from "../../../src-main/engine/policy-entry.ts";
import type { Surroundings } from "../../../src-main/engine/surroundings.ts";
import { Network } from "../../../src-main/mesh/network.ts";
import { toBase64 } from "../../../src-shared/bytes.ts";
import type { Policy } from "../../../src-shared/policy.ts";
import { policy } from "../../../src-shared/policy.ts";
import type { Certificate, Entry, Signed } from "../../../src-shared/trust.ts";
import { mostBody } from "../../../src-shared/trust.ts";
import { FoundedNetwork, testDevice } from "../../fakes/founded-network.ts";
import { createRandom } from "../../fakes/random.ts";

const start = 1_800_000_000_000;
const second = 1000;

describe("setting a policy", () => {
  it("[W04] binds names to the members that bear them; whoever takes a name later is not meant, not even when it is set again", async () => {
    const world = new World();
    await world.set({
      default: "none",
      rules: [
        { from: "Bob", to: "any" },
        { from: "carol", to: "any" },
      ],
    });
    expect(world.record().members).toEqual({ bob: world.bob.identity.key });
    world.learn(world.certificate(world.bob, { name: "robert", addresses: ["10.20.0.2"], serial: 2 }));
    world.learn(world.certificate(testDevice(), { name: "bob", addresses: ["10.20.0.9"] }));
    const plan = world.acts.plan(
      policy.parse({ default: "none", rules: [{ from: "bob", to: "any", ports: "icmp" }] }),
    );
    expect(plan.bound.members).toEqual({ bob: world.bob.identity.key });
    expect(
      world.acts.plan(policy.parse({ default: "none", rules: [{ from: "carol", to: "any" }] })).unbound,
    ).toEqual(["carol"]);
  });

  it("refuses a name that several bear", () => {
    const world = new World();
    world.learn(world.certificate(testDevice(), { name: "BOB", addresses: ["10.20.0.9"] }));
    expect(() =>
      world.acts.plan(policy.parse({ default: "none", rules: [{ from: "bob", to: "any" }] })),
    ).toThrow(expect.objectContaining({ code: "ambiguous-peer" }));
  });

  it("is refused to who may not, in a network kept by a secret, and when it is too large", async () => {
    const member = new World({ admin: false });
    await expect(member.set({ default: "none" })).rejects.toMatchObject({
      code: "not-admin",
      data: { devices: "none known" },
    });
    const secret = new World({ secret: true });
    await expect(secret.set({ default: "none" })).rejects.toMatchObject({ code: "not-with-secret" });
    const world = new World();
    const random = createRandom(5);
    const rules = Array.from({ length: 2000 }, () => ({
      from: "bob",
      to: "any",
      comment: toBase64(random.bytes(200)),
    }));
    await expect(world.set({ default: "none", rules })).rejects.toMatchObject({
      code: "policy-too-large",
      data: { most: 262_144 },
    });
    expect(world.acts.standing().entry).toBeNull();
  });
});

describe("a policy of 10,000 rules", () => {
  it("fits with names and ports of all kinds, also on trial, and is read as it was written", async () => {
    const world = new World();
    const random = createRandom(10);
    const name = () => random.pick(["bob", "nas", "eve", "ada"]);
    const below = (most: number) => Math.floor(random.next() * most);
    const rules = Array.from({ length: 10_000 }, (_, at) => ({
      from: [name(), `10.20.${below(256)}.${below(256)}`],
      to: name(),
      ports: `tcp:${below(65_536)}`,
      ...(at % 4 === 0 ? { comment: `ticket ${at}` } : {}),
    }));
    await world.set({ default: "none", rules }, true);
    expect(world.record().policy).toEqual(policy.parse({ default: "none", rules }));
    const fewer = rules.filter(({ to }) => to !== "ada");
    expect(await world.set({ default: "none", rules: fewer })).not.toBeNull();
    expect(world.record().trial?.previous?.policy.rules).toHaveLength(10_000);
    const carried = world.acts.standing().entry?.signed.body.length ?? 0;
    console.log(`10,000 rules, and ${fewer.length} on trial: ${carried} characters`);
    expect(carried).toBeLessThan(mostBody);
  });

  it("that unpacks to more than any policy has, or is damaged, is none", () => {
    const long = packBody(JSON.stringify({ policy: "x".repeat(mostUnpacked) }));
    expect(long.length).toBeLessThan(10_000);
    expect(unpackBody(long)).toBeNull();
    const text = JSON.stringify({ rules: Array.from({ length: 2000 }, (_, at) => `tcp:${at}`) });
    const packed = packBody(text);
    expect(unpackBody(packed)).toBe(text);
    fc.assert(
      fc.property(fc.nat(packed.length - 1), fc.string({ maxLength: 8 }), (at, other) => {
        const damaged = unpackBody(packed.slice(0, at) + other + packed.slice(at + other.length));
        expect(damaged === null || damaged.length <= mostUnpacked).toBe(true);
      }),
      { numRuns: 300, seed: 3 },
    );
  });
});

describe("a policy that could cut its author off", () => {
  const open = { default: "none", rules: [{ from: ["ada", "eve"], to: ["ada", "eve"] }] };

  it("is on trial, taken back by its author for good after a minute, and by others all the same", async () => {
    const world = new World();
    await world.set(open);
    expect(world.acts.standing().trialUntil).toBeNull();
    expect(await world.set({ default: "none" })).toBe(start + 60 * second);
    expect(world.record().trial?.previous?.policy).toEqual(policy.parse(open));
    expect(world.rollback()).toEqual([]);
    world.now = start + 60 * second;
    world.tick();
    expect(world.acts.standing()).toMatchObject({ isRolledBack: true, bound: { policy: { rules: [{}] } } });
    world.learn(...world.rollback());
    expect(world.record()).toMatchObject({ version: 3, policy: { rules: [{}] } });
    expect(world.record().trial).toBeUndefined();
    expect(world.rollback()).toEqual([]);
  });

  it("stays once confirmed, and what was tried and not confirmed is no way back", async () => {
    const world = new World();
    await world.set(open);
    await world.set({ default: "none" });
    const again = await world.set({ default: "none", rules: [{ from: "bob", to: "nas" }] });
    expect(again).not.toBeNull();
    expect(world.record().trial?.previous?.policy).toEqual(policy.parse(open));
    await world.acts.confirm();
    world.now = start + 120 * second;
    world.tick();
    expect(world.acts.standing()).toMatchObject({
      isRolledBack: false,
      trialUntil: null,
      bound: { policy: { default: "none" } },
    });
    await expect(world.acts.confirm()).rejects.toMatchObject({ code: "no-trial" });
  });

  it("is for good at once when its author says so", async () => {
    const world = new World();
    expect(await world.set({ default: "none" }, true)).toBeNull();
    expect(world.record().trial).toBeUndefined();
  });

  it("cannot be confirmed once its time is over", async () => {
    const world = new World();
    await world.set({ default: "none" });
    world.now = start + 61 * second;
    await expect(world.acts.confirm()).rejects.toMatchObject({ code: "no-trial" });
  });
});

it("[W04] whoever removes an administrator stands for the policy that it had set", async () => {
  const world = new World();
  world.learn(world.certificate(world.eve, { name: "eve", addresses: ["10.20.0.3"], rights: admin }));
  await world.set({ default: "none" }, true);
  const own = world.record();
  expect(inherited(world.network.membership, world.eve.identity.key, world.issuer)).toEqual([]);
  const [kept] = inherited(world.network.membership, world.ada.identity.key, world.issuer);
  expect(JSON.parse(kept?.body ?? "")).toEqual({ ...own, version: own.version + 1 });
  expect(kept?.key).toBe(world.issuer.key);
});

const admin: Certificate["rights"] = { relay: true, gateway: [], issue: true };

/** A network in which “ada”, this machine, is an administrator; “eve” is another one, “bob” and “nas” are members. */
class World {
  now = start;
  readonly founded;
  readonly issuer;
  readonly ada;
  readonly bob = testDevice();
  readonly eve = testDevice();
  readonly network: Network;
  readonly acts: PolicyActs;
  readonly #notary = createNotary();

  constructor(options: { readonly admin?: boolean; readonly secret?: boolean } = {}) {
    this.ada = { ...testDevice(), identity: signingKey(new Uint8Array(32).fill(7)) };
    this.issuer = signingKey(new Uint8Array(32).fill(8));
    this.founded = new FoundedNetwork({ now: start, secret: options.secret ?? false, issuer: this.issuer });
    this.network = new Network({
      network: this.founded.id,
      self: { identity: this.ada.identity.key, sessionKey: this.ada.sessionKey },
      ownRelay: () => null,
      random: () => 0.5,
      hash: this.#notary.hash,
    });
    const isAdmin = options.admin ?? true;
    this.learn(
      this.founded.signedRecord(),
      this.certificate(this.ada, {
        name: "ada",
        addresses: ["10.20.0.1"],
        ...(isAdmin ? { rights: admin } : {}),
      }),
      this.certificate(this.bob, { name: "bob", addresses: ["10.20.0.2"] }),
      this.certificate(testDevice(), { name: "nas", addresses: ["10.20.0.4"] }),
      this.certificate(this.eve, {
        name: "eve",
        addresses: ["10.20.0.3"],
        ...(isAdmin ? { rights: admin } : {}),
      }),
    );
    const loop = {
      machine: this.network,
      stored: {
        network: this.founded.id,
        name: "home",
        secret: options.secret ? "secret" : null,
        issuerSeed: null,
      },
      online: async () => undefined,
      publish: async (entries: readonly Signed[]) => this.learn(...entries),
    };
    const surroundings = { identity: this.ada.identity, notary: this.#notary, now: () => this.now };
    this.acts = new PolicyActs(loop as unknown as NetworkLoop, surroundings as unknown as Surroundings);
  }

  certificate(device: ReturnType<typeof testDevice>, change: Partial<Certificate>): Signed {
    return this.founded.certificate(device, change);
  }

  learn(...signed: readonly Signed[]): void {
    const entries = signed
      .map((each) => this.#notary.verify(each))
      .filter((each): each is Entry => each !== null);
    expect(entries).toHaveLength(signed.length);
    this.network.handle({ kind: "entries", entries }, this.now);
  }

  tick(): void {
    this.network.handle({ kind: "tick" }, this.now);
  }

  set(given: object, keep = false): Promise<number | null> {
    const read: Policy = policy.parse(given);
    return this.acts.set(this.acts.plan(read), keep);
  }

  record() {
    const entry = this.network.membership.policyEntry;
    if (entry === null) throw new Error("no policy");
    return entry.body;
  }

  rollback(): readonly Signed[] {
    return rollback(this.acts.standing(), this.ada.identity, this.now);
  }
}
