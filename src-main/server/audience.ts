/** The connections of one network: who is there, and what they are told. */
import type { IdentityKey } from "../../src-shared/ids.ts";
import type { Presence, RouterMessage } from "../../src-shared/wire.ts";
import type { Seat } from "./seat.ts";

interface Broadcast {
  readonly bytes: Uint8Array;
  readonly seats: readonly Seat[];
  next: number;
}

export class Audience {
  readonly #seats = new Map<IdentityKey, Seat>();
  readonly #issuers = new Set<Seat>();
  /** Presence that changed since it was last told. */
  readonly #changed = new Set<IdentityKey>();
  readonly #queue: Broadcast[] = [];
  #telling: NodeJS.Timeout | null = null;
  #pumping = false;

  /** Takes a seat; an older connection of the same identity has to go. */
  sit(seat: Seat): void {
    if (seat.identity === null) {
      this.#issuers.add(seat);
      return;
    }
    const before = this.#seats.get(seat.identity);
    this.#seats.set(seat.identity, seat);
    before?.outlet.close();
    if (seat.kind === "member") this.#mark(seat.identity);
  }

  leave(seat: Seat): void {
    if (seat.identity === null) this.#issuers.delete(seat);
    if (seat.identity === null || this.#seats.get(seat.identity) !== seat) return;
    this.#seats.delete(seat.identity);
    this.#mark(seat.identity);
  }

  seat(identity: IdentityKey): Seat | null {
    return this.#seats.get(identity) ?? null;
  }

  /** Seats of members and of those who wait. */
  seats(): readonly Seat[] {
    return [...this.#seats.values()];
  }

  /** Connections of administrators that are no members. */
  issuers(): readonly Seat[] {
    return [...this.#issuers];
  }

  /** Members that are connected. */
  get online(): number {
    let count = 0;
    for (const { kind } of this.#seats.values()) if (kind === "member") count++;
    return count;
  }

  setUdp(seat: Seat, udp: boolean): void {
    if (seat.udp === udp) return;
    seat.udp = udp;
    if (seat.identity !== null && seat.kind === "member") this.#mark(seat.identity);
  }

  /** One who waited became a member, or the other way round. */
  setKind(seat: Seat, kind: Seat["kind"]): void {
    seat.kind = kind;
    if (seat.identity !== null) this.#mark(seat.identity);
  }

  /** Everybody's presence now, in messages of a size that every node takes. */
  presence(): readonly RouterMessage[] {
    const identities = [...this.#seats.keys()];
    return toMessages(
      identities.map((identity) => this.#presenceOf(identity)).filter(({ online }) => online),
      true,
    );
  }

  /**
   * Tells all but those who wait, and those left out; turned into bytes once, sent a few hundred at a time so that
   * others get their turn.
   */
  broadcast(message: RouterMessage, except: ReadonlySet<Seat> = new Set()): void {
    const all = [...this.#seats.values(), ...this.#issuers];
    const seats = all.filter((seat) => seat.kind !== "waiting" && !except.has(seat));
    if (seats.length === 0) return;
    this.#queue.push({ bytes: Buffer.from(JSON.stringify(message)), seats, next: 0 });
    this.#pump();
  }

  /** Ends every connection. */
  dismiss(end: (seat: Seat) => void): void {
    if (this.#telling !== null) clearTimeout(this.#telling);
    this.#telling = null;
    this.#queue.length = 0;
    const seats = [...this.#seats.values(), ...this.#issuers];
    this.#seats.clear();
    this.#issuers.clear();
    for (const seat of seats) end(seat);
  }

  #presenceOf(identity: IdentityKey): Presence {
    const seat = this.#seats.get(identity);
    const online = seat?.kind === "member";
    return { identity, online, udp: online && seat.udp };
  }

  /** Changes are gathered for a moment: the larger the network, the longer, so that a return of all stays affordable. */
  #mark(identity: IdentityKey): void {
    this.#changed.add(identity);
    const wait = Math.min(Math.max(this.#seats.size / seatsPerMilli, shortestGather), longestGather);
    this.#telling ??= setTimeout(() => this.#tell(), wait);
  }

  #tell(): void {
    this.#telling = null;
    const members = [...this.#changed].map((identity) => this.#presenceOf(identity));
    this.#changed.clear();
    for (const message of toMessages(members, false)) this.broadcast(message);
  }

  #pump(): void {
    if (this.#pumping) return;
    const [first] = this.#queue;
    if (first === undefined) return;
    const end = Math.min(first.next + slice, first.seats.length);
    for (; first.next < end; first.next++) first.seats[first.next]?.outlet.sendBytes(first.bytes);
    if (first.next >= first.seats.length) this.#queue.shift();
    if (this.#queue.length === 0) return;
    this.#pumping = true;
    setImmediate(() => {
      this.#pumping = false;
      this.#pump();
    });
  }
}

/** The first of them may be complete: what follows adds to it. */
function toMessages(members: readonly Presence[], complete: boolean): readonly RouterMessage[] {
  const messages: RouterMessage[] = [];
  for (let from = 0; from === 0 || from < members.length; from += mostPresences) {
    const part = members.slice(from, from + mostPresences);
    messages.push({ kind: "presence", complete: complete && from === 0, members: part });
  }
  return messages;
}

const mostPresences = 2000;
const slice = 500;
const seatsPerMilli = 10;
const shortestGather = 20;
const longestGather = 1000;
