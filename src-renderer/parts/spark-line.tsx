/** The last minute of a latency, small enough for a table row. */
import type { Point } from "../state/history.ts";
import { linePath } from "../state/history.ts";

export function SparkLine({ points }: { readonly points: readonly Point[] }) {
  return (
    <svg className="spark" viewBox="0 0 72 22" preserveAspectRatio="none" aria-hidden="true">
      <path d={linePath(points, { width: 72, height: 22, seconds: 60 })} vectorEffect="non-scaling-stroke" />
    </svg>
  );
}
