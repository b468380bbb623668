import { expect, test } from "vitest";
import type { TraceView } from "../api/schema";
import { edgeText, heats, loops, nodeOfRun, runsOfNode, type TraceGraph, traceGraph } from "./graph";
import { run, totals } from "./samples";

const node = (name: string, executions: number, part: Partial<TraceView["graph"]["nodes"][number]> = {}) => ({
  node: name,
  executions,
  totals: totals({}),
  duration_ms: 10,
  errors: 0,
  ...part,
});
const edge = (source: string, target: string, count = 1, kind = "step") => ({ source, target, count, kind });

const TAKEN = {
  graph: {
    nodes: [node("__start__", 1), node("plan", 2), node("search", 3), node("__end__", 1)],
    edges: [edge("__start__", "plan"), edge("plan", "search", 3, "send"), edge("search", "plan")],
  },
  runs: [
    run({ run_id: "root" }),
    run({ run_id: "p", depth: 1, node: "plan", is_node: true, critical: true }),
    run({ run_id: "s", depth: 1, node: "search", is_node: true, status: "pending" }),
  ],
};

const shape = (graph: TraceGraph) => [
  graph.nodes.map((drawn) => `${drawn.id} ${drawn.executions}`),
  graph.edges.map((drawn) => `${drawn.source} ${drawn.target} ${drawn.count}`),
];

test("what could have been taken lies beneath what was, each once", () => {
  const topology = {
    nodes: ["__start__", "plan", "search", "answer", "__end__"],
    edges: [edge("plan", "search"), edge("plan", "answer"), edge("answer", "__end__")],
  };
  expect(shape(traceGraph(TAKEN, topology))).toEqual([
    ["__start__ 1", "plan 2", "search 3", "__end__ 1", "answer 0"],
    ["__start__ plan 1", "plan search 3", "search plan 1", "plan answer 0", "answer __end__ 0"],
  ]);
});

test("a node knows which of its executions run and whether one is on the critical path", () => {
  const [, plan, search] = traceGraph(TAKEN, null).nodes;
  expect([plan?.running, plan?.critical]).toEqual([0, true]);
  expect([search?.running, search?.critical]).toEqual([1, false]);
});

test("the edge back to an earlier node is the loop, and an edge to itself too", () => {
  const graph = traceGraph(TAKEN, null);
  expect([...loops(graph)]).toEqual(["search→plan"]);
  expect([...loops({ ...graph, edges: [edge("plan", "plan", 4)] })]).toEqual(["plan→plan"]);
});

test("two branches that meet again are no loop", () => {
  const edges = [edge("__start__", "a"), edge("__start__", "b"), edge("a", "c"), edge("b", "c")];
  expect(loops({ nodes: [], edges }).size).toBe(0);
});

test("an edge taken once says nothing, a fan-out says how often", () => {
  expect([edgeText(edge("a", "b", 0)), edgeText(edge("a", "b")), edgeText(edge("a", "b", 1_200))]).toEqual([
    "",
    "",
    "×1,200",
  ]);
});

test("heat is measured against the hottest node, and a cost nobody knows has none", () => {
  const graph = traceGraph(
    {
      runs: [],
      graph: {
        edges: [],
        nodes: [
          node("dear", 1, { totals: totals({ llm_calls: 1, cost_known_usd: "0.08" }), duration_ms: null }),
          node("cheap", 1, { totals: totals({ llm_calls: 1, cost_known_usd: "0.02" }), errors: 1 }),
          node("unpriced", 1, { totals: totals({ llm_calls: 2, unpriced_calls: 2 }) }),
          node("no_llm", 1, { duration_ms: 20 }),
        ],
      },
    },
    { nodes: ["silent"], edges: [] },
  );
  expect(Object.fromEntries(heats(graph.nodes, "cost"))).toEqual({ dear: 1, cheap: 0.25, no_llm: 0 });
  expect(Object.fromEntries(heats(graph.nodes, "time"))).toEqual({ cheap: 0.5, unpriced: 0.5, no_llm: 1 });
  expect(heats(graph.nodes, "errors").get("cheap")).toBe(1);
});

const TREE = [
  run({ run_id: "root", depth: 0 }),
  run({ run_id: "outer", depth: 1, node: "agent", is_node: true }),
  run({ run_id: "inner", depth: 2, node: "tools", is_node: true }),
  run({ run_id: "call", depth: 3, node: "tools" }),
  run({ run_id: "other", depth: 1, node: "tools", is_node: true }),
  run({ run_id: "last", depth: 1, node: "answer", is_node: true }),
];

test("a chosen node keeps its executions, what is beneath them and the way to them", () => {
  expect([...runsOfNode(TREE, "agent|tools")].sort()).toEqual(["call", "inner", "outer", "root"]);
  expect([...runsOfNode(TREE, "tools")].sort()).toEqual(["other", "root"]);
  expect(runsOfNode(TREE, "nobody").size).toBe(0);
});

test("a run is found in the node that holds it", () => {
  expect(nodeOfRun(TREE, "call")).toBe("agent|tools");
  expect(nodeOfRun(TREE, "last")).toBe("answer");
  expect(nodeOfRun(TREE, "root")).toBeUndefined();
});
