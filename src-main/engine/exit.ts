/** The way to the internet through a member: the system follows what was chosen and whether the member answers. */
import { socketMark } from "../../drivers/dataplane.ts";
import { formatPrefix } from "../../src-shared/address.ts";
import type { Caller } from "../../src-shared/api/channel.ts";
import type { ExitChoice, ExitStatus } from "../../src-shared/exit.ts";
import type { IdentityKey, NetworkId, SessionKey } from "../../src-shared/ids.ts";
import type { RouteView } from "../mesh/route-table.ts";
import type { Journal, SystemChange } from "../system/journal.ts";
import type { System } from "../system/system.ts";
import { isOverlay } from "./locals.ts";
import type { NameService } from "./name-service.ts";
import type { Forward } from "./resolver.ts";
import type { Log } from "./surroundings.ts";

/** What the exit has to know of one network. */
export interface ExitNetwork {
  readonly id: NetworkId;
  readonly name: string;
  readonly choice: ExitChoice | null;
  /** It is, or is to be, connected. */
  readonly up: boolean;
  /** Null while it is down, or without TUN. */
  readonly device: string | null;
  readonly routes: readonly RouteView[];
  readonly nameOf: (identity: IdentityKey) => string | null;
  readonly keyOf: (identity: IdentityKey) => SessionKey | null;
  /** Has names looked up by a member. */
  readonly forward: (key: SessionKey) => Forward;
}

export interface ExitOptions {
  readonly system: Pick<
    System,
    "routes" | "interfaces" | "setting" | "enterOutside" | "outside" | "leaveOutside"
  >;
  readonly journal: Pick<Journal, "apply" | "revert">;
  readonly names: Pick<NameService, "follow">;
  readonly networks: () => readonly ExitNetwork[];
  /** Tells this state folder's engine from others: letters and digits. */
  readonly mark: string;
  readonly log: Log;
}

type Change = Extract<SystemChange, { readonly kind: "exit" }>;
type Setting = Extract<SystemChange, { readonly kind: "setting" }>;

/** One for all networks: a machine goes to the internet one way. */
export class Exit {
  readonly #options: ExitOptions;
  /** What the system was told; null: nothing. Unknown at first: an earlier run may have left something. */
  #made: Change | null | undefined;
  #settings: readonly Setting[] = [];
  #followed = "";
  #reason: string | null = null;
  #isOpen = true;
  #last: Promise<void> = Promise.resolve();

  constructor(options: ExitOptions) {
    this.#options = options;
  }

