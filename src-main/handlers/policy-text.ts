/** A policy and what it comes to, in the words of users. */
import { stringify } from "yaml";
import type { Policy, PolicyRule } from "../../src-shared/policy.ts";
import { policy as policySchema } from "../../src-shared/policy.ts";
import type { PolicyPlan as PlanStatus, PolicyRuling } from "../../src-shared/policy-status.ts";
import type { PolicyPlan } from "../engine/policy-acts.ts";
import type { FailedTest, FamilyRuling } from "../mesh/rulebook.ts";
import type { Written } from "../server/written.ts";
import { readWritten } from "../server/written.ts";

/** As people write it: what is usual is left out, a list of one is that one. */
export function policyText({ default: otherwise, groups, rules, tests }: Policy): string {
  const short = (list: readonly string[]) => (list.length === 1 ? list[0] : list);
  return stringify(
    {
      default: otherwise,
      ...(Object.keys(groups).length === 0 ? {} : { groups }),
      ...(rules.length === 0
        ? {}
        : {
            rules: rules.map(({ from, to, ports, action, comment }) => ({
              from: short(from),
              to: short(to),
              ...(ports.join() === "any" ? {} : { ports: short(ports) }),
              ...(action === "accept" ? {} : { action }),
              ...(comment === undefined ? {} : { comment }),
            })),
          }),
      ...(tests.length === 0 ? {} : { tests }),
    },
    { flowCollectionPadding: false, lineWidth: 110 },
  );
}

/** Reads a policy. Throws `usage` with line and column of what is wrong. */
export function readPolicy(text: string, name: string): Written<Policy> {
  return readWritten(text, {
    schema: policySchema,
    name,
    example: "write a policy, beginning with “default: none”",
  });
}

/** What a test expects, and what is so instead, in one line. */
export function insteadOf({ test, instead }: FailedTest, policy: Policy): string {
  const wanted = policy.tests[test];
  const title = `${wanted?.from} → ${wanted?.to} ${wanted?.port} should be ${wanted?.expect === "drop" ? "dropped" : "accepted"}`;
  if ("unknown" in instead) {
    if (instead.unknown === null) return `${title}, but the two have no family of addresses in common`;
    return `${title}, but “${instead.unknown}” is no member`;
  }
  const by = instead.rule === null ? "the default" : `rule ${instead.rule + 1}`;
  const family = instead.family === 6 ? " over IPv6" : "";
  return `${title}, but ${by} ${instead.action === "drop" ? "drops" : "accepts"} it${family}`;
}

/** A plan as users see it; of very many changes the first. */
export function planStatus({
  changes,
  cutsOff,
  unbound,
}: Pick<PolicyPlan, "changes" | "cutsOff" | "unbound">): PlanStatus {
  return {
    changes: changes.slice(0, mostChanges).map(({ from, to, lost, gained }) => ({
      from: [...from],
      to: [...to],
      lost: [...lost],
      gained: [...gained],
    })),
    more: Math.max(changes.length - mostChanges, 0),
    cutsOff: [...cutsOff],
    unbound: [...unbound],
  };
}

/** Rulings as users see them, with the rules in words. */
export function ruled(found: readonly FamilyRuling[], policy: Policy): Omit<PolicyRuling, "refusesInbound"> {
  return {
    action: found.some(({ action }) => action === "drop") ? "drop" : "accept",
    rulings: found.map(({ family, action, rule }) => ({
      family,
      action,
      rule: rule === null ? null : rule + 1,
      line: ruleLine(rule === null ? undefined : policy.rules[rule], policy),
    })),
  };
}

function ruleLine(rule: PolicyRule | undefined, policy: Policy): string {
  if (rule === undefined) return `default: ${policy.default}`;
  const { from, to, ports, action, comment } = rule;
  const line = `${from.join(", ")} → ${to.join(", ")}: ${ports.join(" ")} ${action}`;
  return comment === undefined ? line : `${line} (${comment})`;
}

const mostChanges = 500;
