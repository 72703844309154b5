/** The last lines of the log, kept in memory for whoever looks on; without keys, as the log writes them. */
export class LogTail {
  readonly #capacity: number;
  #lines: string[] = [];
  readonly #listeners = new Set<(line: string) => void>();

  constructor(capacity: number = mostLines) {
    this.#capacity = capacity;
  }

  add(line: string): void {
    this.#lines.push(line);
    // Cut in blocks, so that a full tail does not move with every line.
    if (this.#lines.length >= this.#capacity * 2) this.#lines = this.#lines.slice(-this.#capacity);
    for (const listener of [...this.#listeners]) listener(line);
  }

  /** The last so many lines, the oldest first. */
  latest(count: number): readonly string[] {
    return count <= 0 ? [] : this.#lines.slice(-Math.min(count, this.#capacity));
  }

  /** Hears every line from now on; what it answers ends that. */
  onLine(listener: (line: string) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

const mostLines = 1000;
