import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { insteadOf, policyText, readPolicy } from "../../../src-main/handlers/policy-text.ts";
import { Rulebook } from "../../../src-main/mesh/rulebook.ts";
import type { Subject } from "../../../src-main/mesh/selection.ts";
import { AppError } from "../../../src-shared/errors.ts";
import { identityOf } from "../../fakes/entries.ts";

describe("the example in the documentation", () => {
  it("[W04] is a policy, and its tests hold in a network like the one that it is for", () => {
    const text = readFileSync(join(import.meta.dirname, "../../../docs/policy.yaml"), "utf8");
    const { value } = readPolicy(text, "docs/policy.yaml");
    const everybody = ["ann-laptop", "bob", "nas", "build-01"].map((name, at) =>
      member(name, `10.77.0.${at + 1}`),
    );
    expect(new Rulebook({ policy: value, members: {} }, everybody).failedTest()).toBeNull();
    expect(value.rules).toHaveLength(5);
    expect(readPolicy(policyText(value), "again").value).toEqual(value);
    expect(readPolicy(JSON.stringify(value), "as JSON").value).toEqual(value);
  });
});

describe("a mistake in a policy", () => {
  const whole = (rules: string) => `default: none\ngroups:\n  admins: [ann]\nrules:\n${rules}`;
  it.each([
    ["default: [", "1:11: this is neither YAML nor JSON"],
    ["rules: []\n", "1:1: “default”: write all or none"],
    ["default: none\nrule: []", "2:1: there is no setting “rule”"],
    [whole("  - from: ann\n    to: [nas, a b]\n"), "6:15: “rules.0.to.1”: write a member's name, group:NAME"],
    [whole("  - from: ann\n    to: a b\n"), "6:5: “rules.0.to.0”: write a member's name"],
    [whole("  - from: group:admin\n    to: any\n"), "5:5: “rules.0.from.0”: there is no group “admin”"],
    [
      whole("  - from: any\n    to: any\n    ports: [tcp:22, tcp]\n    prots: x\n"),
      "8:5: there is no setting “rules.0.prots”",
    ],
    [
      whole("  - from: any\n    to: any\n    ports: [icmp, 'tcp:99999']\n"),
      "7:19: “rules.0.ports.1”: write tcp:22",
    ],
    [whole("  - from: any\n"), "5:5: “rules.0.to.0”: write a member's name"],
    [
      "default: none\ntests:\n  - { from: ann, to: nas, port: 22 }",
      "3:5: “tests.0.expect”: write accept or drop",
    ],
  ])("%j is named by line and column", (text, message) => {
    expect(refusal(text)).toContain(`policy.yaml:${message}`);
  });

  it("anything at all is read or refused with a place, never anything else", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        const told = refusal(text);
        expect(told === "" || /^policy\.yaml:\d+:\d+: /.test(told)).toBe(true);
      }),
    );
  });
});

describe("a test that does not hold", () => {
  it("is told with what is so instead", () => {
    const told = (text: string) => {
      const { value } = readPolicy(text, "policy");
      const everybody = [member("ann", "10.77.0.1"), member("nas", "10.77.0.2")];
      const failed = new Rulebook({ policy: value, members: {} }, everybody).failedTest();
      return failed === null ? "" : insteadOf(failed, value);
    };
    const test = "tests: [{ from: ann, to: nas, port: 22, expect: accept }]";
    expect(told(`default: all\n${test}`)).toBe("");
    expect(told(`default: none\n${test}`)).toBe(
      "ann → nas tcp:22 should be accepted, but the default drops it",
    );
    expect(told(`default: all\nrules: [{ from: any, to: nas, action: drop }]\n${test}`)).toBe(
      "ann → nas tcp:22 should be accepted, but rule 1 drops it",
    );
    expect(told("default: all\ntests: [{ from: eve, to: nas, port: icmp, expect: drop }]")).toBe(
      "eve → nas icmp should be dropped, but “eve” is no member",
    );
  });
});

function member(name: string, address: string): Subject {
  return { identity: identityOf(name), name, tags: [], addresses: [address], routes: [], gateway: null };
}

/** The complaint; empty when there is none. */
function refusal(text: string): string {
  try {
    readPolicy(text, "policy.yaml");
    return "";
  } catch (error) {
    if (error instanceof AppError && error.code === "usage") return error.message;
    throw error;
  }
}
