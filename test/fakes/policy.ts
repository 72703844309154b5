/** Fake answers about who may reach whom: the real reading of policies, over the fake members. */
import { insteadOf, planStatus, policyText, readPolicy, ruled } from "../../src-main/handlers/policy-text.ts";
import { openBound } from "../../src-main/mesh/guard.ts";
import { cutOff, policyChanges } from "../../src-main/mesh/policy-changes.ts";
import { Rulebook } from "../../src-main/mesh/rulebook.ts";
import type { BoundPolicy, Subject } from "../../src-main/mesh/selection.ts";
import { Selection } from "../../src-main/mesh/selection.ts";
import { parsePrefix } from "../../src-shared/address.ts";
import type { Handlers } from "../../src-shared/api/contract.ts";
import { AppError } from "../../src-shared/errors.ts";
import { identityKey } from "../../src-shared/ids.ts";
import type { Policy } from "../../src-shared/policy.ts";
import { namesIn, parsePort } from "../../src-shared/policy.ts";
import type { PolicyStatus } from "../../src-shared/policy-status.ts";
import type { FakeWorld } from "./engine.ts";
import { requireAdmin } from "./members.ts";
import type { FakeNetwork } from "./network.ts";
import { membersOf } from "./network.ts";

type PolicyCalls =
  | "policy.read"
  | "policy.preview"
  | "policy.set"
  | "policy.default"
  | "policy.confirm"
  | "policy.check";

interface FakePolicy {
  bound: BoundPolicy;
  version: number;
  setAt: number | null;
  trial: { readonly until: number; readonly previous: BoundPolicy } | null;
  rolledBack: boolean;
}

export function policyHandlers(
  world: FakeWorld,
  inbound: () => Promise<boolean>,
): Pick<Handlers, PolicyCalls> {
  const policies = new Map<string, FakePolicy>();
  const at = (name: string | undefined) => {
    const network = name === undefined ? world.networks[0] : world.find(name);
    if (network === undefined) throw new AppError("usage", { detail: "This machine is in no network yet." });
    const fresh: FakePolicy = { bound: openBound, version: 0, setAt: null, trial: null, rolledBack: false };
    const state = policies.get(network.id) ?? fresh;
    policies.set(network.id, state);
    return { network, state };
  };
  const read = async (network: FakeNetwork, state: FakePolicy): Promise<PolicyStatus> => ({
    network: network.name,
    version: state.version,
    policy: state.bound.policy,
    text: policyText(state.bound.policy),
    setAt: state.setAt === null ? null : new Date(state.setAt).toISOString(),
    setBy: state.setAt === null ? null : network.ownName,
    trialUntil: state.trial === null ? null : new Date(state.trial.until).toISOString(),
    rolledBack: state.rolledBack,
    unbound: unboundIn(state.bound, subjectsOf(world, network)),
    renamed: [],
    admin: network.admin,
    inbound: await inbound(),
  });
  const plan = (network: FakeNetwork, state: FakePolicy, policy: Policy) => {
    const everybody = subjectsOf(world, network);
    const bound: BoundPolicy = { policy, members: {} };
    const range = parsePrefix(network.range);
    const changes = policyChanges(state.trial?.previous ?? state.bound, bound, {
      everybody,
      ranges: range === null ? [] : [range],
    });
    const talked = network.peers.filter(({ way }) => way === "direct" || way === "lan" || way === "relay");
    return {
      bound,
      changes,
      failed: new Rulebook(bound, everybody).failedTest(),
      cutsOff: cutOff(changes, network.ownName, new Set(talked.map(({ name }) => name))),
      unbound: unboundIn(bound, everybody),
    };
  };
  const set = async (
    network: FakeNetwork,
    state: FakePolicy,
    planned: ReturnType<typeof plan>,
    keep: boolean,
  ) => {
    requireAdmin(network);
    if (network.secret !== null)
      throw new AppError("not-with-secret", { name: network.name, what: "a policy" });
    const previous = state.trial?.previous ?? state.bound;
    const until = world.clock.now() + 60_000;
    state.bound = planned.bound;
    state.version++;
    state.setAt = world.clock.now();
    state.rolledBack = false;
    state.trial = keep || planned.cutsOff.length === 0 ? null : { until, previous };
    const { trial } = state;
    if (trial !== null)
      world.clock.after(60_000, () => {
        if (state.trial !== trial) return;
        Object.assign(state, { bound: previous, version: state.version + 1, trial: null, rolledBack: true });
        world.changed();
      });
    world.changed();
    return { status: await read(network, state), plan: planStatus(planned) };
  };
  const checked = (network: FakeNetwork, state: FakePolicy, text: string, name: string) => {
    const { value, fail } = readPolicy(text, name);
    const planned = plan(network, state, value);
    return planned.failed === null
      ? planned
      : fail(["tests", planned.failed.test], insteadOf(planned.failed, value));
  };
  return {
    "policy.read": async (input) => {
      const { network, state } = at(input.network);
      return read(network, state);
    },
    "policy.preview": async (input) => {
      const { network, state } = at(input.network);
      return planStatus(checked(network, state, input.text, input.name));
    },
    "policy.set": async (input) => {
      const { network, state } = at(input.network);
      return set(network, state, checked(network, state, input.text, input.name), input.keep);
    },
    "policy.default": async (input) => {
      const { network, state } = at(input.network);
      const planned = plan(network, state, { ...state.bound.policy, default: input.allow });
      if (planned.failed !== null)
        throw new AppError("policy-test", {
          test: planned.failed.test + 1,
          detail: insteadOf(planned.failed, planned.bound.policy),
        });
      return set(network, state, planned, input.keep);
    },
    "policy.confirm": async (input) => {
      const { network, state } = at(input.network);
      if (state.trial === null) throw new AppError("no-trial", { name: network.name });
      state.trial = null;
      state.version++;
      world.changed();
      return read(network, state);
    },
    "policy.check": async ({ network: wanted, from, to, port, text, name }) => {
      const { network, state } = at(wanted);
      const everybody = subjectsOf(world, network);
      const bound = text === undefined ? state.bound : { policy: readPolicy(text, name).value, members: {} };
      if (parsePort(port) === null) throw new AppError("usage", { detail: `“${port}”: write one port.` });
      const found = new Rulebook(bound, everybody).explain({ from, to, port });
      if ("unknown" in found)
        throw new AppError("unknown-peer", { name: found.unknown ?? to, network: network.name });
      const refusesInbound = to === network.ownName && !(await inbound());
      return { ...ruled(found, bound.policy), refusesInbound };
    },
  };
}

function subjectsOf(world: FakeWorld, network: FakeNetwork): readonly Subject[] {
  return membersOf(network, world.clock.now())
    .filter(({ approved }) => approved)
    .map(({ name, identity, address }) => ({
      identity: identityKey.parse(identity),
      name,
      tags: [],
      addresses: [address],
      routes: [],
      gateway: null,
    }));
}

function unboundIn(bound: BoundPolicy, everybody: readonly Subject[]): string[] {
  const selection = new Selection(bound, everybody);
  return [...namesIn(bound.policy)].filter((name) => selection.member(name) === null);
}
