/** A whole simulated world: internet, router, nodes, one clock and one seed. */
import type { Endpoint } from "../../../src-main/mesh/effect.ts";
import type { Transport } from "../../../src-shared/status.ts";
import type { Entry } from "../../../src-shared/trust.ts";
import { hashOf, start, TestNetwork } from "../../fakes/entries.ts";
import type { Random } from "../../fakes/random.ts";
import { createRandom } from "../../fakes/random.ts";
import { HeapClock } from "./clock.ts";
import { CommonMembership } from "./common-membership.ts";
import type { Arrival, Conditions, Host, Place } from "./internet.ts";
import { Internet } from "./internet.ts";
import { SimLinks } from "./links.ts";
import type { NatName } from "./nat.ts";
import { nats } from "./nat.ts";
import { pathKind, SimNode } from "./node.ts";
import type { Carrier, Plane } from "./plane.ts";
import { Router } from "./router.ts";

/** Makes places and nodes, passes their datagrams on. */
export class World {
  readonly clock = new HeapClock(start);
  readonly random: Random;
  readonly internet: Internet;
  readonly links: SimLinks;
  readonly net = new TestNetwork();
  readonly router: Router;
  readonly nodes: SimNode[] = [];
  readonly #planes = new Map<Host, SimNode>();
  readonly #trunk: readonly Entry[];
  readonly #membership: CommonMembership | null;

  /** `isCommon`: the nodes hold the network's state in common, so that there can be many. */
  constructor(seed: number, conditions: Conditions = { loss: 0, jitterMillis: 1 }, isCommon = false) {
    this.random = createRandom(seed);
    this.internet = new Internet(this.random, conditions);
    this.links = new SimLinks(this.internet, this.clock);
    this.router = new Router(this.internet.host("router", this.internet.place(null)), this.net, this.clock);
    this.router.reaches = (to) =>
      to.includes("/")
        ? this.links.send(this.router.host, to) !== null
        : this.internet.send(this.router.host, to, { now: this.clock.now }) !== null;
    this.#trunk = [this.net.record(), this.net.delegation("invite", { count: 100_000 })];
    this.router.membership.merge(this.#trunk, this.clock.now);
    this.#membership = isCommon ? new CommonMembership(this.net.id, hashOf) : null;
  }

  place(nat: NatName | null): Place {
    return this.internet.place(nat === null ? null : nats[nat]);
  }

  /** A machine at a place; it joins when told to. */
  node(
    name: string,
    place: Place,
    options: { readonly udp?: boolean; readonly takes?: readonly Transport[] } = {},
  ): SimNode {
    const host = this.internet.host(name, place);
    const carrier: Carrier = {
      clock: this.clock,
      send: (from, to) => this.#send(from, to),
      outside: (from, to) => this.#outside(from, to),
      plane: (key) => this.nodes.find((one) => one.key === key && one.isRunning)?.plane ?? null,
    };
    const { router, random } = this;
    const node = new SimNode({
      name,
      host,
      router,
      carrier,
      answerPunch: (key, asked) =>
        this.nodes.find((one) => one.key === key && one.isRunning)?.answerPunch(asked) ?? null,
      random: random.next,
      links: this.links,
      udp: options.udp ?? true,
      takes: options.takes ?? [],
      ...(this.#membership === null ? {} : { membership: this.#membership }),
    });
    this.nodes.push(node);
    this.#planes.set(host, node);
    return node;
  }

  join(node: SimNode): void {
    node.join(this.#trunk);
  }

  pass(millis: number): void {
    this.clock.runUntil(this.clock.now + millis);
  }

  /** Lets time pass until it holds; false if it does not within that time. */
  passUntil(holds: () => boolean, within: number): boolean {
    const end = this.clock.now + within;
    while (!holds()) {
      if (this.clock.now >= end) return false;
      this.pass(20);
    }
    return true;
  }

  /** The router's process ends and begins again after a while. */
  restartRouter(downMillis: number): void {
    this.router.stop();
    this.clock.after(downMillis, () => {
      this.router.isUp = true;
    });
  }

  /** Everything that users of all nodes would see, as one number. */
  digest(): string {
    let hash = 0x811c9dc5;
    for (const node of this.nodes) {
      if (!node.isRunning) continue;
      for (const key of node.wanted) {
        const view = node.machine.peer(key, this.clock.now);
        const path = view?.path;
        const facts = [
          node.name,
          view?.state,
          path?.endpoint,
          path?.latencyMillis,
          path?.reason,
          view?.decisions,
        ];
        for (const character of JSON.stringify(facts)) {
          hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193) >>> 0;
        }
      }
    }
    return hash.toString(16);
  }

  /** How many of the wanted pairs stand how. */
  count(): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const node of this.nodes) {
      if (!node.isRunning) continue;
      for (const key of node.wanted) {
        const view = node.machine.peer(key, this.clock.now);
        const name = view === null ? "unknown" : (pathKind(view) ?? view.state);
        counts[name] = (counts[name] ?? 0) + 1;
      }
    }
    return counts;
  }

