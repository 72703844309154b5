/** A policy read as a whole: which rule decides about a packet, and whether its own tests hold. */
import type { Address } from "../../src-shared/address.ts";
import { formatAddress, parseAddress } from "../../src-shared/address.ts";
import type { PolicyTest, Service } from "../../src-shared/policy.ts";
import { parsePort, parseSelector, parseService } from "../../src-shared/policy.ts";
import type { BoundPolicy, Chosen, Subject } from "./selection.ts";
import { isChosen, Selection } from "./selection.ts";

/** A packet to ask about. */
export interface Question {
  readonly from: Address;
  readonly to: Address;
  readonly protocol: Exclude<Service["protocol"], "any">;
  /** Destination port; null where the protocol has none. */
  readonly port: number | null;
}

/** What becomes of a packet, and the rule that says so by its place, from 0; null: none fits, so the default. */
export interface Ruling {
  readonly action: "accept" | "drop";
  readonly rule: number | null;
}

/** The ruling for one family of addresses. */
export interface FamilyRuling extends Ruling {
  readonly family: 4 | 6;
}

/** Why there is no ruling: an end that is neither a member nor an address; null: the ends have no family in common. */
export interface NoRuling {
  readonly unknown: string | null;
}

/** The first of a policy's tests that does not hold, by its place, and what is so instead. */
export interface FailedTest {
  readonly test: number;
  readonly instead: FamilyRuling | NoRuling;
}

/** A rule with everybody whom it means. */
export interface BoundRule {
  readonly from: Chosen;
  readonly to: Chosen;
  readonly services: readonly Service[];
  readonly action: "accept" | "drop";
}

/** A policy among the members of now. */
export class Rulebook {
  readonly rules: readonly BoundRule[];
  /** What becomes of packets that no rule fits. */
  readonly otherwise: "accept" | "drop";
  readonly #selection: Selection;
  readonly #tests: readonly PolicyTest[];

  constructor(bound: BoundPolicy, everybody: readonly Subject[]) {
    const selection = new Selection(bound, everybody);
    this.#selection = selection;
    this.#tests = bound.policy.tests;
    this.otherwise = bound.policy.default === "all" ? "accept" : "drop";
    this.rules = bound.policy.rules.map(({ from, to, ports, action }) => ({
      from: selection.choose(from),
      to: selection.choose(to),
      services: ports.flatMap((text) => parseService(text) ?? []),
      action,
    }));
  }

  /** Whom some selectors mean. */
  choose(texts: readonly string[]): Chosen {
    return this.#selection.choose(texts);
  }

  /** What becomes of a packet. */
  decide(question: Question): Ruling {
    const { from, to } = question;
    const [fromText, toText] = [formatAddress(from), formatAddress(to)];
    const rule = this.rules.findIndex(
      (each) =>
        isChosen(each.to, to, toText) &&
        isChosen(each.from, from, fromText) &&
        each.services.some((service) => covers(service, question)),
    );
    const found = this.rules[rule];
    return found === undefined ? { action: this.otherwise, rule: null } : { action: found.action, rule };
  }

  /** What becomes of `port` between two ends, members by name or addresses: a ruling for each family that both have. */
  explain({ from, to, port }: Pick<PolicyTest, "from" | "to" | "port">): readonly FamilyRuling[] | NoRuling {
    const service = parsePort(port);
    const [sources, targets] = [this.#addresses(from), this.#addresses(to)];
    if (sources === null) return { unknown: from };
    if (targets === null) return { unknown: to };
    const rulings = ([4, 6] as const).flatMap((family) => {
      const source = sources.find((address) => address.family === family);
      const target = targets.find((address) => address.family === family);
      if (source === undefined || target === undefined || service === null) return [];
      return [{ family, ...this.decide({ from: source, to: target, ...service }) }];
    });
    return rulings.length === 0 ? { unknown: null } : rulings;
  }

  /** The first of the policy's own tests that does not hold; null when all do. */
  failedTest(): FailedTest | null {
    for (const [test, wanted] of this.#tests.entries()) {
      const explained = this.explain(wanted);
      if ("unknown" in explained) return { test, instead: explained };
      const other = explained.find(({ action }) => action !== wanted.expect);
      if (other !== undefined) return { test, instead: other };
    }
    return null;
  }

  /** Addresses of a member, or the address itself; null for neither. */
  #addresses(text: string): readonly Address[] | null {
    const selector = parseSelector(text);
    if (selector?.kind === "prefix") return [selector.prefix];
    const member = selector?.kind === "member" ? this.#selection.member(selector.name) : null;
    return member === null ? null : member.addresses.flatMap((address) => parseAddress(address) ?? []);
  }
}

function covers({ protocol, ports }: Service, question: Question): boolean {
  if (protocol === "any") return true;
  if (protocol !== question.protocol) return false;
  const { port } = question;
  return (
    ports.length === 0 || (port !== null && ports.some(([first, last]) => first <= port && port <= last))
  );
}
