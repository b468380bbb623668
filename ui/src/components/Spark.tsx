import { sparkline } from "../model/dashboard";

const [WIDTH, HEIGHT] = [64, 16];

/** A course over the range, small enough for a cell; nothing where there is no course to show. */
export function Spark({ values, label }: { values: readonly number[] | undefined; label?: string }) {
  const points = values ? sparkline(values, WIDTH, HEIGHT) : "";
  if (points === "") return null;
  const box = { className: "spark", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, width: WIDTH, height: HEIGHT };
  const line = <polyline points={points} />;
  if (label === undefined) {
    return (
      <svg {...box} aria-hidden="true">
        {line}
      </svg>
    );
  }
  return (
    <svg {...box} role="img" aria-label={label}>
      {line}
    </svg>
  );
}
