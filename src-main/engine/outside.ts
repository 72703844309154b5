/** How this machine looks from outside: asks STUN servers (RFC 8489), keeps what they see. */
import type { DataPlane, DataPlaneEvent } from "../../drivers/dataplane.ts";
import type { Address } from "../../src-shared/address.ts";
import { formatAddress } from "../../src-shared/address.ts";
import type { Millis } from "../../src-shared/ids.ts";
import type { NatFacts } from "../../src-shared/trust.ts";
import type { Seen, Sightings } from "../mesh/nat.ts";
import { mappingOf, needsFreshSocket, reflexiveOf } from "../mesh/nat.ts";
import type { Names } from "./names.ts";
import { mainSocket } from "./surroundings.ts";

export interface OutsideOptions {
  readonly dataPlane: Pick<DataPlane, "bind" | "unbind" | "stun">;
  readonly names: Names;
  /** Addresses of this machine's interfaces. */
  readonly own: () => readonly Address[];
  /** Whether servers may be asked; else nobody is. */
  readonly isOn: () => boolean;
  readonly now: () => Millis;
  /** What is known changed. */
  readonly changed: () => void;
}

/** One server as it answered last. */
interface Asked {
  address: string | null;
  /** Questions whose event is still to come. */
  pending: number;
  /** 0: to be asked at once. */
  askedAt: Millis;
  /** Questions in a row without an answer. */
  unanswered: number;
}

/** Asks every server now and then, all of them at once after the network changed. */
export class Outside {
  readonly #options: OutsideOptions;
  /** `host:port` of servers, by who named them. */
  readonly #servers = new Map<string, readonly string[]>();
  readonly #asked = new Map<string, Asked>();
  readonly #timer: NodeJS.Timeout;
  readonly #waiters = new Set<() => void>();
  #fresh: { readonly open: Set<string>; readonly order: readonly string[]; readonly seen: Seen[] } | null =
    null;
  #examined: { readonly at: Millis; readonly seen: readonly Seen[] } | null = null;
  #said = "";

  constructor(options: OutsideOptions) {
    this.#options = options;
    this.#timer = setInterval(() => this.#askDue(), lookMillis);
    this.#timer.unref();
  }

  /** The servers that somebody names, in place of those it named before; new ones are asked at once. */
  setServers(owner: string, hostPorts: readonly string[]): void {
    if (hostPorts.length === 0) this.#servers.delete(owner);
    else this.#servers.set(owner, hostPorts);
    this.#askDue();
  }

  /** Names have other addresses now. */
  namesChanged(): void {
    this.#askDue();
  }

