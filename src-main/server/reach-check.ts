/** Asks members elsewhere to try this router's ports, and gathers what they find. */
import { randomInt } from "node:crypto";
import type { Transport } from "../../src-shared/status.ts";
import type { ControlRequest, ReachPort, ReachTry } from "../../src-shared/wire.ts";
import type { Door, DoorState, Found, RouterPlace } from "../mesh/reach.ts";
import { doorsOf, isOutside, judgeDoors } from "../mesh/reach.ts";
import type { HostedNetwork } from "./hosted.ts";
import type { Seat } from "./seat.ts";

export interface ReachCheckOptions {
  /** The router's own, by which a network's record names it. */
  readonly pin: string;
  readonly networks: () => readonly HostedNetwork[];
}

/** What came of a check. */
export interface RouterReach {
  /** Members that were asked. */
  readonly asked: readonly {
    readonly name: string;
    /** IP address from which it is connected. */
    readonly from: string;
    readonly answered: boolean;
  }[];
  readonly doors: readonly (DoorState & {
    /** What is taken there; none at the port of control alone. */
    readonly transports: readonly Transport[];
  })[];
  /** `host:port` under which the networks' members know this router. */
  readonly recorded: readonly string[];
  /** What is taken at ports that answer nobody but its own kind of link. */
  readonly untested: readonly Transport[];
}

/** What is taken at which port. */
type Taken = readonly { readonly transport: Transport; readonly port: ReachPort | null }[];

/** Somebody to ask: the first connection from each address. */
interface Candidate {
  readonly seat: Seat;
  readonly name: string;
}

export class ReachCheck {
  readonly #options: ReachCheckOptions;
  readonly #waiting = new Map<
    Seat,
    { readonly id: number; readonly tell: (tries: readonly ReachTry[]) => void }
  >();
  #running: Promise<RouterReach> | null = null;
  #ends = new Set<() => void>();

  constructor(options: ReachCheckOptions) {
    this.#options = options;
  }

  /** Resolves when all who were asked have answered, or after a while. One check runs at a time, for all who want it. */
  run(taken: Taken, here: RouterPlace): Promise<RouterReach> {
    this.#running ??= this.#check(taken, here).finally(() => {
      this.#running = null;
    });
    return this.#running;
  }

  /** A member's answer; one that was not asked, or too late, is nothing. */
  hear(seat: Seat, { id, tries }: Extract<ControlRequest, { call: "reached" }>): void {
    const waiting = this.#waiting.get(seat);
    if (waiting?.id === id) waiting.tell(tries);
  }

  /** Ends what runs with what came so far. */
  close(): void {
    for (const end of [...this.#ends]) end();
  }

  async #check(taken: Taken, here: RouterPlace): Promise<RouterReach> {
    const ports = new Map<string, ReachPort>();
    // By its own port every member is connected, at whichever of the addresses.
    for (const port of [{ protocol: "https" as const, port: 0 }, ...taken.map((each) => each.port)])
      if (port !== null) ports.set(`${port.protocol} ${port.port}`, port);
    const wanted = [...ports.values()].slice(0, mostPorts);
    const candidates = this.#candidates(here);
    const found = await Promise.all(candidates.map((each) => this.#ask(each, wanted)));
    return {
      asked: found.map(({ name, tries }, at) => ({
        name,
        from: candidates[at]?.seat.outlet.remote ?? "",
        answered: tries !== null,
      })),
      doors: judgeDoors(this.#doors(wanted), found).map((door) => ({
        ...door,
        transports: taken
          .filter(({ port }) => port?.protocol === door.protocol && port.port === door.port)
          .map(({ transport }) => transport),
      })),
      recorded: [...new Set(this.#recorded().flat())],
      untested: taken.filter(({ port }) => port === null).map(({ transport }) => transport),
    };
  }

  /** Members elsewhere, each place once. */
  #candidates(here: RouterPlace): readonly Candidate[] {
    const found = new Map<string, Candidate>();
    for (const { audience, membership } of this.#options.networks()) {
      for (const seat of audience.seats()) {
        const { remote } = seat.outlet;
        const member = seat.identity === null ? null : membership.member(seat.identity);
        if (seat.kind !== "member" || member === null || found.has(remote) || !isOutside(remote, here))
          continue;
        found.set(remote, { seat, name: member.certificate.name });
        if (found.size >= mostAsked) return [...found.values()];
      }
    }
    return [...found.values()];
  }

  #ask({ seat, name }: Candidate, ports: readonly ReachPort[]): Promise<Found> {
    const id = randomInt(2 ** 31);
    return new Promise((resolve) => {
      const end = (tries: readonly ReachTry[] | null) => {
        clearTimeout(timer);
        this.#ends.delete(late);
        this.#waiting.delete(seat);
        resolve({ name, tries });
      };
      const late = () => end(null);
      const timer = setTimeout(late, patienceMillis);
      this.#ends.add(late);
      this.#waiting.set(seat, { id, tell: end });
      seat.outlet.send({ kind: "reach", id, ports: [...ports] });
    });
  }

  /** Everything that members may try by their networks' records. */
  #doors(ports: readonly ReachPort[]): readonly Door[] {
    const doors = new Map<string, Door>();
    const told = ports.map(({ port }) => port);
    for (const addresses of this.#recorded())
      for (const door of doorsOf(ports, { addresses, told }))
        doors.set(`${door.protocol} ${door.address}`, door);
    return [...doors.values()];
  }

  /** This router's addresses, network by network. */
  #recorded(): readonly (readonly string[])[] {
    return this.#options.networks().map(({ membership }) => {
      const routers = membership.record?.routers.filter(({ pin }) => pin === this.#options.pin) ?? [];
      return routers.flatMap(({ addresses }) => addresses);
    });
  }
}

const mostPorts = 8;
const mostAsked = 8;
/** Members give up within less: three seconds for UDP, eight for a page that hangs. */
const patienceMillis = 15_000;
