import { describe, expect, it } from "vitest";
import type { Effect } from "../../../src-main/mesh/effect.ts";
import { Network } from "../../../src-main/mesh/network.ts";
import type { PolicyRecord } from "../../../src-shared/policy.ts";
import { policy } from "../../../src-shared/policy.ts";
import type { Entry, EntryOf } from "../../../src-shared/trust.ts";
import { entryOf, hashOf, identityOf, sessionOf, start, TestNetwork } from "../../fakes/entries.ts";

const net = new TestNetwork();
const members = [net.record(), net.admin("ada", 1), net.certificate("nas", 2), net.certificate("bob", 3)];
const second = 1000;

describe("the policy at a member", () => {
  it("[W04] [Z24] is set before the member's peers are, by the newest word of who may sign, and by nobody else's", () => {
    const { told, hear } = machine();
    const effects = hear([
      ...members,
      signed({ version: 1, policy: only("ada") }),
      signed({ version: 9, policy: only("bob") }, "bob"),
    ]);
    expect(effects.findIndex(({ kind }) => kind === "setFilter")).toBe(0);
    expect(effects.some(({ kind }) => kind === "setPeer")).toBe(true);
    expect(told.sources()).toEqual([addressOf(1)]);
    hear([signed({ version: 2, policy: only("bob") })]);
    expect(told.sources()).toEqual([addressOf(3)]);
    hear([signed({ version: 1, policy: only("nas") }, "ada")]);
    expect(told.sources()).toEqual([addressOf(3)]);
    expect(told.count()).toBe(2);
  });

  it("follows members that come, are given another name, and go", () => {
    const { told, hear } = machine();
    const bound = { bob: identityOf("bob") };
    hear([...members.slice(0, 3), signed({ version: 1, policy: only("bob"), members: bound })]);
    expect(told.sources()).toEqual([]);
    hear(members.slice(3));
    expect(told.sources()).toEqual([addressOf(3)]);
    hear([
      net.certificate("bob", 3, { name: "robert", serial: 2 }),
      net.certificate("eve", 4, { name: "bob" }),
    ]);
    expect(told.sources()).toEqual([addressOf(3)]);
    hear([net.certificate("bob", 7, { name: "robert", serial: 3 })]);
    expect(told.sources()).toEqual([addressOf(7)]);
    hear([net.revocation("bob", start)]);
    expect(told.sources()).toEqual([]);
  });

  it("does not count any more once its signer was removed for what it did", () => {
    const { told, hear } = machine();
    hear([
      ...members,
      signed({ version: 1, policy: only("bob") }),
      signed({ version: 2, policy: only("nas") }, "ada"),
    ]);
    expect(told.sources()).toEqual([addressOf(2)]);
    hear([net.revocation("ada", start)]);
    expect(told.sources()).toEqual([addressOf(3)]);
  });
});

