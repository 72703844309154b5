/** What the router says of who is there. */
import type { IdentityKey } from "../../src-shared/ids.ts";
import type { Presence } from "../../src-shared/wire.ts";

/** Everybody's presence, as last told. */
export class Presences {
  readonly #told = new Map<IdentityKey, Presence>();
  /** The router has told of everybody: who is not listed is offline then. */
  #isComplete = false;

  /** A change, or (`complete`) all there is to say. */
  hear(members: readonly Presence[], complete: boolean): void {
    if (complete) this.#told.clear();
    if (complete) this.#isComplete = true;
    for (const presence of members) {
      if (presence.online || !this.#isComplete) this.#told.set(presence.identity, presence);
      else this.#told.delete(presence.identity);
    }
  }

  /** The router is gone: nothing is known. */
  forget(): void {
    this.#told.clear();
    this.#isComplete = false;
  }

  /** Null when the router has not said. */
  of(identity: IdentityKey): Presence | null {
    const offline = this.#isComplete ? { identity, online: false, udp: false } : null;
    return this.#told.get(identity) ?? offline;
  }
}

/** Whether a peer can be reached through the router now and could not before. */
export function hasReturned(was: Presence | null, is: Presence | null): boolean {
  return is?.online === true && (was?.online === false || (is.udp && was?.udp === false));
}
