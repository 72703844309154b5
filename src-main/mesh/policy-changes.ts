/** What another policy changes: who gains and who loses which services, told in as few lines as say it all. */
import type { Prefix } from "../../src-shared/address.ts";
import { contains, formatAddress, formatPrefix, overlaps, parsePrefix } from "../../src-shared/address.ts";
import { Rulebook } from "./rulebook.ts";
import type { BoundPolicy, Chosen, Subject } from "./selection.ts";
import { isChosen } from "./selection.ts";
import type { ServiceSet } from "./service-set.ts";
import {
  allServices,
  difference,
  formatServices,
  intersection,
  noServices,
  serviceSet,
  union,
} from "./service-set.ts";

/** Everybody in `from` loses and gains the same towards everybody in `to`. */
export interface PolicyChange {
  /** Names of members, and prefixes outside of the network. */
  readonly from: readonly string[];
  readonly to: readonly string[];
  /** Services as they are written in rules. */
  readonly lost: readonly string[];
  readonly gained: readonly string[];
}

/** Members, and the ranges that are the network's own. */
export interface Population {
  readonly everybody: readonly Subject[];
  readonly ranges: readonly Prefix[];
}

/** Who loses and gains what when `after` takes the place of `before`. */
export function policyChanges(
  before: BoundPolicy,
  after: BoundPolicy,
  population: Population,
): readonly PolicyChange[] {
  const books = [before, after].map((bound) => new Rulebook(bound, population.everybody));
  const [old, next] = books;
  if (old === undefined || next === undefined) return [];
  const classes = classesOf(endsOf([before, after], population), books);
  const [wasReach, isReach] = [new Reach(old, classes), new Reach(next, classes)];
  const found = new Map<string, Found>();
  for (const [from, targets] of touched(wasReach, isReach)) {
    for (const to of targets) {
      if (!canTalk(from, to)) continue;
      const [was, is] = [wasReach.services(from, to), isReach.services(from, to)];
      const [lost, gained] = [difference(was, is), difference(is, was)];
      if (lost.length + gained.length === 0) continue;
      const key = `${lost.join()} ${gained.join()}`;
      const group = found.get(key) ?? { lost, gained, sources: new Map() };
      found.set(key, group);
      const sources = group.sources.get(to);
      if (sources === undefined) group.sources.set(to, [from]);
      else sources.push(from);
    }
  }
  return [...found.values()].flatMap(merged);
}

/** Names of whoever would no longer reach `self`, or be reached by it, by something that was open: of those who matter. */
export function cutOff(
  changes: readonly PolicyChange[],
  self: string,
  matters: ReadonlySet<string>,
): readonly string[] {
  const names = new Set<string>();
  for (const { from, to, lost } of changes) {
    if (lost.length === 0) continue;
    if (to.includes(self)) for (const name of from) if (matters.has(name)) names.add(name);
    if (from.includes(self)) for (const name of to) if (matters.has(name)) names.add(name);
  }
  return [...names].sort();
}

/** One end of a conversation: a member, one of its addresses where they are not treated alike, or a prefix outside. */
interface End {
  readonly label: string;
  readonly identity: string;
  readonly families: readonly (4 | 6)[];
  readonly isIn: (chosen: Chosen) => boolean;
}

/** Ends that every rule of both policies treats alike. */
interface Class {
  readonly ends: readonly End[];
  readonly families: readonly (4 | 6)[];
  readonly isIn: End["isIn"];
}

interface Found {
  readonly lost: ServiceSet;
  readonly gained: ServiceSet;
  readonly sources: Map<Class, Class[]>;
}

function endsOf(policies: readonly BoundPolicy[], { everybody, ranges }: Population): readonly End[] {
  const written = policies.flatMap(({ policy }) => [
    ...Object.values(policy.groups).flat(),
    ...policy.rules.flatMap(({ from, to }) => [...from, ...to]),
  ]);
  const texts = new Set([...written, ...everybody.flatMap(({ routes }) => routes)]);
  const prefixes = new Map<string, Prefix>();
  for (const text of texts) {
    const prefix = parsePrefix(text);
    if (prefix !== null && !ranges.some((range) => overlaps(range, prefix)))
      prefixes.set(formatPrefix(prefix), prefix);
  }
  return [
    ...everybody.flatMap((subject) => memberEnds(subject)),
    ...[...prefixes].map(([label, prefix]) => ({
      label,
      identity: label,
      families: [prefix.family],
      isIn: (chosen: Chosen) =>
        chosen.any ||
        chosen.prefixes.some((each) => each.length <= prefix.length && contains(each, prefix)) ||
        (isWhole(prefix) && isChosen(chosen, prefix)),
    })),
  ];
}

/** One end for each address; those that turn out to be treated alike are told as one. */
function memberEnds({ name, identity, addresses }: Subject): readonly End[] {
  return addresses.flatMap((text) => {
    const address = parsePrefix(text);
    if (address === null) return [];
    const usual = formatAddress(address);
    const isIn = (chosen: Chosen) => isChosen(chosen, address, usual);
    return [{ label: name, identity, families: [address.family], isIn }];
  });
}

function classesOf(ends: readonly End[], books: readonly Rulebook[]): readonly Class[] {
  const lists = new Set(books.flatMap(({ rules }) => rules.flatMap(({ from, to }) => [from, to])));
  const chosen = [...lists].filter(({ any }) => !any);
  const bySignature = new Map<string, End[]>();
  for (const end of ends) {
    const signature = chosen.flatMap((each, at) => (end.isIn(each) ? [at] : [])).join(",");
    const alike = bySignature.get(signature);
    if (alike === undefined) bySignature.set(signature, [end]);
    else alike.push(end);
  }
  return [...bySignature.values()].map((alike) => ({
    ends: alike,
    families: [...new Set(alike.flatMap(({ families }) => families))],
    isIn: (each) => alike[0]?.isIn(each) ?? false,
  }));
}

