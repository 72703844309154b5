/** Time of the fake engine: the machine's own, or one that a test moves. */

export interface FakeClock {
  /** Milliseconds since 1970. */
  now(): number;
  /** Runs once after a while; the answer cancels it. */
  after(milliseconds: number, run: () => void): () => void;
}

/** A clock that stands still until it is told to advance. */
export interface SimulatedClock extends FakeClock {
  /** Moves on and runs whatever falls due, in order. */
  advance(milliseconds: number): void;
}

export const machineClock: FakeClock = {
  now: () => Date.now(),
  after(milliseconds, run) {
    const timer = setTimeout(run, milliseconds);
    return () => clearTimeout(timer);
  },
};

/** Starts on a fixed day, so that whatever a test shows has the same dates each time. */
export function createSimulatedClock(start = Date.UTC(2026, 0, 15, 9, 30)): SimulatedClock {
  let now = start;
  const due = new Set<{ readonly at: number; readonly run: () => void }>();
  return {
    now: () => now,
    after(milliseconds, run) {
      const entry = { at: now + milliseconds, run };
      due.add(entry);
      return () => due.delete(entry);
    },
    advance(milliseconds) {
      const end = now + milliseconds;
      for (;;) {
        const [first] = [...due].filter((entry) => entry.at <= end).sort((one, other) => one.at - other.at);
        if (first === undefined) break;
        due.delete(first);
        now = first.at;
        first.run();
      }
      now = end;
    },
  };
}
