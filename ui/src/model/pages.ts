/** A list of pages, newest first, that grows and changes while it is looked at. */

import type { TraceRow, Traces } from "../api/schema";

/** Rows a live list may grow to before it starts over with its first page. */
const MAX_ROWS = 5_000;

/** The pages with the rows of the live feed in them: known ones updated in place, new ones put where their start says.
 *
 * A new row older than all that is loaded belongs to a page not yet asked for, and waits for it. `null` when the list
 * has grown too long to keep. */
export function mergeRows(pages: readonly Traces[], changed: ReadonlyMap<string, TraceRow>): Traces[] | null {
  const known = new Set(pages.flatMap((page) => page.traces.map((row) => row.trace_id)));
  const merged = pages.map((page) => ({ ...page, traces: page.traces.map((row) => changed.get(row.trace_id) ?? row) }));
  for (const row of changed.values()) {
    if (!known.has(row.trace_id)) insert(merged, row);
  }
  return merged.reduce((rows, page) => rows + page.traces.length, 0) > MAX_ROWS ? null : merged;
}

/** The pages with the rows they hold brought up to date; rows they do not hold may not belong to them. */
export function updateRows(pages: readonly Traces[], changed: ReadonlyMap<string, TraceRow>): Traces[] {
  return pages.map((page) => ({ ...page, traces: page.traces.map((row) => changed.get(row.trace_id) ?? row) }));
}

function insert(pages: Traces[], row: TraceRow): void {
  for (const page of pages) {
    const at = page.traces.findIndex((other) => other.start_us <= row.start_us);
    if (at >= 0) {
      page.traces.splice(at, 0, row);
      return;
    }
  }
  const last = pages.at(-1);
  if (last?.next === null) last.traces.push(row);
}
