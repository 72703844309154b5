/** A model of the data plane's punches: small ones sent one by one, sprays as the chance that they are. */
import type { Effect, Endpoint } from "../../../src-main/mesh/effect.ts";
import type { SessionKey } from "../../../src-shared/ids.ts";
import type { Carrier, Plane } from "./plane.ts";

/** Extra sockets that wait for somebody to hit one of them. */
interface Open {
  readonly sockets: number;
  /** Number of the first of them. */
  readonly first: number;
  /** Where each of them has sent to. */
  readonly target: Endpoint;
  readonly until: number;
}

/** One node's punches. */
export class Puncher {
  readonly #plane: Plane;
  readonly #carrier: Carrier;
  readonly #random: () => number;
  readonly #open = new Map<SessionKey, Open>();
  /** The latest punch for each peer; what an earlier one has scheduled is void. */
  readonly #current = new Map<SessionKey, number>();
  #punches = 0;
  #sockets = 1;

  constructor(plane: Plane, carrier: Carrier, random: () => number) {
    this.#plane = plane;
    this.#carrier = carrier;
    this.#random = random;
  }

  perform({ peer, targets, sockets, perSecond, seconds }: Extract<Effect, { kind: "punch" }>): void {
    const number = ++this.#punches;
    this.#current.set(peer, number);
    this.#open.delete(peer);
    const [target] = targets;
    if (target === undefined) return;
    if (sockets > 0) {
      const until = this.#carrier.clock.now + seconds * 1000;
      this.#open.set(peer, { sockets, first: this.#sockets, target, until });
      this.#sockets += sockets;
      return;
    }
    const alone = targets.length <= mostAlone ? targets : targets.slice(0, 1);
    const round = Math.max(1000, (alone.length * 1000) / perSecond);
    for (let begins = 0; begins < seconds * 1000; begins += round) {
      alone.forEach((one, at) => {
        this.#later(peer, begins + (at * 1000) / perSecond, () => this.#plane.touch(peer, one));
      });
    }
    if (alone.length < targets.length)
      this.#later(peer, 50, () => this.#spray(peer, targets.length, perSecond));
  }

  /** How long until one of so many ports by chance is one of those that the peer holds open, if at all. */
  #spray(peer: SessionKey, count: number, perSecond: number): void {
    const sockets = this.#carrier.plane(peer)?.puncher.openFor(this.#plane.key)?.sockets ?? 0;
    const misses = Math.log(1 - this.#random()) / Math.log(1 - sockets / allPorts);
    if (sockets > 0 && misses < count) this.#later(peer, (misses * 1000) / perSecond, () => this.#hit(peer));
  }

  #hit(peer: SessionKey): void {
    const far = this.#carrier.plane(peer);
    const open = far?.puncher.openFor(this.#plane.key);
    if (far == null || open == null) return;
    const socket = open.first + Math.floor(this.#random() * open.sockets);
    this.#plane.touch(peer, this.#carrier.outside(far.host, `${open.target}@${socket}`));
  }

  openFor(peer: SessionKey): Open | null {
    const open = this.#open.get(peer);
    return open !== undefined && open.until > this.#carrier.clock.now ? open : null;
  }

  #later(peer: SessionKey, millis: number, what: () => void): void {
    const number = this.#punches;
    this.#carrier.clock.after(millis, () => {
      if (this.#current.get(peer) === number) what();
    });
  }
}

const mostAlone = 200;
const allPorts = 64_512;
