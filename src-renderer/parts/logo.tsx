/** The mark: five nodes, each joined with every other; the lines inside make a star. */
export function Logo({ size }: { readonly size: number }) {
  return (
    <svg className="logo" width={size} height={size} viewBox="0 0 64 64" aria-hidden="true">
      <path className="logo-ring" d={ring} />
      <path className="logo-star" d={star} />
      {points.map(([x, y]) => (
        <circle key={x} cx={x} cy={y} r="6" />
      ))}
    </svg>
  );
}

const points = [
  [32, 8],
  [55.8, 25.3],
  [46.7, 53.3],
  [17.3, 53.3],
  [8.2, 25.3],
] as const;
const ring = "M32 8 55.8 25.3 46.7 53.3H17.3L8.2 25.3Z";
const star = "M32 8 46.7 53.3 8.2 25.3H55.8L17.3 53.3Z";