describe("a policy on trial", () => {
  const trial = (change: Partial<PolicyRecord> = {}) =>
    signed({
      version: 2,
      at: start,
      policy: only("ada"),
      trial: { until: start + 60 * second, previous: { policy: only("bob"), members: {} } },
      ...change,
    });

  it("is taken back by every member itself after 60 s, whoever is gone by then", () => {
    const { told, hear, wait, network } = machine();
    hear([...members, signed({ version: 1, policy: only("bob") })]);
    hear([trial()], 1 * second);
    expect(told.sources()).toEqual([addressOf(1)]);
    expect(network.policy(start + 2 * second).trialUntil).toBe(start + 60 * second);
    expect(network.deadline()).toBeLessThanOrEqual(start + 60 * second);
    wait(59 * second);
    expect(told.sources()).toEqual([addressOf(1)]);
    wait(60 * second);
    expect(told.sources()).toEqual([addressOf(3)]);
    expect(network.policy(start + 61 * second)).toMatchObject({ trialUntil: null, isRolledBack: true });
  });

  it("stays when it is confirmed, and gives way to whatever else is set meanwhile", () => {
    const one = machine();
    one.hear([...members, trial()]);
    one.hear([signed({ version: 3, policy: only("ada") })], 30 * second);
    one.wait(61 * second);
    expect(one.told.sources()).toEqual([addressOf(1)]);
    const other = machine();
    other.hear([...members, trial()]);
    other.hear([signed({ version: 3, policy: only("nas") }, "ada")], 30 * second);
    other.wait(61 * second);
    expect(other.told.sources()).toEqual([addressOf(2)]);
  });

  it("leaves everything open again where there was none before", () => {
    const { told, hear, wait } = machine();
    hear([...members, trial({ trial: { until: start + 60 * second, previous: null } })]);
    expect(told.sources()).toEqual([addressOf(1)]);
    wait(60 * second);
    expect(told.filter()).toBeNull();
  });

  it("ends after 60 s where the clock is behind, and never begins where it is far ahead", () => {
    const behind = machine();
    behind.hear(members, -600 * second);
    behind.hear([trial()], -600 * second);
    expect(behind.told.sources()).toEqual([addressOf(1)]);
    behind.wait(-541 * second);
    expect(behind.told.sources()).toEqual([addressOf(1)]);
    behind.wait(-540 * second);
    expect(behind.told.sources()).toEqual([addressOf(3)]);
    const ahead = machine();
    ahead.hear([...members, trial()], 600 * second);
    expect(ahead.told.sources()).toEqual([addressOf(3)]);
  });

  it("is over for who hears of it after its end", () => {
    const late = machine();
    late.hear([...members, trial()], 61 * second);
    expect(late.told.sources()).toEqual([addressOf(3)]);
  });
});

describe("a member that refuses all inbound", () => {
  it("[Z25] lets in nothing but answers, whatever the policy says, until it wishes otherwise", () => {
    const { told, hear, feed } = machine();
    hear([...members, signed({ version: 1, policy: policy.parse({ default: "all" }) })]);
    expect(told.count()).toBe(0);
    feed({ kind: "inbound", accepts: false });
    expect(told.filter()).toEqual({ rules: [], otherwise: false });
    hear([signed({ version: 2, policy: only("bob") })]);
    expect(told.filter()).toEqual({ rules: [], otherwise: false });
    feed({ kind: "inbound", accepts: true });
    expect(told.sources()).toEqual([addressOf(3)]);
  });
});

type Filter = Extract<Effect, { kind: "setFilter" }>["filter"];

/** The machine of “nas”. */
function machine() {
  const filters: Filter[] = [];
  const network = new Network({
    network: net.id,
    self: { identity: identityOf("nas"), sessionKey: sessionOf("nas") },
    ownRelay: () => null,
    random: () => 0.5,
    hash: hashOf,
  });
  const feed = (input: Parameters<Network["handle"]>[0], at = 0) => {
    const effects = network.handle(input, start + at);
    for (const effect of effects) if (effect.kind === "setFilter") filters.push(effect.filter);
    return effects;
  };
  return {
    network,
    feed,
    hear: (entries: readonly Entry[], at = 0) => feed({ kind: "entries", entries }, at),
    wait: (at: number) => feed({ kind: "tick" }, at),
    told: {
      count: () => filters.length,
      filter: () => filters.at(-1) ?? null,
      /** IPv4 addresses that are let in; nothing is refused otherwise. */
      sources: () =>
        (filters.at(-1)?.rules ?? []).flatMap(({ from }) => from).filter((text) => !text.includes(":")),
    },
  };
}

function signed(
  change: Partial<PolicyRecord> & Pick<PolicyRecord, "version" | "policy">,
  by?: string,
): EntryOf<"policy"> {
  const body: PolicyRecord = { network: net.id, at: start, members: {}, ...change };
  return entryOf("policy", body, by === undefined ? net.issuer : identityOf(by));
}

function only(from: string): PolicyRecord["policy"] {
  return policy.parse({ default: "none", rules: [{ from, to: "any" }] });
}

function addressOf(number: number): string {
  return `10.77.0.${number}/32`;
}