  /** Looks again at all of it. Cheap while nothing is different. */
  settle(): Promise<void> {
    this.#last = this.#last
      .then(() => this.#settle())
      .catch((error: unknown) => {
        this.#reason = error instanceof Error ? error.message : String(error);
        this.#options.log("exit failed", { error: this.#reason });
      });
    return this.#last;
  }

  /**
   * Lets the process that calls, with all that it starts from now on, go to the internet by the ordinary way. Names are
   * still looked up by the exit where a program asks the system for them.
   */
  async release(caller: Caller): Promise<void> {
    const { journal, system, log } = this.#options;
    await journal.apply({ kind: "outside", name: this.#group, mark: socketMark });
    log("exit outside", { process: await system.enterOutside(this.#group, caller) });
  }

  /** Sends a program that goes past the exit the way of everything else, with the connections that it makes from now on. */
  async recall(process: number): Promise<void> {
    await this.#options.system.leaveOutside(this.#group, process);
  }

  /** All that is known of it. */
  async read(): Promise<ExitStatus> {
    const status = this.status();
    const outside = status.chosen === null ? [] : await this.#options.system.outside(this.#group);
    return { ...status, outside: [...outside] };
  }

  /** Changes nothing any more. */
  async close(): Promise<void> {
    this.#isOpen = false;
    await this.#last;
  }

  status(): Omit<ExitStatus, "outside"> {
    const chosen = this.#chosen();
    return {
      state: this.#state(chosen),
      chosen: chosen === null ? null : describe(chosen),
      reason: this.#reason,
      offers: this.#options.networks().flatMap(offersOf),
    };
  }

  /** Name of the programs that go past it. */
  get #group(): string {
    return `starmesh_${this.#options.mark}`;
  }

  #state(chosen: Chosen | null): ExitStatus["state"] {
    if (chosen === null) return "off";
    if (this.#reason !== null) return "failed";
    if (answers(chosen)) return "active";
    return chosen.choice.killSwitch === "strict" ? "blocked" : "ordinary";
  }

  #chosen(): Chosen | null {
    for (const network of this.#options.networks())
      if (network.choice !== null && network.up) return { network, choice: network.choice };
    return null;
  }

  async #settle(): Promise<void> {
    if (!this.#isOpen) return;
    const chosen = this.#chosen();
    const acts = chosen !== null && (chosen.choice.killSwitch === "strict" || answers(chosen));
    const wanted = acts ? this.#changeOf(chosen) : null;
    if (this.#made === undefined || JSON.stringify(wanted) !== JSON.stringify(this.#made))
      await this.#make(wanted);
    await this.#follow(acts ? chosen : null);
  }

  async #make(wanted: Change | null): Promise<void> {
    const { journal, log } = this.#options;
    this.#reason = null;
    if (wanted === null) {
      await journal.revert(noExit);
      for (const setting of this.#settings) await journal.revert(setting);
      this.#settings = [];
    } else {
      for (const setting of this.#looseFilters()) {
        await journal.apply(setting);
        this.#settings = [...this.#settings, setting];
      }
      await journal.apply(wanted);
    }
    this.#made = wanted;
    log("exit", { interface: wanted?.interface ?? null, strict: wanted?.strict ?? false });
  }

  /** Names are looked up there as well, unless it is for some prefixes alone. */
  async #follow(chosen: Chosen | null): Promise<void> {
    const network = chosen?.choice.only.length === 0 ? chosen.network : null;
    const key = chosen === null ? null : (network?.keyOf(chosen.choice.identity) ?? null);
    const text = `${network?.device ?? ""} ${key ?? ""}`;
    if (text === this.#followed) return;
    this.#followed = text;
    const forward = network === null ? null : key === null ? nobody : network.forward(key);
    await this.#options.names.follow(
      network === null || forward === null ? null : { network: network.id, forward },
    );
  }

  #changeOf({ network, choice }: Chosen): Change {
    const inside = this.#options.system
      .routes()
      .filter((route) => route.own && route.prefix.length > 0)
      .map((route) => formatPrefix(route.prefix));
    return {
      kind: "exit",
      interface: network.device,
      strict: choice.killSwitch === "strict",
      lan: choice.lan,
      only: [...choice.only],
      except: [...choice.except],
      inside: [...new Set(inside)].sort(),
      mark: socketMark,
    };
  }

  /** What comes by the ordinary way for our sockets is no forgery, though answers to it would not go that way without a mark. */
  #looseFilters(): readonly Setting[] {
    const { system } = this.#options;
    const isStrictForAll = system.setting(`${filterFolder}/all/rp_filter`) === "1";
    return system
      .interfaces()
      .filter(({ name, loopback }) => !loopback && !isOverlay(name))
      .map(({ name }) => `${filterFolder}/${name}/rp_filter`)
      .filter((name) => system.setting(name) === "1" || (isStrictForAll && system.setting(name) === "0"))
      .map((name) => ({ kind: "setting" as const, name, value: "2" }));
  }
}

interface Chosen {
  readonly network: ExitNetwork;
  readonly choice: ExitChoice;
}

function describe({ network, choice }: Chosen): NonNullable<ExitStatus["chosen"]> {
  const { identity, ...rest } = choice;
  return { ...rest, network: network.name, member: network.nameOf(identity) ?? identity.slice(0, 8) };
}

/** Whether packets can go there: the member offers it, may, and was not found silent. */
function answers({ network, choice }: Chosen): boolean {
  return (
    network.device !== null &&
    network.routes.some(
      ({ prefix, carrier, state }) =>
        everywhere.includes(prefix) && carrier === choice.identity && state === "carried",
    )
  );
}

function offersOf(network: ExitNetwork): ExitStatus["offers"] {
  const families = new Map<IdentityKey, Set<string>>();
  for (const { prefix, gateways } of network.routes) {
    if (!everywhere.includes(prefix)) continue;
    for (const { identity, counts, health } of gateways) {
      if (counts !== "yes" || health === "down") continue;
      families.set(identity, (families.get(identity) ?? new Set<string>()).add(prefix));
    }
  }
  return [...families].flatMap(([identity, prefixes]) => {
    const member = network.nameOf(identity);
    if (member === null) return [];
    const [ipv4, ipv6] = everywhere.map((prefix) => prefixes.has(prefix));
    return [{ network: network.name, member, ipv4: ipv4 === true, ipv6: ipv6 === true }];
  });
}

const nobody: Forward = async () => null;
/** The prefixes of the whole internet. */
export const everywhere: readonly string[] = ["0.0.0.0/0", "::/0"];
const noExit: Change = {
  kind: "exit",
  interface: null,
  strict: false,
  lan: true,
  only: [],
  except: [],
  inside: [],
  mark: socketMark,
};
const filterFolder = "net/ipv4/conf";
