/** Releases of the application as marks on a chart: where each began to make calls. */

import type { ReleaseRow, Series } from "../api/schema";
import { bucketAt } from "./dashboard";

/** What began in one bucket, the oldest first. */
export type ReleaseMark = { readonly index: number; readonly releases: readonly ReleaseRow[] };

/** One mark a bucket, in the order of time; what began before the chart has none. */
export function releaseMarks(series: Series, releases: readonly ReleaseRow[]): ReleaseMark[] {
  const held = new Map<number, ReleaseRow[]>();
  for (const row of [...releases].sort((a, b) => a.first_us - b.first_us)) {
    const index = bucketAt(series, row.first_us);
    if (index >= 0) held.set(index, [...(held.get(index) ?? []), row]);
  }
  return [...held].map(([index, rows]) => ({ index, releases: rows }));
}

/** A label at a mark: of one release, or of several that stand too close together to be told apart. */
export type Flag = { readonly x: number; readonly releases: readonly ReleaseRow[] };

/** Flags at the places of their marks, in pixels; a mark nearer to a flag than `least` is joined to it. */
export function flagsOf(marks: readonly ReleaseMark[], places: readonly number[], least: number): Flag[] {
  const flags: Flag[] = [];
  marks.forEach(({ releases }, index) => {
    const x = places[index];
    if (x === undefined || !Number.isFinite(x)) return;
    const last = flags.at(-1);
    if (last === undefined || x - last.x >= least) flags.push({ x, releases });
    else flags[flags.length - 1] = { x: last.x, releases: [...last.releases, ...releases] };
  });
  return flags;
}