function canTalk(from: Class, to: Class): boolean {
  const [one] = from.ends;
  const isSelf =
    from.ends.every(({ identity }) => identity === one?.identity) &&
    to.ends.every(({ identity }) => identity === one?.identity);
  return !isSelf && from.families.some((family) => to.families.includes(family));
}

/** What is open between classes under one policy. */
class Reach {
  readonly #book: Rulebook;
  /** What each rule covers. */
  readonly #covered: readonly ServiceSet[];
  readonly #classes: readonly Class[];
  readonly #members = new Map<Chosen, readonly Class[]>();
  /** The rules from each class, and those to it, by their places. */
  readonly #from: ReadonlyMap<Class, ReadonlySet<number>>;
  readonly #to: ReadonlyMap<Class, ReadonlySet<number>>;

  constructor(book: Rulebook, classes: readonly Class[]) {
    this.#book = book;
    this.#covered = book.rules.map(({ services }) =>
      services.reduce((set, service) => union(set, serviceSet(service)), noServices),
    );
    this.#classes = classes;
    this.#from = this.#places(book.rules.map(({ from }) => from));
    this.#to = this.#places(book.rules.map(({ to }) => to));
  }

  get classes(): readonly Class[] {
    return this.#classes;
  }

  get otherwise(): "accept" | "drop" {
    return this.#book.otherwise;
  }

  /** Each rule as a text that is the same for rules that say the same. */
  texts(): readonly string[] {
    const numbers = new Map(this.#classes.map((each, at) => [each, at]));
    const ends = new Map(
      [...this.#members].map(([chosen, each]) => [chosen, each.map((one) => numbers.get(one)).join()]),
    );
    return this.#book.rules.map(({ from, to, action }, at) =>
      [ends.get(from), ends.get(to), action, this.#covered[at]?.join()].join(" "),
    );
  }

  /** The two sides of some rules. */
  sides(first: number, end: number): readonly (readonly [readonly Class[], readonly Class[]])[] {
    return this.#book.rules
      .slice(first, end)
      .map(({ from, to }) => [this.#members.get(from) ?? [], this.#members.get(to) ?? []]);
  }

  services(from: Class, to: Class): ServiceSet {
    const [sources, targets] = [this.#from.get(from) ?? nowhere, this.#to.get(to) ?? nowhere];
    const [fewer, more] = sources.size < targets.size ? [sources, targets] : [targets, sources];
    const open: ServiceSet[number][] = [];
    let undecided = allServices;
    for (const at of fewer) {
      const covered = this.#covered[at];
      if (covered === undefined || !more.has(at)) continue;
      if (this.#book.rules[at]?.action === "accept") open.push(...intersection(covered, undecided));
      undecided = difference(undecided, covered);
      if (undecided.length === 0) break;
    }
    return union(open, this.#book.otherwise === "accept" ? undecided : noServices);
  }

  /** In which of the lists each class is, by their places in order. */
  #places(lists: readonly Chosen[]): ReadonlyMap<Class, ReadonlySet<number>> {
    const places = new Map<Class, Set<number>>(this.#classes.map((each) => [each, new Set()]));
    for (const [at, chosen] of lists.entries()) {
      const known = this.#members.get(chosen) ?? this.#classes.filter((each) => each.isIn(chosen));
      this.#members.set(chosen, known);
      for (const each of known) places.get(each)?.add(at);
    }
    return places;
  }
}

/** Pairs of classes about which the policies may differ: those whom a rule is about that is not in both. */
function touched(was: Reach, is: Reach): ReadonlyMap<Class, ReadonlySet<Class>> {
  const everybody = new Set(was.classes);
  const whole = () => new Map([...everybody].map((each) => [each, everybody]));
  if (was.otherwise !== is.otherwise) return whole();
  const [old, next] = [was.texts(), is.texts()];
  let first = 0;
  while (first < old.length && old[first] === next[first]) first++;
  let same = 0;
  const most = Math.min(old.length, next.length) - first;
  while (same < most && old.at(-1 - same) === next.at(-1 - same)) same++;
  const sides = [...was.sides(first, old.length - same), ...is.sides(first, next.length - same)];
  // To look at all pairs is quicker than to collect them over and over.
  if (sides.reduce((sum, [from, to]) => sum + from.length * to.length, 0) > everybody.size ** 2)
    return whole();
  const pairs = new Map<Class, Set<Class>>();
  for (const [from, to] of sides)
    for (const each of from) {
      const targets = pairs.get(each) ?? new Set<Class>();
      pairs.set(each, targets);
      for (const target of to) targets.add(target);
    }
  return pairs;
}

/** Targets with the same sources are told together. */
function merged({ lost, gained, sources }: Found): readonly PolicyChange[] {
  const bySources = new Map<string, { from: readonly string[]; to: string[] }>();
  for (const [to, classes] of sources) {
    const from = labels(classes);
    const key = from.join(",");
    const group = bySources.get(key) ?? { from, to: [] };
    bySources.set(key, group);
    group.to.push(...labels([to]).filter((label) => !group.to.includes(label)));
  }
  const told = { lost: formatServices(lost), gained: formatServices(gained) };
  return [...bySources.values()].map(({ from, to }) => ({ from, to: to.sort(), ...told }));
}

function labels(classes: readonly Class[]): readonly string[] {
  return [...new Set(classes.flatMap(({ ends }) => ends.map(({ label }) => label)))].sort();
}

const nowhere: ReadonlySet<number> = new Set();

function isWhole({ family, length }: Prefix): boolean {
  return length === (family === 4 ? 32 : 128);
}
