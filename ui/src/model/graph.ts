/** The graph of a trace as it is drawn: what was compiled or seen elsewhere in grey, the path taken with its figures. */

import type { RunRow, Totals, TraceView } from "../api/schema";

export const HEATS = ["time", "tokens", "cost", "errors"] as const;
export type Heat = (typeof HEATS)[number];

export type GraphNode = {
  /** `outer|inner` for a node of a graph inside a node. */
  readonly id: string;
  /** 0 for a node that was not taken. */
  readonly executions: number;
  readonly errors: number;
  readonly totals: Totals | null;
  /** `null` while one of its executions runs, and for nodes that were not taken. */
  readonly durationMs: number | null;
  /** Executions that run at this moment. */
  readonly running: number;
  readonly critical: boolean;
};

export type GraphEdge = {
  readonly source: string;
  readonly target: string;
  /** 0 for an edge that was not taken. */
  readonly count: number;
  readonly kind: string;
};

export type TraceGraph = { readonly nodes: readonly GraphNode[]; readonly edges: readonly GraphEdge[] };
export type Topology = {
  readonly nodes: readonly string[];
  readonly edges: readonly { readonly source: string; readonly target: string }[];
};

const ENDS: readonly string[] = ["__start__", "__end__"];
export const isEnd = (id: string) => ENDS.includes(id);

/** Name of a node without the nodes around it. */
export const shortName = (id: string) => id.slice(id.lastIndexOf("|") + 1);

/** The path taken by a trace laid over all that could have been taken. */
export function traceGraph(view: Pick<TraceView, "graph" | "runs">, topology: Topology | null): TraceGraph {
  const state = new Map<string, { running: number; critical: boolean }>();
  for (const run of view.runs) {
    if (!run.is_node || run.node === null) continue;
    const known = state.get(run.node) ?? { running: 0, critical: false };
    state.set(run.node, {
      running: known.running + (run.status === "pending" ? 1 : 0),
      critical: known.critical || run.critical,
    });
  }
  const taken = view.graph.nodes.map((node) => ({
    id: node.node,
    executions: node.executions,
    errors: node.errors,
    totals: node.totals,
    durationMs: node.duration_ms,
    ...(state.get(shortName(node.node)) ?? { running: 0, critical: false }),
  }));
  const edges = view.graph.edges.map(({ source, target, count, kind }) => ({ source, target, count, kind }));
  const names = new Set(taken.map((node) => node.id));
  const links = new Set(edges.map(linkId));
  const silent = (topology?.nodes ?? []).filter((id) => !names.has(id));
  const unused = (topology?.edges ?? []).filter((edge) => !links.has(linkId(edge)));
  return {
    nodes: [...taken, ...silent.map(untaken)],
    edges: [...edges, ...unused.map((edge) => ({ ...edge, count: 0, kind: "step" }))],
  };
}

const untaken = (id: string): GraphNode => ({
  id,
  executions: 0,
  errors: 0,
  totals: null,
  durationMs: null,
  running: 0,
  critical: false,
});

export const linkId = (edge: { source: string; target: string }) => `${edge.source}→${edge.target}`;

/** Edges that lead back to a node from which they can be reached: the loops. A depth-first walk from the start finds them. */
export function loops(graph: TraceGraph): Set<string> {
  const next = new Map<string, string[]>();
  for (const edge of graph.edges) next.set(edge.source, [...(next.get(edge.source) ?? []), edge.target]);
  const state = new Map<string, "open" | "done">();
  const back = new Set<string>();
  const order = ["__start__", ...graph.nodes.map((node) => node.id)];
  for (const from of order) {
    if (state.has(from)) continue;
    const stack: { id: string; at: number }[] = [{ id: from, at: 0 }];
    state.set(from, "open");
    while (stack.length > 0) {
      const top = stack[stack.length - 1] as { id: string; at: number };
      const target = next.get(top.id)?.[top.at];
      top.at += 1;
      if (target === undefined) {
        state.set(top.id, "done");
        stack.pop();
      } else if (state.get(target) === "open") {
        back.add(linkId({ source: top.id, target }));
      } else if (!state.has(target)) {
        state.set(target, "open");
        stack.push({ id: target, at: 0 });
      }
    }
  }
  return back;
}

/** The figure a heat goes by; `null` where it is not known. */
export function heatValue(node: GraphNode, heat: Heat): number | null {
  if (node.executions === 0 || isEnd(node.id)) return null;
  if (heat === "time") return node.durationMs;
  if (heat === "errors") return node.errors;
  if (node.totals === null) return null;
  if (heat === "tokens") return node.totals.total_tokens;
  return node.totals.llm_calls > 0 && node.totals.unpriced_calls >= node.totals.llm_calls
    ? null
    : Number(node.totals.cost_known_usd);
}

/** How hot each node is, 0 to 1, against the hottest one; what is not known is left out. */
export function heats(nodes: readonly GraphNode[], heat: Heat): Map<string, number> {
  const values = nodes.map((node) => [node.id, heatValue(node, heat)] as const);
  const most = Math.max(0, ...values.map(([, value]) => value ?? 0));
  return new Map(values.flatMap(([id, value]) => (value === null ? [] : [[id, most === 0 ? 0 : value / most]])));
}

/** What stands on an edge: `×3` for a fan-out or a repetition, nothing where it was taken once or not at all. */
export const edgeText = (edge: GraphEdge) => (edge.count > 1 ? `×${edge.count.toLocaleString("en-US")}` : "");

/** Runs to keep when a node is chosen: its executions, all beneath them, and the way to them from the root.
 *
 * A nested node (`outer|inner`) is found by its own name inside the nodes around it. */
export function runsOfNode(runs: readonly RunRow[], id: string): Set<string> {
  const path = id.split("|");
  const kept = new Set<string>();
  const trail: RunRow[] = [];
  for (const run of runs) {
    while (trail.length > 0 && (trail[trail.length - 1] as RunRow).depth >= run.depth) trail.pop();
    const nodes = [...trail, run].filter((step) => step.is_node).map((step) => step.node);
    const inside = path.length <= nodes.length && path.every((name, index) => nodes[index] === name);
    if (inside) {
      kept.add(run.run_id);
      for (const step of trail) kept.add(step.run_id);
    }
    trail.push(run);
  }
  return kept;
}

/** The node that holds a run, as the graph names it; `undefined` for a run outside of all nodes. */
export function nodeOfRun(runs: readonly RunRow[], runId: string | undefined): string | undefined {
  const at = runs.findIndex((run) => run.run_id === runId);
  if (at < 0) return undefined;
  const names: string[] = [];
  let depth = Number.POSITIVE_INFINITY;
  for (let index = at; index >= 0; index -= 1) {
    const run = runs[index] as RunRow;
    if (run.depth >= depth) continue;
    depth = run.depth;
    if (run.is_node && run.node !== null) names.unshift(run.node);
  }
  return names.length === 0 ? undefined : names.join("|");
}
