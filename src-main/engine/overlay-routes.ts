/** The prefixes behind gateways, as the system routes them into a network's interface. */
import { formatPrefix, parsePrefix } from "../../src-shared/address.ts";
import { AppError } from "../../src-shared/errors.ts";
import type { Journal, SystemChange } from "../system/journal.ts";
import type { System } from "../system/system.ts";

type RouteChange = Extract<SystemChange, { readonly kind: "route" }>;

/** A prefix that is not routed here, because this machine uses it already on an interface; null: for another reason. */
export interface Unrouted {
  readonly prefix: string;
  readonly local: { readonly prefix: string; readonly interface: string } | null;
  readonly detail: string;
}

export interface OverlayRoutesOptions {
  readonly system: Pick<System, "routes">;
  readonly journal: Journal;
  readonly device: string;
}

/** Sets what is wanted and is not there, takes back what is not wanted any more. */
export class OverlayRoutes {
  readonly #options: OverlayRoutesOptions;
  readonly #set = new Map<string, RouteChange>();

  constructor(options: OverlayRoutesOptions) {
    this.#options = options;
  }

  /** Makes the system's routes these. `sources`: own addresses, one of each family. Answers what could not be set. */
  async apply(prefixes: readonly string[], sources: readonly string[]): Promise<readonly Unrouted[]> {
    const { journal, device } = this.#options;
    for (const [prefix, change] of this.#set) {
      if (prefixes.includes(prefix)) continue;
      await journal.revert(change);
      this.#set.delete(prefix);
    }
    const there = this.#there();
    const unrouted: Unrouted[] = [];
    for (const prefix of prefixes) {
      const isThere = there.has(prefix);
      // The interface's other changes may have taken it along.
      if (isThere && this.#set.has(prefix)) continue;
      const source = sources.find((each) => each.includes(":") === prefix.includes(":"));
      const change: RouteChange = {
        kind: "route",
        device,
        prefix,
        ...(source === undefined ? {} : { source }),
      };
      try {
        await journal.apply(change);
        this.#set.set(prefix, change);
      } catch (error) {
        unrouted.push(explain(prefix, error));
      }
    }
    return unrouted;
  }

  /** Our routes into the interface that the system has. */
  #there(): ReadonlySet<string> {
    const routes = this.#options.system.routes();
    return new Set(
      routes
        .filter((route) => route.own && route.interface === this.#options.device)
        .map((route) => formatPrefix(route.prefix)),
    );
  }
}

function explain(prefix: string, error: unknown): Unrouted {
  const detail = error instanceof Error ? error.message : String(error);
  if (!(error instanceof AppError) || error.code !== "range-overlaps") return { prefix, local: null, detail };
  const { local, interface: name } = error.data;
  const parsed = parsePrefix(String(local));
  return {
    prefix,
    local: parsed === null ? null : { prefix: formatPrefix(parsed), interface: String(name) },
    detail,
  };
}
