/** The overview's figures: changes against the period before, and series laid out for a chart. */

import type { Contribution, Series, SeriesGroup, SeriesPoint } from "../api/schema";

export const METRICS = ["cost", "tokens", "calls"] as const;
export type Metric = (typeof METRICS)[number];

/** Relative change, 0.18 for 18 % more; `null` when there is nothing to compare with. */
export function change(now: number | null, before: number | null | undefined): number | null {
  if (now === null || before === null || before === undefined || before === 0) return null;
  return now / before - 1;
}

/** `▲ 18 %`, `▼ 4 %`, `± 0 %`; beyond tenfold `▲ ×12`. */
export function changeText(share: number): string {
  const value = Math.abs(share) * 100;
  if (value < 0.5) return "± 0 %";
  if (share >= 9) return `▲ ×${Math.round(share + 1)}`;
  return `${share > 0 ? "▲" : "▼"} ${Math.round(value)} %`;
}

export function measure(point: SeriesPoint, metric: Metric): number {
  if (metric === "cost") return Number(point.cost_known_usd);
  return metric === "tokens" ? point.total_tokens : point.llm_calls;
}

export type Stack = {
  readonly group: SeriesGroup;
  /** One value a bucket; 0 where there was no charge, for nothing was spent then. */
  readonly values: readonly number[];
  readonly total: number;
};

/** The groups of a series as rows of equal length, those without any of the metric left out: but a group whose cost is
 * unknown stays, for it is not nothing. */
export function stacks(series: Series, metric: Metric): Stack[] {
  const at = new Map(series.starts_us.map((us, index) => [us, index]));
  return series.groups
    .map((group) => {
      const values = series.starts_us.map(() => 0);
      for (const point of group.points) {
        const index = at.get(point.start_us);
        if (index !== undefined) values[index] = measure(point, metric);
      }
      return { group, values, total: values.reduce((sum, value) => sum + value, 0) };
    })
    .filter((stack) => stack.total > 0 || (metric === "cost" && series.by !== "class" && hasUnpriced(stack.group)));
}

export const hasUnpriced = (group: SeriesGroup) => group.points.some((point) => point.unpriced_calls > 0);

/** The sum of all groups of each bucket of the period before, laid on the buckets of this one. */
export function lineBefore(before: Series, metric: Metric, length: number): (number | null)[] {
  const sums = new Map<number, number>();
  for (const group of before.groups) {
    for (const point of group.points) {
      sums.set(point.start_us, (sums.get(point.start_us) ?? 0) + measure(point, metric));
    }
  }
  return Array.from({ length }, (_, index) => {
    const start = before.starts_us[index];
    return start === undefined ? null : (sums.get(start) ?? 0);
  });
}

export const LATENCIES = ["p50_ms", "p95_ms", "ttft_p50_ms", "ttft_p95_ms"] as const;
export type Latency = (typeof LATENCIES)[number];

/** One percentile over time; `null` in buckets where nothing ended. */
export function latencyLine(series: Series, name: Latency): (number | null)[] {
  const points = new Map(series.groups[0]?.points.map((point) => [point.start_us, point]));
  return series.starts_us.map((us) => points.get(us)?.[name] ?? null);
}

/** From the start of bucket `first` to the end of bucket `last`, in milliseconds. */
export function zoomed(series: Series, first: number, last: number): { fromMs: number; toMs: number } | null {
  const from = series.starts_us[Math.min(first, last)];
  const end = series.starts_us[Math.max(first, last) + 1] ?? series.to_us;
  return from === undefined || end === null ? null : { fromMs: from / 1_000, toMs: end / 1_000 };
}

/** The bucket in which a moment lies; -1 where none does. */
export function bucketAt(series: Series, us: number): number {
  if (series.to_us !== null && us >= series.to_us) return -1;
  return series.starts_us.findLastIndex((start) => start <= us);
}

/** Which way money moved. */
export function sign(usd: string): "up" | "down" | "same" {
  const value = Number(usd);
  return value > 0 ? "up" : value < 0 ? "down" : "same";
}

/** The largest change of any row, the length of its bar. */
export function widest(rows: readonly Contribution[]): number {
  return Math.max(0, ...rows.map((row) => Math.abs(Number(row.change_usd))));
}

/** A small line of values in a box of `width` × `height`, as the points of an SVG polyline; empty of fewer than two. */
export function sparkline(values: readonly number[], width: number, height: number): string {
  const most = Math.max(...values, 0);
  if (values.length < 2 || most === 0) return "";
  const step = width / (values.length - 1);
  return values.map((value, index) => `${round(index * step)},${round(height - (value / most) * height)}`).join(" ");
}

const round = (value: number) => Math.round(value * 10) / 10;
