/** A clock that jumps from event to event. */

/** Runs what was scheduled in order of time; what is due at one time in the order in which it was scheduled. */
export class HeapClock {
  now: number;
  #sequence = 0;
  readonly #heap: { readonly at: number; readonly order: number; readonly run: () => void }[] = [];

  constructor(start: number) {
    this.now = start;
  }

  /** Events run so far. */
  ran = 0;

  /** Events that wait. */
  get pending(): number {
    return this.#heap.length;
  }

  after(millis: number, run: () => void): void {
    const heap = this.#heap;
    const event = { at: this.now + millis, order: this.#sequence++, run };
    let at = heap.push(event) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const above = heap[parent];
      if (above === undefined || !isEarlier(event, above)) break;
      heap[at] = above;
      at = parent;
    }
    heap[at] = event;
  }

  /** Runs all events up to that time, which it then is. */
  runUntil(end: number): void {
    for (let next = this.#heap[0]; next !== undefined && next.at <= end; next = this.#heap[0]) {
      this.#pop();
      this.now = next.at;
      this.ran++;
      next.run();
    }
    this.now = end;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      const left = heap[child];
      if (left === undefined) break;
      const right = heap[child + 1];
      if (right !== undefined && isEarlier(right, left)) child++;
      const smaller = heap[child];
      if (smaller === undefined || !isEarlier(smaller, last)) break;
      heap[at] = smaller;
      at = child;
    }
    heap[at] = last;
  }
}

interface Timed {
  readonly at: number;
  readonly order: number;
}

function isEarlier(one: Timed, other: Timed): boolean {
  return one.at < other.at || (one.at === other.at && one.order < other.order);
}
