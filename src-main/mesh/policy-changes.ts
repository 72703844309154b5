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
  const found = new Differences();
  for (const [from, targets] of touched(wasReach, isReach)) {
    const [was, is] = [wasReach.from(from), isReach.from(from)];
    for (const to of targets) {
      const group = found.between(was(to), is(to));
      if (group === null || !canTalk(from, to)) continue;
      const sources = group.sources.get(to);
      if (sources === undefined) group.sources.set(to, [from]);
      else sources.push(from);
    }
  }
  return found.all().flatMap(merged);
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
  names.delete(self);
  return [...names].sort();
}

/** One end of a conversation: a member, one of its addresses where they are not treated alike, or a prefix outside. */
interface End {
  readonly label: string;
  readonly identity: string;
  readonly families: readonly (4 | 6)[];
  /** Its address in the usual text; null of a prefix of several. */
  readonly address: string | null;
  readonly isIn: (chosen: Chosen) => boolean;
}

/** Ends that every rule of both policies treats alike. */
interface Class {
  /** Its place among all. */
  readonly at: number;
  readonly ends: readonly End[];
  readonly families: readonly (4 | 6)[];
  /** All ends are one member's, or one prefix. */
  readonly isOne: boolean;
}

interface Classes {
  readonly all: readonly Class[];
  /** Who is meant by each list of the rules; of `any` there is no entry. */
  readonly inside: ReadonlyMap<Chosen, readonly Class[]>;
}

/** What is open between two classes under one policy; the same object for the same services. */
type Open = (to: Class) => ServiceSet;

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
      address: isWhole(prefix) ? formatAddress(prefix) : null,
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
    return [{ label: name, identity, families: [address.family], address: usual, isIn }];
  });
}

function classesOf(ends: readonly End[], books: readonly Rulebook[]): Classes {
  const lists = [...new Set(books.flatMap(({ rules }) => rules.flatMap(({ from, to }) => [from, to])))];
  const chosen = lists.filter(({ any }) => !any);
  const byAddress = groupBy(ends, ({ address }) => address);
  const places = new Map<End, number[]>(ends.map((end) => [end, []]));
  for (const [at, list] of chosen.entries()) {
    // Most lists have no prefixes: whom they mean is found without a look at everybody.
    const meant =
      list.prefixes.length > 0
        ? ends.filter((end) => end.isIn(list))
        : [...list.addresses].flatMap((address) => byAddress.get(address) ?? []);
    for (const end of meant) places.get(end)?.push(at);
  }
  const alike = groupBy(ends, (end) => places.get(end)?.join(",") ?? "");
  const inside = new Map<Chosen, Class[]>(chosen.map((list) => [list, []]));
  const all = [...alike.values()].map((each, at): Class => {
    const [one] = each;
    return {
      at,
      ends: each,
      families: [...new Set(each.flatMap(({ families }) => families))],
      isOne: each.every(({ identity }) => identity === one?.identity),
    };
  });
  for (const each of all) {
    const [one] = each.ends;
    for (const at of (one && places.get(one)) ?? []) {
      const list = chosen[at];
      if (list !== undefined) inside.get(list)?.push(each);
    }
  }
  return { all, inside };
}

function canTalk(from: Class, to: Class): boolean {
  const isSelf = from.isOne && to.isOne && from.ends[0]?.identity === to.ends[0]?.identity;
  return !isSelf && from.families.some((family) => to.families.includes(family));
}

/** What is open between classes under one policy. */
class Reach {
  readonly #book: Rulebook;
  /** What each rule covers. */
  readonly #covered: readonly ServiceSet[];
  readonly #classes: Classes;
  /** The rules from everybody, and those from each class alone, by their places. */
  readonly #fromAll: readonly number[];
  readonly #from: ReadonlyMap<Class, readonly number[]>;
  /** What is open from whoever has the same rules, named by their places. */
  readonly #rows = new Map<string, Open>();
  /** What is open by rules, named by their places. */
  readonly #open = new Map<string, ServiceSet>();
  /** Sets by their text. */
  readonly #sets = new Map<string, ServiceSet>();

  constructor(book: Rulebook, classes: Classes) {
    this.#book = book;
    this.#covered = book.rules.map(({ services }) =>
      services.reduce((set, service) => union(set, serviceSet(service)), noServices),
    );
    this.#classes = classes;
    const from = new Map<Class, number[]>(classes.all.map((each) => [each, []]));
    this.#fromAll = book.rules.flatMap((rule, at) => (rule.from.any ? [at] : []));
    for (const [at, rule] of book.rules.entries())
      if (!rule.from.any) for (const each of this.#meant(rule.from)) from.get(each)?.push(at);
    this.#from = from;
  }

  get classes(): readonly Class[] {
    return this.#classes.all;
  }

  get otherwise(): "accept" | "drop" {
    return this.#book.otherwise;
  }

  /** Each rule as a text that is the same for rules that say the same. */
  texts(): readonly string[] {
    const known = new Map<Chosen, string>();
    const text = (chosen: Chosen) => {
      const found = known.get(chosen) ?? this.#meant(chosen).reduce((sum, { at }) => `${sum},${at}`, "");
      known.set(chosen, found);
      return found;
    };
    return this.#book.rules.map(({ from, to, action }, at) =>
      [text(from), text(to), action, this.#covered[at]?.join()].join(" "),
    );
  }

