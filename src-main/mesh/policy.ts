/** What a policy comes to at one receiver: the rules of its packet filter. */
import type { Prefix } from "../../src-shared/address.ts";
import { contains, overlaps, parsePrefix } from "../../src-shared/address.ts";
import type { IdentityKey } from "../../src-shared/ids.ts";
import type { Service } from "../../src-shared/policy.ts";
import { parseService } from "../../src-shared/policy.ts";
import type { BoundPolicy, Chosen, Subject } from "./selection.ts";
import { isChosen, prefixTexts, Selection } from "./selection.ts";

/** A rule of the packet filter, as the data plane takes it. */
export interface FilterRule {
  /** Prefixes; empty: any. */
  readonly from: readonly string[];
  readonly to: readonly string[];
  readonly protocol: Service["protocol"];
  /** Destination ports, first and last; empty: any. */
  readonly ports: Service["ports"];
  readonly allow: boolean;
}

/** The first rule that fits decides, else `otherwise`. */
export interface Filter {
  readonly rules: readonly FilterRule[];
  readonly otherwise: boolean;
}

/**
 * The filter of one receiver: of the rules only what concerns packets to its own addresses, to what it routes, and to and from
 * the stock clients that it serves. Null: everything is let in.
 */
export function compile(bound: BoundPolicy, everybody: readonly Subject[], self: IdentityKey): Filter | null {
  const selection = new Selection(bound, everybody);
  const here = new Set(everybody.filter(({ identity, gateway }) => identity === self || gateway === self));
  const served = new Set([...here].filter(({ gateway }) => gateway === self));
  const routed = [...here].flatMap(({ routes }) => parsePrefixes(routes));
  const own = [...here].flatMap(({ addresses }) => addresses);
  const near = [...parsePrefixes([...own, ...everybodyAtOnce]), ...routed];
  const whatever = once((texts) => listOf(selection.choose(texts)));
  // A way out leads to other members, too: what they refuse is not to be had by a detour.
  const isNear = (subject: Subject) =>
    here.has(subject) ||
    (routed.length > 0 && subject.addresses.some((text) => routed.some((each) => isWithin(each, text))));
  const targets = once((texts) => {
    const { any, prefixes, ...rest } = selection.choose(texts);
    const close = prefixes.filter((prefix) => near.some((each) => overlaps(each, prefix)));
    return any ? null : prefixTexts({ any, prefixes: close, ...rest }, isNear);
  });
  const clients = once((texts) => clientsIn(selection.choose(texts), served));
  const services = once((texts) => texts.flatMap((text) => parseService(text) ?? []));
  const rules: FilterRule[] = [];
  const otherwise = bound.policy.default === "all";
  for (const { from, to, ports, action } of bound.policy.rules) {
    const add = (source: readonly string[] | null, target: readonly string[] | null) => {
      // Nobody is not anybody: a list that came to nothing would let everything through.
      if (source?.length === 0 || target?.length === 0) return;
      for (const service of services(ports))
        rules.push({ from: source ?? [], to: target ?? [], ...service, allow: action === "accept" });
    };
    const target = targets(to);
    add(whatever(from), target);
    const whole = served.size > 0 ? whatever(to) : null;
    if (target !== null && whole !== null && whole.length > target.length) add(clients(from), whole);
  }
  while (rules.at(-1)?.allow === otherwise) rules.pop();
  return otherwise && rules.length === 0 ? null : { rules, otherwise };
}

/** Whether two filters say the same in the same words. */
export function sameFilter(one: Filter | null, other: Filter | null): boolean {
  if (one === null || other === null) return one === other;
  // Rules share their lists, which may be long: none is compared twice.
  const known = new Map<readonly string[], readonly string[]>();
  const same = (list: readonly string[], against: readonly string[] | undefined) => {
    if (against === undefined || list.length !== against.length) return false;
    if (known.get(list) === against) return true;
    known.set(list, against);
    return list.every((text, at) => text === against[at]);
  };
  return (
    one.otherwise === other.otherwise &&
    one.rules.length === other.rules.length &&
    one.rules.every(({ from, to, protocol, ports, allow }, at) => {
      const against = other.rules[at];
      return (
        allow === against?.allow &&
        protocol === against.protocol &&
        ports.join() === against.ports.join() &&
        same(from, against.from) &&
        same(to, against.to)
      );
    })
  );
}

/** Null: any. */
function listOf(chosen: Chosen): readonly string[] | null {
  return chosen.any ? null : prefixTexts(chosen);
}

/** Those stock clients among what was chosen whose packets pass here. */
function clientsIn(chosen: Chosen, served: ReadonlySet<Subject>): readonly string[] {
  const addresses = [...served].flatMap((client) => client.addresses);
  return addresses.flatMap((text) => {
    const address = parsePrefix(text);
    return address !== null && isChosen(chosen, address) ? [`${text}/${address.length}`] : [];
  });
}

function parsePrefixes(texts: readonly string[]): readonly Prefix[] {
  return texts.flatMap((text) => parsePrefix(text) ?? []);
}

function isWithin(prefix: Prefix, text: string): boolean {
  const address = parsePrefix(text);
  return address !== null && contains(prefix, address);
}

/** Remembers the answer for each list; lists of many rules are the same. */
function once<Answer>(make: (texts: readonly string[]) => Answer): (texts: readonly string[]) => Answer {
  const known = new Map<string, Answer>();
  return (texts) => {
    const key = texts.join(",");
    const found = known.get(key);
    if (found !== undefined) return found;
    const made = make(texts);
    known.set(key, made);
    return made;
  };
}

/** What is sent to all at once is for each receiver, too. */
const everybodyAtOnce = ["224.0.0.0/4", "255.255.255.255/32", "ff00::/8"];