  #outside(from: Host, to: Endpoint): Endpoint {
    const { address, own } = socketOf(from, to);
    return this.internet.outside(from, address, { now: this.clock.now, own });
  }

  #send(
    from: Host,
    to: Endpoint,
  ): { readonly plane: Plane; readonly source: Endpoint; readonly delayMillis: number } | null {
    const mark = to.indexOf("#");
    if (to.includes("/"))
      return this.#sendByLink(from, mark < 0 ? to : to.slice(0, mark), mark < 0 ? null : to.slice(mark + 1));
    const { address, own } = socketOf(from, mark < 0 ? to : to.slice(0, mark));
    const now = this.clock.now;
    const first = this.internet.send(from, address, { now, own });
    if (first === null) return null;
    if (first.host !== this.router.host) {
      const node = this.#planes.get(first.host);
      const source = withSocket(first);
      return node === undefined || !node.isRunning ? null : { ...first, plane: node.plane, source };
    }
    return mark < 0 ? { plane: none, ...first } : this.#relay(to.slice(mark + 1), first);
  }

  #sendByLink(from: Host, to: Endpoint, channel: string | null): ReturnType<Carrier["send"]> {
    const first = this.links.send(from, to);
    if (first === null) return null;
    if (first.host === this.router.host)
      return channel === null ? { plane: none, ...first } : this.#relay(channel, first);
    const node = this.#planes.get(first.host);
    return node === undefined || !node.isRunning ? null : { plane: node.plane, ...first };
  }

  /** The router passes on what came by a channel. */
  #relay(
    channel: string,
    first: { readonly source: Endpoint; readonly delayMillis: number },
  ): ReturnType<Carrier["send"]> {
    const onward = this.router.forward(Number(channel), first.source);
    if (onward === null) return null;
    const { host } = this.router;
    const second = onward.to.includes("/")
      ? this.links.send(host, onward.to)
      : this.internet.send(host, onward.to, { now: this.clock.now });
    const node = second === null ? undefined : this.#planes.get(second.host);
    if (second === null || node === undefined || !node.isRunning) return null;
    const source = `${second.source}#${onward.channel}`;
    return { plane: node.plane, source, delayMillis: first.delayMillis + second.delayMillis };
  }
}

/** Takes `1.2.3.4:5#…@7` apart: where to, and from which endpoint of the sender. */
function socketOf(from: Host, to: Endpoint): { readonly address: string; readonly own: string } {
  const [address = to, socket] = to.split("@");
  if (socket === undefined) return { address, own: from.endpoint };
  return { address, own: from.endpoint.replace(/:\d+$/, `:${firstExtra + Number(socket)}`) };
}

/** Where a datagram came from, with the extra socket that it came to. */
function withSocket({ source, at, host }: Arrival): Endpoint {
  if (at === host.endpoint) return source;
  const port = Number(at.slice(at.lastIndexOf(":") + 1));
  return port > firstExtra ? `${source}@${port - firstExtra}` : source;
}

/** Extra sockets have the ports above this one. */
const firstExtra = 10_000;
/** The router's own end: it has no session that a probe could meet. */
const none = { key: "" } as unknown as Plane;
