/** The one row model of tree and waterfall: which runs are visible, and where their bars stand on the time axis. */

import type { ChargeRow, RunRow, Totals } from "../api/schema";
import { costShare, knownCost } from "./quality";

export type Bar = {
  /** Left edge and width as shares of the axis, 0 to 1. */
  readonly left: number;
  readonly width: number;
  /** Where the first token came, as a share of the axis; `null` when not known. */
  readonly first: number | null;
  readonly running: boolean;
};

export type Line = {
  readonly run: RunRow;
  /** `null` for a run without children. */
  readonly open: boolean | null;
  /** Runs hidden beneath a closed one. */
  readonly hidden: number;
  readonly bar: Bar;
  readonly share: number | null;
};

export type Axis = { readonly endMs: number; readonly ticks: readonly number[] };

/** Where a run ends on the axis; a running one ends now. */
function endMs(run: RunRow, nowMs: number): number {
  return run.duration_ms === null ? Math.max(nowMs, run.offset_ms) : run.offset_ms + run.duration_ms;
}

/** Round step (1, 2 or 5 times a power of ten) that cuts `end` into at most `parts`. */
function step(end: number, parts: number): number {
  const raw = end / parts;
  const power = 10 ** Math.floor(Math.log10(raw));
  return (([1, 2, 5, 10] as const).find((factor) => factor * power >= raw * (1 - 1e-9)) ?? 10) * power;
}

/** The time axis of a trace: from its start to the end of its last run, with round ticks. */
export function axisOf(runs: readonly RunRow[], nowMs: number, parts = 5): Axis {
  const end = runs.reduce((latest, run) => Math.max(latest, endMs(run, nowMs)), 0);
  if (end <= 0) return { endMs: 1, ticks: [0] };
  const width = step(end, parts);
  return { endMs: end, ticks: Array.from({ length: Math.floor(end / width + 1e-9) + 1 }, (_, index) => index * width) };
}

function barOf(run: RunRow, axis: Axis, nowMs: number): Bar {
  const left = Math.min(Math.max(run.offset_ms / axis.endMs, 0), 1);
  const right = Math.min(Math.max(endMs(run, nowMs) / axis.endMs, left), 1);
  const first = run.ttft_ms === null ? null : (run.offset_ms + run.ttft_ms) / axis.endMs;
  return {
    left,
    width: right - left,
    first: first === null ? null : Math.min(Math.max(first, left), right),
    running: run.status === "pending",
  };
}

/** The visible lines, given runs in tree order, the ids of closed ones, and those to keep where a filter is set. */
export function linesOf(
  runs: readonly RunRow[],
  closed: ReadonlySet<string>,
  axis: Axis,
  whole: Totals,
  nowMs: number,
  only: ReadonlySet<string> | null = null,
): Line[] {
  const sizes = subtreeSizes(runs);
  const lines: Line[] = [];
  for (let index = 0; index < runs.length; index += 1) {
    const run = runs[index] as RunRow;
    const below = sizes[index] as number;
    if (only && !only.has(run.run_id)) continue;
    const open = below === 0 ? null : !closed.has(run.run_id);
    lines.push({
      run,
      open,
      hidden: open === false ? below : 0,
      bar: barOf(run, axis, nowMs),
      share: knownCost(run.subtree).kind === "known" ? costShare(run.subtree, whole) : null,
    });
    if (open === false) index += below;
  }
  return lines;
}

/** Descendants of each run: those that follow it, deeper than it. Each run is looked at once, however deep the tree. */
function subtreeSizes(runs: readonly RunRow[]): number[] {
  const sizes = new Array<number>(runs.length).fill(0);
  for (let index = runs.length - 1; index >= 0; index -= 1) {
    const depth = runs[index]?.depth ?? 0;
    let next = index + 1;
    while (next < runs.length && (runs[next] as RunRow).depth > depth) next += (sizes[next] as number) + 1;
    sizes[index] = next - index - 1;
  }
  return sizes;
}

/** The id `by` lines away from `current` among the visible ones; stays inside; the first when nothing is selected. */
export function neighbour(lines: readonly Line[], current: string | undefined, by: 1 | -1): string | undefined {
  const at = lines.findIndex((line) => line.run.run_id === current);
  const next = at < 0 ? 0 : Math.min(Math.max(at + by, 0), lines.length - 1);
  return lines[next]?.run.run_id;
}

/** The runs on the way from the root to `runId`, itself left out. */
export function ancestors(runs: readonly RunRow[], runId: string): string[] {
  const parents = new Map(runs.map((run) => [run.run_id, run.parent_run_id]));
  const path: string[] = [];
  for (let id = parents.get(runId) ?? null; id !== null && !path.includes(id); id = parents.get(id) ?? null)
    path.push(id);
  return path.reverse();
}

/** The run and everything beneath it. */
export function subtreeIds(runs: readonly RunRow[], runId: string): Set<string> {
  const at = runs.findIndex((run) => run.run_id === runId);
  if (at < 0) return new Set();
  const depth = runs[at]?.depth ?? 0;
  const end = runs.findIndex((run, index) => index > at && run.depth <= depth);
  return new Set(runs.slice(at, end < 0 ? runs.length : end).map((run) => run.run_id));
}

/** Ids in the address bar: the last eight characters tell the runs of one trace apart and keep the link short. */
const SHORT = 8;

export function readClosed(text: string | undefined, runs: readonly RunRow[]): Set<string> {
  const short = new Set(text?.split(".") ?? []);
  return new Set(runs.filter((run) => short.has(run.run_id.slice(-SHORT))).map((run) => run.run_id));
}

export function writeClosed(closed: ReadonlySet<string>): string | undefined {
  return closed.size === 0 ? undefined : [...closed].map((id) => id.slice(-SHORT)).join(".");
}

/** Ids of all runs that have children, the root left out: what "close all" closes. */
export function branches(runs: readonly RunRow[]): string[] {
  return runs
    .filter((run, index) => run.depth > 0 && (runs[index + 1]?.depth ?? 0) > run.depth)
    .map((run) => run.run_id);
}

export type Step = { readonly at: number; readonly share: number };

/** Cumulative known cost over the axis: after each charge, where it ended and what part of the whole was then spent. */
export function spending(charges: readonly ChargeRow[], startUs: number, axis: Axis): Step[] {
  const ended = charges
    .filter((charge) => charge.cost_usd !== null)
    .map((charge) => ({
      at: Math.min(((charge.started_at - startUs) / 1_000 + (charge.duration_ms ?? 0)) / axis.endMs, 1),
      usd: Number(charge.cost_usd),
    }))
    .sort((a, b) => a.at - b.at);
  const whole = ended.reduce((sum, charge) => sum + charge.usd, 0);
  let spent = 0;
  return whole === 0
    ? []
    : ended.map((charge) => {
        spent += charge.usd;
        return { at: Math.max(charge.at, 0), share: spent / whole };
      });
}
