/** The strip above the traces: how many there are over time, or by cost or latency, and what a drag across it means. */

import type { Distribution } from "../api/schema";
import { withBounds } from "./filter";
import { type Range, rangeOf } from "./time";

export const STRIPS = ["count", "cost", "latency", "ttft", "tokens"] as const;
export type Strip = (typeof STRIPS)[number];

export type Bar = {
  readonly from: number;
  /** Exclusive. */
  readonly to: number;
  readonly traces: number;
  /** Part of `traces`. */
  readonly errors: number;
};

/** The server's question for a strip; over time any distribution carries the counts. */
export const ofStrip = (strip: Strip) => (strip === "count" ? "latency" : strip);

/** Time in microseconds for `count`, else values in the unit of the distribution. */
export function barsOf(strip: Strip, { times, buckets }: Distribution, toUs: number): readonly Bar[] {
  if (strip !== "count") {
    return buckets.map(({ from_value, to_value, traces }) => ({ from: from_value, to: to_value, traces, errors: 0 }));
  }
  return times.map(({ start_us, traces, errors }, index) => ({
    from: start_us,
    to: times[index + 1]?.start_us ?? Math.max(toUs, start_us + 1),
    traces,
    errors,
  }));
}

/** Index of the bar at a share of the width. */
export function barAt(bars: readonly Bar[], share: number): number {
  return Math.min(Math.max(Math.floor(share * bars.length), 0), bars.length - 1);
}

export type Narrowed = { readonly range: Range } | { readonly filter: string };

/** Bars `a` to `b` as a window of time, or as bounds in the filter; `null` where there is nothing to narrow to. */
export function narrowed(
  strip: Strip,
  bars: readonly Bar[],
  [a, b]: readonly [number, number],
  { field, filter }: { field: string; filter: string },
): Narrowed | null {
  const first = bars[Math.min(a, b)];
  const last = bars[Math.max(a, b)];
  if (!first || !last) return null;
  if (strip === "count") return { range: rangeOf(first.from / 1_000, last.to / 1_000) };
  return { filter: withBounds(filter, field, significant(first.from, "down"), significant(last.to, "up")) };
}

/** Five digits, rounded outward, so that a filter stays short and loses nothing at its edges. */
export function significant(value: number, way: "up" | "down"): number {
  if (value === 0) return 0;
  const places = 4 - Math.floor(Math.log10(Math.abs(value)));
  const scale = 10 ** places;
  const rounded = way === "up" ? Math.ceil(value * scale) : Math.floor(value * scale);
  return places > 0 ? Number((rounded / scale).toFixed(Math.min(places, 12))) : rounded / scale;
}
