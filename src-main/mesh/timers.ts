/** Named deadlines of one machine: the engine arms one real timer for the earliest. */
import type { Millis } from "../../src-shared/ids.ts";

/** A table name → time. */
export class Timers {
  readonly #times = new Map<string, Millis>();
  #earliest: Millis | null = Number.POSITIVE_INFINITY;

  /** Sets a timer; null or infinity clears it. */
  set(name: string, at: Millis | null): void {
    const before = this.#times.get(name);
    if (at === null || at === Number.POSITIVE_INFINITY) {
      if (before === undefined) return;
      this.#times.delete(name);
      if (before === this.#earliest) this.#earliest = null;
      return;
    }
    if (before === at) return;
    this.#times.set(name, at);
    if (before !== undefined && before === this.#earliest) this.#earliest = null;
    else if (this.#earliest !== null && at < this.#earliest) this.#earliest = at;
  }

  /** The earliest deadline; null when nothing is set. */
  next(): Millis | null {
    if (this.#earliest === null) {
      this.#earliest = Number.POSITIVE_INFINITY;
      for (const at of this.#times.values()) if (at < this.#earliest) this.#earliest = at;
    }
    return this.#earliest === Number.POSITIVE_INFINITY ? null : this.#earliest;
  }

  /** Clears and names the timers that are due, earliest first. */
  takeDue(now: Millis): readonly string[] {
    const next = this.next();
    if (next === null || next > now) return [];
    const due = [...this.#times].filter(([, at]) => at <= now).sort(([, one], [, other]) => one - other);
    for (const [name] of due) this.set(name, null);
    return due.map(([name]) => name);
  }
}
