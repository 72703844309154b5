/** By what right this process changes the system: its own, a helper's that it asks, or none yet. */
import type { TunCheck } from "../../drivers/tun/tun.ts";
import type { Watch } from "./system.ts";

export type RightsState =
  /** This process may, or there is nothing to ask for. */
  | { readonly kind: "own" }
  /** A helper that runs with rights does it. */
  | { readonly kind: "helper" }
  /** Nobody does; `canAsk`: the user can be asked to start a helper. */
  | { readonly kind: "none"; readonly canAsk: boolean }
  /** The helper has ended, and is used again as soon as it is back. */
  | { readonly kind: "lost" };

export interface Rights {
  state(): RightsState;
  /** Whether an interface can be opened now: else the one line that says why not. */
  check(): TunCheck;
  /** Asks the user, in the system's own words, to let a helper be started. Throws `privilege-refused`. */
  ask(): Promise<void>;
  /** Calls back after each change of the state. */
  watch(onChange: () => void): Watch;
  /** Gives them back: what was changed by a helper is undone. Idempotent. */
  close(): void;
}

/** Of a process that has what it has. */
export function ownRights(check: () => TunCheck): Rights {
  return {
    state: () => ({ kind: "own" }),
    check,
    ask: async () => undefined,
    watch: () => ({ close: () => undefined }),
    close: () => undefined,
  };
}
