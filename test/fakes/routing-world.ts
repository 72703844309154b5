/** Relays that tell each other routes over links with latency, loss and reordering, some of them liars. */
import type { Telling } from "../../src-main/mesh/routing.ts";
import { probeMillis, Routing } from "../../src-main/mesh/routing.ts";
import type { IdentityKey } from "../../src-shared/ids.ts";
import type { RoutesTold } from "../../src-shared/routes.ts";
import { routesTold } from "../../src-shared/routes.ts";
import { HeapClock } from "../sim/world/clock.ts";
import { hashOf, identityOf } from "./entries.ts";
import type { Random } from "./random.ts";

/** What a liar does to what it tells. */
export type Lie = "too-good" | "forged" | "replayed";

/** One link of the world by the numbers of its ends. */
export interface WorldLink {
  readonly ends: readonly [number, number];
  readonly rttMillis: number;
}

export interface RoutingWorldOptions {
  readonly random: Random;
  /** Own cost of each relay. */
  readonly costs: readonly number[];
  readonly links: readonly WorldLink[];
  /** Share of messages that get lost, 0–1. */
  readonly loss: number;
  readonly liars?: ReadonlyMap<number, Lie>;
}

interface Node {
  readonly number: number;
  readonly identity: IdentityKey;
  routing: Routing;
  readonly lie: Lie | null;
  /** What was heard, for those who replay. */
  readonly heard: RoutesTold["routes"];
  isRunning: boolean;
}

/** All of it, on a clock that jumps. */
export class RoutingWorld {
  readonly clock = new HeapClock(1_800_000_000_000);
  /** Bytes told so far. */
  toldBytes = 0;
  /** Routes with a signature that was not the destination's. */
  refused = 0;
  readonly #options: RoutingWorldOptions;
  readonly #nodes: readonly Node[];
  readonly #byIdentity = new Map<IdentityKey, Node>();
  readonly #links = new Map<string, { readonly link: WorldLink; isUp: boolean }>();

  constructor(options: RoutingWorldOptions) {
    this.#options = options;
    this.#nodes = options.costs.map((cost, number) => {
      const identity = identityOf(`relay ${number}`);
      const lie = options.liars?.get(number) ?? null;
      return { number, identity, lie, heard: [], isRunning: true, routing: this.#table(identity, cost) };
    });
    for (const node of this.#nodes) {
      this.#byIdentity.set(node.identity, node);
      this.clock.after(options.random.between(0, 1000), () => this.#beat(node));
    }
    for (const link of options.links) {
      this.#links.set(nameOf(link.ends), { link, isUp: false });
      this.join(link.ends);
    }
  }

  run(millis: number): void {
    this.clock.runUntil(this.clock.now + millis);
  }

  /** Nothing passes between the two from now on; each notices after one to two unanswered probes. */
  cut(ends: readonly [number, number]): void {
    this.#change(ends, false);
  }

  /** The link is there (again). */
  join(ends: readonly [number, number]): void {
    this.#change(ends, true);
  }

  /** A relay's process ends and begins anew with an empty table. */
  restart(number: number): void {
    const node = this.#at(number);
    node.routing = this.#table(node.identity, this.#options.costs[number] ?? 1);
    for (const { link, isUp } of this.#links.values()) {
      const [one, other] = link.ends;
      if (!isUp || (one !== number && other !== number)) continue;
      const far = this.#at(one === number ? other : one);
      // A new session begins: what was told in the old one is void at both ends.
      far.routing.link(node.identity, null, this.clock.now);
      far.routing.link(node.identity, link.rttMillis, this.clock.now);
      node.routing.link(far.identity, link.rttMillis, this.clock.now);
      this.#settle(far);
    }
    this.#settle(node);
  }

