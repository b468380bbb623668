/** Coverage as the page tells it: one state a call path, and the parts of its bar. */

import type { CoverageRow } from "../api/schema";

export type PathState = "reports" | "unpriced" | "silent";

/** `silent` lacks usage that could be had, `unpriced` lacks a price, `reports` is as good as it can be. */
export function pathState(row: CoverageRow): PathState {
  if (!row.reports) return "silent";
  return row.causes.some((cause) => cause.kind === "price") ? "unpriced" : "reports";
}

export const PARTS = ["exact", "partial", "estimated", "missing", "unpriced"] as const;
export type Part = (typeof PARTS)[number];

/** How the calls of a path divide, without the empty parts. Exact calls without a price stand apart as `unpriced`. */
export function partsOf(row: CoverageRow): { part: Part; calls: number }[] {
  const { exact, partial, estimated, missing } = row.quality;
  const unpriced = row.causes.filter((cause) => cause.kind === "price").reduce((sum, cause) => sum + cause.calls, 0);
  const priced = Math.max(exact - unpriced, 0);
  const all = { exact: priced, partial, estimated, missing, unpriced: exact - priced };
  return PARTS.map((part) => ({ part, calls: all[part] })).filter(({ calls }) => calls > 0);
}