  /** Own addresses as seen from outside, the likeliest first. */
  reflexive(): readonly string[] {
    return reflexiveOf(this.#sightings());
  }

  /** What is known of the NAT, its port mappings left to whoever makes them. */
  nat(): Omit<NatFacts, "portMapping"> {
    const all = [...this.#asked.values()];
    const answered = all.some(({ address }) => address !== null);
    const silent = all.length > 0 && all.every(({ unanswered }) => unanswered > 0);
    return { ...mappingOf(this.#sightings()), udp: answered ? true : silent ? false : null };
  }

  /** Every server with the address it sees; null where none came yet. */
  answers(): readonly { readonly server: string; readonly address: string | null }[] {
    return [...this.#asked].map(([server, { address }]) => ({ server, address }));
  }

  /**
   * The network changed: what was seen before counts no more, all are asked anew. Resolves with the first answer, or
   * after a moment without one.
   */
  renew(): Promise<void> {
    for (const asked of this.#asked.values())
      Object.assign(asked, { address: null, askedAt: 0, unanswered: 0 });
    this.#examined = null;
    this.#endExamination();
    this.#askDue();
    if (this.#asked.size === 0) return Promise.resolve();
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        this.#waiters.delete(done);
        resolve();
      };
      const timer = setTimeout(done, renewMillis);
      this.#waiters.add(done);
    });
  }

  /** An answer, or that none came. */
  handle(event: Extract<DataPlaneEvent, { readonly kind: "mapped" }>): void {
    if (event.socket === mainSocket) this.#hear(event.server, event.address);
    else if (event.socket === freshSocket) this.#hearFresh(event.server, event.address);
  }

  close(): void {
    clearInterval(this.#timer);
    this.#endExamination();
    for (const wake of [...this.#waiters]) wake();
  }

  #hear(server: string, address: string | null): void {
    const asked = this.#asked.get(server);
    if (asked === undefined) return;
    asked.pending = Math.max(0, asked.pending - 1);
    // A question of before the network changed: another one waits.
    if (address === null && asked.pending > 0) return;
    asked.unanswered = address === null ? asked.unanswered + 1 : 0;
    // A server that is silent once may be busy; one that is silent twice says nothing any more.
    if (address !== null || asked.unanswered > 1) asked.address = address;
    if (address !== null) for (const wake of [...this.#waiters]) wake();
    const isSettled = [...this.#asked.values()].every(({ pending }) => pending === 0);
    if (isSettled && this.#isDoubtful()) this.#examine();
    this.#tell();
  }

  #isDoubtful(): boolean {
    if (this.#fresh !== null || !needsFreshSocket(this.#sightings())) return false;
    return this.#examined === null || this.#options.now() - this.#examined.at > examineAgain;
  }

  /** A fresh socket asks one server after the other: the ports that the NAT takes for it show its step. */
  #examine(): void {
    const { dataPlane, now } = this.#options;
    const order = [...this.#asked]
      .filter(([, { address }]) => address !== null)
      .map(([server]) => server)
      .slice(0, mostExamined);
    try {
      dataPlane.bind(freshSocket, 0);
    } catch {
      this.#examined = { at: now(), seen: [] };
      return;
    }
    this.#fresh = { open: new Set(order), order, seen: [] };
    for (const server of order) this.#put(freshSocket, server);
  }

  #hearFresh(server: string, address: string | null): void {
    const fresh = this.#fresh;
    if (fresh === null || !fresh.open.delete(server)) return;
    if (address !== null) fresh.seen.push({ server, address });
    if (fresh.open.size > 0) return;
    const place = (one: Seen) => fresh.order.indexOf(one.server);
    const seen = [...fresh.seen].sort((one, other) => place(one) - place(other));
    this.#examined = { at: this.#options.now(), seen };
    this.#endExamination();
    this.#tell();
  }

  #endExamination(): void {
    if (this.#fresh === null) return;
    this.#fresh = null;
    this.#options.dataPlane.unbind(freshSocket);
  }

  #askDue(): void {
    const { names, now, isOn } = this.#options;
    const named = isOn() ? [...this.#servers.values()].flat() : [];
    const servers = names.endpoints([...new Set(named)]).slice(0, mostServers);
    for (const server of [...this.#asked.keys()]) if (!servers.includes(server)) this.#asked.delete(server);
    for (const server of servers) {
      const asked = this.#asked.get(server) ?? { address: null, pending: 0, askedAt: 0, unanswered: 0 };
      const wait = askMillis * 2 ** Math.min(Math.max(asked.unanswered - 1, 0), mostDoublings);
      if (asked.askedAt > 0 && (asked.pending > 0 || now() - asked.askedAt < wait)) continue;
      asked.askedAt = now();
      if (this.#put(mainSocket, server)) asked.pending++;
      this.#asked.set(server, asked);
    }
  }

  /** False when the data plane takes no question now: the next look asks again. */
  #put(socket: string, server: string): boolean {
    try {
      this.#options.dataPlane.stun(socket, server);
      return true;
    } catch {
      return false;
    }
  }

  #tell(): void {
    const text = JSON.stringify([this.reflexive(), this.nat()]);
    if (text === this.#said) return;
    this.#said = text;
    this.#options.changed();
  }

  #sightings(): Sightings {
    const main = [...this.#asked].flatMap(([server, { address }]) =>
      address === null ? [] : [{ server, address }],
    );
    const own = new Set(this.#options.own().map(formatAddress));
    return { main, fresh: this.#examined?.seen ?? [], own };
  }
}

const freshSocket = "outside";
const lookMillis = 15_000;
/** A mapping may change without any other sign. */
const askMillis: Millis = 120_000;
/** A server that never answers is asked every half an hour in the end. */
const mostDoublings = 4;
const examineAgain: Millis = 1_800_000;
const renewMillis = 500;
const mostServers = 12;
const mostExamined = 4;
