/** What the data plane was told last about a peer's paths, so that it is told again only what differs. */
import type { SessionKey } from "../../src-shared/ids.ts";
import type { Effect, Endpoint } from "./effect.ts";
import type { Plan } from "./probing.ts";
import { samePlan } from "./probing.ts";
import type { Use } from "./use.ts";

type Emit = (effect: Effect) => void;

/** One peer's `setPaths`. */
export class Orders {
  readonly #peer: SessionKey;
  /** Null: nothing. */
  #told: Plan | null = null;

  constructor(peer: SessionKey) {
    this.#peer = peer;
  }

  /** These paths from now on. */
  give(plan: Plan, emit: Emit): void {
    if (this.#told !== null && samePlan(this.#told, plan)) return;
    this.#told = plan;
    emit({ kind: "setPaths", peer: this.#peer, ...plan });
  }

  /** No path is probed any more: the data plane forgets what it measured. */
  empty(use: Use, emit: Emit): void {
    if (this.#told !== null) emit({ kind: "setPaths", peer: this.#peer, paths: [], ...use });
    this.#told = null;
  }

  /** Of all paths these only; the measurements of all others are forgotten. */
  keep(isKept: (endpoint: Endpoint) => boolean, emit: Emit): void {
    const told = this.#told;
    this.#told = null;
    if (told === null) return;
    const paths = told.paths.filter(({ endpoint }) => isKept(endpoint));
    const [active, standby] = [told.active.filter(isKept), told.standby.filter(isKept)];
    emit({ kind: "setPaths", peer: this.#peer, paths, active, standby });
  }

  /** The data plane may know less than it was told. */
  doubt(): void {
    this.#told = null;
  }
}
