import { expect, test } from "vitest";
import type { Distribution } from "../api/schema";
import { barAt, barsOf, narrowed, significant } from "./strip";

const DISTRIBUTION: Distribution = {
  project: "p",
  of: "cost",
  field: "total_cost",
  unit: "usd",
  scale: "linear",
  traces: 5,
  unknown: 1,
  least: 0.0050507,
  most: 0.03,
  marks: { p50: null, p90: null, p95: null, p99: null },
  buckets: [
    { from_value: 0.005050775, to_value: 0.010578687, traces: 3 },
    { from_value: 0.010578687, to_value: 0.030000001, traces: 1 },
  ],
  bucket: "hour",
  tz: "UTC",
  times: [
    { start_us: 1_000_000_000_000_000, traces: 4, errors: 1 },
    { start_us: 1_000_003_600_000_000, traces: 1, errors: 0 },
  ],
};

test("over time a bar ends where the next begins, and the last one at the end of the window", () => {
  expect(barsOf("count", DISTRIBUTION, 1_000_005_000_000_000)).toEqual([
    { from: 1_000_000_000_000_000, to: 1_000_003_600_000_000, traces: 4, errors: 1 },
    { from: 1_000_003_600_000_000, to: 1_000_005_000_000_000, traces: 1, errors: 0 },
  ]);
});

test("a drag over time is a window, whichever way it went", () => {
  const bars = barsOf("count", DISTRIBUTION, 1_000_005_000_000_000);
  const at = { field: "latency", filter: "" };
  expect(narrowed("count", bars, [1, 0], at)).toEqual({ range: "1000000000000-1000005000000" });
  expect(narrowed("count", [], [0, 0], at)).toBeNull();
});

test("a drag over cost bounds the filter, rounded outward", () => {
  const bars = barsOf("cost", DISTRIBUTION, 0);
  expect(narrowed("cost", bars, [0, 0], { field: "total_cost", filter: 'eq(status, "error")' })).toEqual({
    filter: 'and(eq(status, "error"), gte(total_cost, 0.0050507), lt(total_cost, 0.010579))',
  });
});

test("numbers keep five digits", () => {
  expect([
    significant(1.5, "up"),
    significant(0, "down"),
    significant(123_456, "down"),
    significant(123_456, "up"),
  ]).toEqual([1.5, 0, 123_450, 123_460]);
});

test("a pointer beyond the edge means the last bar", () => {
  const bars = barsOf("cost", DISTRIBUTION, 0);
  expect([barAt(bars, -1), barAt(bars, 0.49), barAt(bars, 0.5), barAt(bars, 1)]).toEqual([0, 0, 1, 1]);
});
