/** Two traces beside each other: aligned by node where there are nodes, else by the names below the root. */

import type { RunRow, Totals, TraceView } from "../api/schema";
import { sumDecimals } from "./decimal";
import { isEnd } from "./graph";
import { knownCost, sumTotals } from "./quality";

export type Side = {
  readonly executions: number;
  readonly errors: number;
  readonly totals: Totals;
  /** Sum over the executions; `null` while one runs. */
  readonly durationMs: number | null;
  /** The first execution, whose answer is shown. */
  readonly runId: string | undefined;
};

export type Pair = { readonly key: string; readonly a: Side | null; readonly b: Side | null };

/** Lines of both traces: in the order of the second, with what only the first has where it stood there. */
export function align(a: TraceView, b: TraceView): Pair[] {
  const byNode = hasNodes(a) && hasNodes(b);
  const [left, right] = [sides(a, byNode), sides(b, byNode)];
  const keys = [...right.keys()];
  let before = -1;
  for (const key of left.keys()) {
    const at = keys.indexOf(key);
    if (at < 0) keys.splice(before + 1, 0, key);
    before = at < 0 ? before + 1 : at;
  }
  return keys.map((key) => ({ key, a: left.get(key) ?? null, b: right.get(key) ?? null }));
}

const hasNodes = (view: TraceView) => view.graph.nodes.some((node) => !isEnd(node.node));

function sides(view: TraceView, byNode: boolean): Map<string, Side> {
  if (!byNode) return byName(view.runs);
  const first = new Map<string, string>();
  for (const run of view.runs) {
    if (run.is_node && run.node !== null && !first.has(run.node)) first.set(run.node, run.run_id);
  }
  return new Map(
    view.graph.nodes
      .filter((node) => !isEnd(node.node) && !node.node.includes("|")) // a nested node is part of the outer one
      .map((node) => [
        node.node,
        {
          executions: node.executions,
          errors: node.errors,
          totals: node.totals,
          durationMs: node.duration_ms,
          runId: first.get(node.node),
        },
      ]),
  );
}

function byName(runs: readonly RunRow[]): Map<string, Side> {
  const below = runs.filter((run) => run.depth === 1);
  const groups = new Map<string, RunRow[]>();
  for (const run of below.length > 0 ? below : runs.slice(0, 1)) {
    groups.set(run.name, [...(groups.get(run.name) ?? []), run]);
  }
  return new Map(
    [...groups].map(([name, group]) => [
      name,
      {
        executions: group.length,
        errors: group.filter((run) => run.status === "error").length,
        totals: sumTotals(group.map((run) => run.subtree)),
        durationMs: group.some((run) => run.duration_ms === null)
          ? null
          : group.reduce((sum, run) => sum + (run.duration_ms ?? 0), 0),
        runId: group[0]?.run_id,
      },
    ]),
  );
}

/** `b − a` in exact money; `null` unless both are fully known. What was not run cost nothing. */
export function moneyChange(a: Totals | null, b: Totals | null): string | null {
  const [from, to] = [knownUsd(a), knownUsd(b)];
  if (from === null || to === null) return null;
  return sumDecimals([to, from.startsWith("-") ? from.slice(1) : `-${from}`]);
}

function knownUsd(totals: Totals | null): string | null {
  if (totals === null) return "0";
  const known = knownCost(totals);
  if (known.kind === "none") return "0";
  return known.kind === "known" && known.unpriced === 0 ? known.usd : null;
}

/** `b − a`; what one side lacks counts as nothing there, what is not known makes the change unknown. */
export function numberChange(a: number | null | undefined, b: number | null | undefined): number | null {
  if (a === null || b === null) return null;
  return (b ?? 0) - (a ?? 0);
}
