/** Latency of peers over the last minutes, kept in this page only. */

/** One measurement; null where an answer was missing. */
export interface Point {
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly milliseconds: number | null;
}

/** A bounded series of measurements, oldest first; the oldest make room. */
export class LatencyHistory {
  readonly #capacity: number;
  #points: Point[] = [];

  constructor(capacity: number = mostPoints) {
    this.#capacity = capacity;
  }

  /** Takes a measurement; one that is not later than the last one is left out. */
  add(at: number, milliseconds: number | null): void {
    const last = this.#points.at(-1);
    if (last !== undefined && at <= last.at) return;
    this.#points.push({ at, milliseconds });
    // Cut in blocks, so that a full series does not move on every measurement.
    if (this.#points.length >= this.#capacity * 2) this.#points = this.#points.slice(-this.#capacity);
  }

  /** All points kept, at most the capacity. */
  points(): readonly Point[] {
    return this.latest(this.#capacity);
  }

  /** The last so many points. */
  latest(count: number): readonly Point[] {
    return this.#points.slice(-Math.min(count, this.#capacity));
  }
}

/** Histories of all peers by key. */
export class LatencyLog {
  readonly #histories = new Map<string, LatencyHistory>();

  of(key: string): LatencyHistory {
    const known = this.#histories.get(key);
    if (known !== undefined) return known;
    const fresh = new LatencyHistory();
    this.#histories.set(key, fresh);
    return fresh;
  }

  /** Forgets every peer but these. */
  keep(keys: ReadonlySet<string>): void {
    for (const key of this.#histories.keys()) if (!keys.has(key)) this.#histories.delete(key);
  }

  get size(): number {
    return this.#histories.size;
  }
}

/** Lowest, highest, middle and last value of what was measured; null when nothing was. */
export interface Summary {
  readonly lowest: number;
  readonly highest: number;
  readonly median: number;
  /** Share of measurements without an answer, 0–100. */
  readonly lostPercent: number;
}

export function summarise(points: readonly Point[]): Summary | null {
  const values = points
    .map((point) => point.milliseconds)
    .filter((value) => value !== null)
    .sort((one, other) => one - other);
  const [lowest] = values;
  const highest = values.at(-1);
  const median = values[Math.floor(values.length / 2)];
  if (lowest === undefined || highest === undefined || median === undefined) return null;
  return { lowest, highest, median, lostPercent: ((points.length - values.length) / points.length) * 100 };
}

/**
 * An SVG path through points, broken where an answer is missing; the newest point lies at the right edge, a second is
 * one step wide, and the vertical axis begins at zero.
 */
export function linePath(
  points: readonly Point[],
  box: { readonly width: number; readonly height: number; readonly seconds: number },
): string {
  const end = points.at(-1)?.at ?? 0;
  const highest = Math.max(1, ...points.map((point) => point.milliseconds ?? 0)) * 1.15;
  let path = "";
  let broken = true;
  for (const { at, milliseconds } of points) {
    const x = box.width - ((end - at) / 1000 / box.seconds) * box.width;
    if (milliseconds === null) broken = true;
    if (milliseconds === null || x < 0) continue;
    const y = box.height - (milliseconds / highest) * box.height;
    path += `${broken ? "M" : "L"}${x.toFixed(1)} ${y.toFixed(1)}`;
    broken = false;
  }
  return path;
}

/** Ten minutes, one a second. */
const mostPoints = 600;