  /** The two sides of some rules. */
  sides(first: number, end: number): readonly (readonly [readonly Class[], readonly Class[]])[] {
    return this.#book.rules.slice(first, end).map(({ from, to }) => [this.#meant(from), this.#meant(to)]);
  }

  /** What is open from one class. */
  from(from: Class): Open {
    const places = this.#from.get(from) ?? [];
    const key = places.join();
    const known = this.#rows.get(key) ?? this.#row(inOrder(this.#fromAll, places));
    this.#rows.set(key, known);
    return known;
  }

  #row(places: readonly number[]): Open {
    const { rules } = this.#book;
    // Few targets have rules of their own; all others are alike.
    const toAll = places.filter((at) => rules[at]?.to.any === true);
    const own = new Map<Class, number[]>();
    for (const at of places) {
      const to = rules[at]?.to;
      if (to === undefined || to.any) continue;
      for (const target of this.#meant(to)) {
        const known = own.get(target);
        if (known === undefined) own.set(target, [at]);
        else known.push(at);
      }
    }
    const usual = this.#openBy(toAll);
    const open = new Map<Class, ServiceSet>();
    for (const [target, more] of own) open.set(target, this.#openBy(inOrder(toAll, more)));
    return (to) => open.get(to) ?? usual;
  }

  #meant(chosen: Chosen): readonly Class[] {
    return chosen.any ? this.#classes.all : (this.#classes.inside.get(chosen) ?? []);
  }

  #openBy(places: readonly number[]): ServiceSet {
    const key = places.join();
    const known = this.#open.get(key);
    if (known !== undefined) return known;
    const open: ServiceSet[number][] = [];
    let undecided = allServices;
    for (const at of places) {
      const covered = this.#covered[at] ?? noServices;
      if (this.#book.rules[at]?.action === "accept") open.push(...intersection(covered, undecided));
      undecided = difference(undecided, covered);
      if (undecided.length === 0) break;
    }
    const found = this.#same(union(open, this.#book.otherwise === "accept" ? undecided : noServices));
    this.#open.set(key, found);
    return found;
  }

  #same(set: ServiceSet): ServiceSet {
    const text = set.join();
    const known = this.#sets.get(text) ?? set;
    this.#sets.set(text, known);
    return known;
  }
}

/** What differs between services before and after, each difference once. */
class Differences {
  readonly #found = new Map<string, Found>();
  readonly #known = new Map<ServiceSet, Map<ServiceSet, Found | null>>();

  /** Where the pairs with this difference are collected; null: there is none. */
  between(was: ServiceSet, is: ServiceSet): Found | null {
    const known = this.#known.get(was) ?? new Map<ServiceSet, Found | null>();
    this.#known.set(was, known);
    const found = known.get(is);
    if (found !== undefined) return found;
    const made = this.#make(difference(was, is), difference(is, was));
    known.set(is, made);
    return made;
  }

  all(): readonly Found[] {
    return [...this.#found.values()];
  }

  #make(lost: ServiceSet, gained: ServiceSet): Found | null {
    if (lost.length + gained.length === 0) return null;
    const key = `${lost.join()} ${gained.join()}`;
    const group = this.#found.get(key) ?? { lost, gained, sources: new Map() };
    this.#found.set(key, group);
    return group;
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

/** Targets with the same sources are told together; whether one is its own source is of no account then. */
function merged({ lost, gained, sources }: Found): readonly PolicyChange[] {
  const everySource = new Set([...sources.values()].flat());
  const bySources = new Map<string, { readonly from: readonly Class[]; readonly to: Class[] }>();
  for (const [to, classes] of sources) {
    const self = to.isOne && everySource.has(to) ? [to] : [];
    const from = [...classes, ...self].sort((a, b) => a.at - b.at);
    const key = from.map(({ at }) => at).join();
    const group = bySources.get(key) ?? { from, to: [] };
    bySources.set(key, group);
    group.to.push(to);
  }
  const told = { lost: formatServices(lost), gained: formatServices(gained) };
  return [...bySources.values()].map((group) => {
    const to = labels(group.to);
    const from = labels(group.from);
    return { from: to.length === 1 ? from.filter((label) => label !== to[0]) : from, to, ...told };
  });
}

function inOrder(some: readonly number[], others: readonly number[]): readonly number[] {
  if (some.length === 0) return others;
  return others.length === 0 ? some : [...some, ...others].sort((a, b) => a - b);
}

function labels(classes: readonly Class[]): readonly string[] {
  return [...new Set(classes.flatMap(({ ends }) => ends.map(({ label }) => label)))].sort();
}

function groupBy<Item, Key>(items: readonly Item[], keyOf: (item: Item) => Key): ReadonlyMap<Key, Item[]> {
  const groups = new Map<Key, Item[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return groups;
}

function isWhole({ family, length }: Prefix): boolean {
  return length === (family === 4 ? 32 : 128);
}
