/** Where things of a list stand while one of them is dragged to another place. */

/** A place of the page that one of them takes; pixels. */
export interface Spot {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** All of them, with the one at `from` at `to`. */
export function moved<Item>(items: readonly Item[], from: number, to: number): readonly Item[] {
  const others = items.filter((_, at) => at !== from);
  return [...others.slice(0, to), ...items.slice(from, from + 1), ...others.slice(to)];
}

/** The place that the one at `at` has while the one at `from` is held over `to`. */
export function placeWhile(at: number, from: number, to: number): number {
  if (at === from) return to;
  if (from < at && at <= to) return at - 1;
  return to <= at && at < from ? at + 1 : at;
}

/** The place over which the one at `from` is held, `by` pixels from its own: the one whose middle is nearest. */
export function placeUnder(
  spots: readonly Spot[],
  from: number,
  by: { readonly x: number; readonly y: number },
): number {
  const own = spots[from];
  if (own === undefined) return from;
  const distance = (spot: Spot) =>
    Math.hypot(
      spot.x + spot.width / 2 - own.x - own.width / 2 - by.x,
      spot.y + spot.height / 2 - own.y - own.height / 2 - by.y,
    );
  let nearest = from;
  for (const [place, spot] of spots.entries())
    if (distance(spot) < distance(spots[nearest] ?? own)) nearest = place;
  return nearest;
}
