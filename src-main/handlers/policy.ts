/** Calls about who may reach whom. */
import type { Handlers } from "../../src-shared/api/contract.ts";
import { AppError } from "../../src-shared/errors.ts";
import { namesIn, parsePort } from "../../src-shared/policy.ts";
import type { PolicyStatus } from "../../src-shared/policy-status.ts";
import { issuerOf } from "../engine/administration.ts";
import type { Engine } from "../engine/engine.ts";
import type { Held } from "../engine/held-networks.ts";
import type { PolicyPlan } from "../engine/policy-acts.ts";
import { PolicyActs } from "../engine/policy-acts.ts";
import { subjects } from "../mesh/guard.ts";
import { Rulebook } from "../mesh/rulebook.ts";
import { Selection } from "../mesh/selection.ts";
import type { Install } from "./install.ts";
import { onlyNetwork } from "./only-network.ts";
import { insteadOf, planStatus, policyText, readPolicy, ruled } from "./policy-text.ts";

type PolicyCalls = Pick<
  Handlers,
  "policy.read" | "policy.preview" | "policy.set" | "policy.default" | "policy.confirm" | "policy.check"
>;

/** Answers of the noun “policy”. */
export function policyHandlers({ engine }: Install): PolicyCalls {
  const at = (network: string | undefined) => {
    const held = onlyNetwork(engine, network);
    const loop = engine.networks.loop(held.stored.network);
    return { held, loop, acts: new PolicyActs(loop, engine.surroundings) };
  };
  const read = (network: string) => policyStatus(engine, engine.networks.find(network));
  return {
    "policy.read": async ({ network }) => read(at(network).held.stored.network),
    "policy.preview": async ({ network, text, name }) => {
      const { acts } = at(network);
      return planStatus(checkedPlan(acts, text, name));
    },
    "policy.set": async ({ network, text, name, keep }) => {
      const { held, acts } = at(network);
      const plan = checkedPlan(acts, text, name);
      await acts.set(plan, keep);
      return { status: read(held.stored.network), plan: planStatus(plan) };
    },
    "policy.default": async ({ network, allow, keep }) => {
      const { held, acts } = at(network);
      const plan = acts.plan({ ...acts.standing().bound.policy, default: allow });
      if (plan.failed !== null)
        throw new AppError("policy-test", {
          test: plan.failed.test + 1,
          detail: insteadOf(plan.failed, plan.bound.policy),
        });
      await acts.set(plan, keep);
      return { status: read(held.stored.network), plan: planStatus(plan) };
    },
    "policy.confirm": async ({ network }) => {
      const { held, acts } = at(network);
      await acts.confirm();
      return read(held.stored.network);
    },
    "policy.check": async ({ network, from, to, port, text, name }) => {
      const { held, loop, acts } = at(network);
      const bound =
        text === undefined ? acts.standing().bound : acts.plan(readPolicy(text, name).value).bound;
      const everybody = subjects(loop.machine.membership);
      if (parsePort(port) === null)
        throw new AppError("usage", {
          detail: `“${port}”: write one port, such as tcp:22 or udp:53, or icmp.`,
        });
      const found = new Rulebook(bound, everybody).explain({ from, to, port });
      if ("unknown" in found) {
        if (found.unknown === null)
          throw new AppError("usage", { detail: `${from} and ${to} have no family of addresses in common.` });
        throw new AppError("unknown-peer", { name: found.unknown, network: held.stored.name });
      }
      const own = loop.machine.ownCertificate()?.body;
      const target = new Selection(bound, everybody).choose([to]);
      return {
        ...ruled(found, bound.policy),
        refusesInbound:
          !engine.settings.inbound &&
          own !== undefined &&
          ([...target.subjects].some(({ identity }) => identity === own.identity) ||
            own.addresses.includes(to)),
      };
    },
  };
}

/** The policy of a network that is up. */
function policyStatus(engine: Engine, { stored, loop }: Held): PolicyStatus {
  if (loop === null) throw new AppError("network-off", { name: stored.name });
  const { membership } = loop.machine;
  const { bound, entry, trialUntil, isRolledBack } = loop.machine.policy(engine.surroundings.now());
  const selection = new Selection(bound, subjects(membership));
  const meant = [...namesIn(bound.policy)].map((name) => ({
    name,
    now: selection.member(name)?.name ?? null,
  }));
  return {
    network: stored.name,
    version: entry?.body.version ?? 0,
    policy: bound.policy,
    text: policyText(bound.policy),
    setAt: entry === null ? null : new Date(entry.body.at).toISOString(),
    setBy: entry === null ? null : (membership.view(entry.signer)?.certificate.name ?? null),
    trialUntil: trialUntil === null ? null : new Date(trialUntil).toISOString(),
    rolledBack: isRolledBack,
    unbound: meant.flatMap(({ name, now }) => (now === null ? [name] : [])),
    renamed: meant.flatMap(({ name, now }) =>
      now === null || now.toLowerCase() === name ? [] : [{ name, now }],
    ),
    admin: stored.secret === null && issuerOf(loop, engine.identity) !== null,
    inbound: engine.settings.inbound,
  };
}

/** The plan for a text whose tests hold. Throws `usage` with the place of what is wrong. */
function checkedPlan(acts: PolicyActs, text: string, name: string): PolicyPlan {
  const { value, fail } = readPolicy(text, name);
  const plan = acts.plan(value);
  return plan.failed === null ? plan : fail(["tests", plan.failed.test], insteadOf(plan.failed, value));
}
