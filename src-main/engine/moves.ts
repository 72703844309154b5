/** Tells when this machine moved to another network, gained addresses, or slept: by the system's word and by the clock. */
import { formatAddress, formatPrefix } from "../../src-shared/address.ts";
import type { Millis } from "../../src-shared/ids.ts";
import type { Interface, Route, System, Watch } from "../system/system.ts";

/** What happened to the machine. */
export type Move =
  /** An address or way out that was there is gone or another: nothing measured before counts. */
  | { readonly kind: "moved" }
  /** There are more addresses; those of before stay. */
  | { readonly kind: "gained" }
  /** No code ran for so long: sessions of before may have been forgotten by others. */
  | { readonly kind: "woke"; readonly awayMillis: Millis };

export interface MovesOptions {
  readonly system: Pick<System, "interfaces" | "routes" | "watch">;
  /** Interfaces that make no difference: our own. */
  readonly ignores: (interfaceName: string) => boolean;
  /** A clock that goes on in sleep, and one that only goes forward. */
  readonly wall: () => Millis;
  readonly steady: () => Millis;
  readonly heard: (move: Move) => void;
  /** The system changed something, ours or not, or it may have. */
  readonly looked?: () => void;
}

/** Looks whenever the system says that something changed, and now and then without. `beat` is called once a second. */
export class Moves {
  readonly #options: MovesOptions;
  readonly #watch: Watch;
  #outlook: Outlook;
  #lastWall: Millis;
  #lastSteady: Millis;
  #lookedAt: Millis;
  #settling: NodeJS.Timeout | null = null;

  constructor(options: MovesOptions) {
    this.#options = options;
    this.#outlook = outlookOf(options);
    this.#lastWall = options.wall();
    this.#lastSteady = options.steady();
    this.#lookedAt = this.#lastSteady;
    this.#watch = options.system.watch(() => this.#systemChanged());
  }

  /** A jump of the wall clock, or a beat that came far too late, means that the machine slept. */
  beat(): void {
    const { byWall, bySteady } = this.#passed();
    if (bySteady > sleptMillis || Math.abs(byWall) > sleptMillis) this.#wake({ byWall, bySteady });
    // The system's word may be lost, or have no such thing as a word.
    else if (this.#lastSteady - this.#lookedAt >= lookMillis) this.#look(true);
  }

  /** The machine woke, as the system tells windows; a sleep too short for the clocks to show ends connections, too. */
  awake(): void {
    this.#wake(this.#passed());
  }

  close(): void {
    this.#watch.close();
    if (this.#settling !== null) clearTimeout(this.#settling);
  }

  /** How far both clocks went since they were looked at last. */
  #passed(): { readonly byWall: Millis; readonly bySteady: Millis } {
    const { wall, steady } = this.#options;
    const [wallNow, steadyNow] = [wall(), steady()];
    const passed = { byWall: wallNow - this.#lastWall, bySteady: steadyNow - this.#lastSteady };
    this.#lastWall = wallNow;
    this.#lastSteady = steadyNow;
    return passed;
  }

  #wake({ byWall, bySteady }: { readonly byWall: Millis; readonly bySteady: Millis }): void {
    this.#look(false);
    this.#options.heard({ kind: "woke", awayMillis: Math.max(byWall, bySteady, 0) });
  }

  /** Changes come in bursts: a first look soon, and another one while they go on. */
  #systemChanged(): void {
    this.#settling ??= setTimeout(() => {
      this.#settling = null;
      this.#look(true);
    }, settleMillis);
  }

  #look(tells: boolean): void {
    const before = this.#outlook;
    this.#outlook = outlookOf(this.#options);
    this.#lookedAt = this.#options.steady();
    this.#options.looked?.();
    const kind = difference(before, this.#outlook);
    if (tells && kind !== null) this.#options.heard({ kind });
  }
}

/** What of the machine's network matters to others. */
interface Outlook {
  readonly addresses: ReadonlySet<string>;
  /** Default routes, the one in use first. */
  readonly waysOut: string;
}

function outlookOf({ system, ignores }: Pick<MovesOptions, "system" | "ignores">): Outlook {
  const interfaces = system.interfaces().filter(({ name, up }) => up && !ignores(name));
  return {
    addresses: new Set(interfaces.flatMap(addressesOf)),
    waysOut: system
      .routes()
      .filter((route) => route.prefix.length === 0 && !ignores(route.interface ?? ""))
      .sort((one, other) => one.metric - other.metric)
      .map(textOf)
      .join(),
  };
}

/** Link-local addresses come and go with their links; nobody is told of them. */
function addressesOf({ index, addresses }: Interface): readonly string[] {
  return addresses
    .filter(({ linkLocal }) => !linkLocal)
    .map(({ address }) => `${index} ${formatAddress(address)}`);
}

function textOf({ prefix, interface: device, gateway, metric }: Route): string {
  const via = gateway === null ? "" : formatAddress(gateway);
  return `${formatPrefix(prefix)} ${device} ${via} ${metric}`;
}

function difference(before: Outlook, after: Outlook): "moved" | "gained" | null {
  const isLess = [...before.addresses].some((address) => !after.addresses.has(address));
  if (isLess || before.waysOut !== after.waysOut) return "moved";
  return after.addresses.size > before.addresses.size ? "gained" : null;
}

const settleMillis = 100;
const lookMillis: Millis = 30_000;
const sleptMillis: Millis = 5000;
