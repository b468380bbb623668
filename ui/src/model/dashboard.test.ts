import { expect, test } from "vitest";
import type { Series, SeriesPoint } from "../api/schema";
import { bucketAt, change, changeText, latencyLine, lineBefore, sparkline, stacks, zoomed } from "./dashboard";
import { totals } from "./samples";

function point(start_us: number, part: Partial<SeriesPoint>): SeriesPoint {
  return {
    ...totals({}),
    start_us,
    errors: 0,
    p50_ms: null,
    p95_ms: null,
    ttft_p50_ms: null,
    ttft_p95_ms: null,
    ...part,
  };
}

const SERIES: Series = {
  project: "p",
  by: "model",
  bucket: "hour",
  tz: "UTC",
  from_us: 5_000,
  to_us: 35_000,
  starts_us: [0, 10_000, 20_000],
  grouped: 2,
  groups: [
    {
      key: "a",
      other: false,
      points: [
        point(0, { cost_known_usd: "0.5", total_tokens: 7, p50_ms: 40 }),
        point(20_000, { cost_known_usd: "0.25" }),
      ],
    },
    { key: null, other: true, points: [point(10_000, { total_tokens: 3 })] },
  ],
};

test("a change is relative, and none where there was nothing", () => {
  expect(change(118, 100)).toBeCloseTo(0.18);
  expect(change(5, 0)).toBeNull();
  expect(change(null, 4)).toBeNull();
  expect(change(5, undefined)).toBeNull();
});

test("a change is written with its direction", () => {
  expect(changeText(0.184)).toBe("▲ 18 %");
  expect(changeText(-0.5)).toBe("▼ 50 %");
  expect(changeText(0.001)).toBe("± 0 %");
  expect(changeText(11)).toBe("▲ ×12");
});

test("stacks have a value for every bucket, and none for groups without the metric", () => {
  expect(stacks(SERIES, "cost").map((stack) => [stack.group.key, stack.values, stack.total])).toEqual([
    ["a", [0.5, 0, 0.25], 0.75],
  ]);
  expect(stacks(SERIES, "tokens").map((stack) => stack.values)).toEqual([
    [7, 0, 0],
    [0, 3, 0],
  ]);
});

test("a group whose cost is unknown is not left out", () => {
  const unpriced = { key: "own", other: false, points: [point(0, { llm_calls: 1, unpriced_calls: 1 })] };
  expect(stacks({ ...SERIES, groups: [unpriced] }, "cost").map((stack) => stack.total)).toEqual([0]);
  expect(stacks({ ...SERIES, by: "class", groups: [unpriced] }, "cost")).toEqual([]);
});

test("the period before is laid on this one bucket by bucket", () => {
  expect(lineBefore(SERIES, "tokens", 4)).toEqual([7, 3, 0, null]);
});

test("a percentile is unknown where nothing ended", () => {
  expect(latencyLine(SERIES, "p50_ms")).toEqual([40, null, null]);
});

test("a brushed stretch begins with its first bucket and ends with its last", () => {
  expect(zoomed(SERIES, 1, 0)).toEqual({ fromMs: 0, toMs: 20 });
  expect(zoomed(SERIES, 2, 2)).toEqual({ fromMs: 20, toMs: 35 });
  expect(zoomed(SERIES, 7, 8)).toBeNull();
});

test("a sparkline fills its box, and of nothing there is none", () => {
  expect(sparkline([0, 2, 1], 20, 10)).toBe("0,10 10,0 20,5");
  expect(sparkline([0, 0], 20, 10)).toBe("");
  expect(sparkline([5], 20, 10)).toBe("");
});

test("a moment lies in the bucket that began last, and in none before the first or after the end", () => {
  expect([-1, 0, 15_000, 34_999, 35_000].map((us) => bucketAt(SERIES, us))).toEqual([-1, 0, 1, 2, -1]);
});