  /** Follows the next hops: the numbers passed, and how it ended. */
  walk(
    from: number,
    to: number,
  ): { readonly passed: readonly number[]; readonly end: "there" | "stuck" | "loop" | "liar" } {
    const goal = this.#at(to).identity;
    const passed = [from];
    for (let at = this.#at(from); at.number !== to; ) {
      if (at.lie !== null) return { passed, end: "liar" };
      const next = at.routing.route(goal)?.next;
      const node = next === undefined ? undefined : this.#byIdentity.get(next);
      if (node === undefined || !this.#isUp(at.number, node.number)) return { passed, end: "stuck" };
      if (passed.includes(node.number)) return { passed: [...passed, node.number], end: "loop" };
      passed.push(node.number);
      at = node;
    }
    return { passed, end: "there" };
  }

  /** The metric that a relay has for another; null without a route. */
  metric(from: number, to: number): number | null {
    return this.#at(from).routing.route(this.#at(to).identity)?.metric ?? null;
  }

  routing(number: number): Routing {
    return this.#at(number).routing;
  }

  identity(number: number): IdentityKey {
    return this.#at(number).identity;
  }

  /** Whether the links that are up lead from one to the other, liars avoided unless at the ends. */
  isConnected(from: number, to: number): boolean {
    return this.distances(from).has(to);
  }

  /** Least sums of round trips and costs from one relay, over honest ones. */
  distances(from: number): ReadonlyMap<number, number> {
    const found = new Map([[from, 0]]);
    const open = [from];
    for (let at = open.shift(); at !== undefined; at = open.shift()) {
      if (this.#at(at).lie !== null && at !== from) continue;
      for (const { link, isUp } of this.#links.values()) {
        const [one, other] = link.ends;
        if (!isUp || (one !== at && other !== at)) continue;
        const next = one === at ? other : one;
        const metric = (found.get(at) ?? 0) + link.rttMillis + (this.#options.costs[next] ?? 0);
        if (metric >= (found.get(next) ?? Number.POSITIVE_INFINITY)) continue;
        found.set(next, metric);
        open.push(next);
      }
    }
    return found;
  }

  #table(identity: IdentityKey, cost: number): Routing {
    const sign = (sequence: number) => signature(identity, sequence);
    return new Routing({ self: identity, sign, hash: hashOf }, { cost, now: Math.floor(this.clock.now) });
  }

  #change(ends: readonly [number, number], isUp: boolean): void {
    const entry = this.#links.get(nameOf(ends));
    if (entry === undefined) throw new Error("no such link");
    entry.isUp = isUp;
    const { random } = this.#options;
    for (const [near, far] of [ends, [ends[1], ends[0]] as const]) {
      const after = isUp ? random.between(0, 100) : random.between(probeMillis, 2 * probeMillis);
      this.clock.after(after, () => {
        if (entry.isUp !== isUp) return;
        const node = this.#at(near);
        node.routing.link(this.#at(far).identity, isUp ? entry.link.rttMillis : null, this.clock.now);
        this.#settle(node);
      });
    }
  }

  #beat(node: Node): void {
    const { random } = this.#options;
    for (const { link, isUp } of this.#links.values()) {
      const [one, other] = link.ends;
      if (!isUp || (one !== node.number && other !== node.number) || random.next() > 0.2) continue;
      const far = this.#at(one === node.number ? other : one);
      if (node.routing.hasLink(far.identity))
        node.routing.link(far.identity, link.rttMillis * random.between(1, 1.15), this.clock.now);
    }
    node.routing.tick(this.clock.now);
    this.#settle(node);
    this.clock.after(1000, () => this.#beat(node));
  }

  #settle(node: Node): void {
    for (const telling of node.routing.tellings(Math.floor(this.clock.now))) this.#send(node, telling);
  }

  #send(from: Node, { neighbour, told }: Telling): void {
    const to = this.#byIdentity.get(neighbour);
    if (to === undefined) return;
    const said = from.lie === null ? told : this.#lied(from, told);
    const text = JSON.stringify(said);
    this.toldBytes += text.length;
    this.#carry(from, to, () => {
      const parsed = routesTold.parse(JSON.parse(text));
      const routes = parsed.routes.filter(
        (route) => route.signature === "" || route.signature === signature(route.to, route.sequence),
      );
      this.refused += parsed.routes.length - routes.length;
      to.heard.push(...routes);
      const sum = to.routing.hear(from.identity, { ...parsed, routes }, Math.floor(this.clock.now));
      this.#settle(to);
      this.#carry(to, from, () => {
        from.routing.answered(to.identity, told.number, sum, this.clock.now);
        this.#settle(from);
      });
    });
  }

  /** After a time of its own, so that what is sent later may come earlier; or never. */
  #carry(from: Node, to: Node, what: () => void): void {
    const { random, loss } = this.#options;
    const entry = this.#links.get(nameOf([from.number, to.number]));
    if (entry === undefined || random.next() < loss) return;
    this.clock.after((entry.link.rttMillis / 2) * random.between(1, 6), () => {
      if (entry.isUp) what();
    });
  }

  #lied(node: Node, told: RoutesTold): RoutesTold {
    switch (node.lie) {
      case "too-good":
        return {
          ...told,
          routes: told.routes.map((route) => ({ ...route, metric: Math.min(route.metric, 1) })),
        };
      case "forged":
        return {
          ...told,
          routes: told.routes.map((route) => ({ ...route, sequence: route.sequence + 5, metric: 1 })),
        };
      default:
        return { ...told, routes: [...told.routes, ...node.heard.slice(-20)].slice(0, 300) };
    }
  }

  #isUp(one: number, other: number): boolean {
    return this.#links.get(nameOf([one, other]))?.isUp === true;
  }

  #at(number: number): Node {
    const node = this.#nodes[number];
    if (node === undefined) throw new Error("no such relay");
    return node;
  }
}

function nameOf([one, other]: readonly [number, number]): string {
  return one < other ? `${one} ${other}` : `${other} ${one}`;
}

function signature(identity: IdentityKey, sequence: number): string {
  return hashOf(new TextEncoder().encode(`${identity} ${sequence}`));
}
