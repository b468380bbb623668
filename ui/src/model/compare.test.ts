import { expect, test } from "vitest";
import type { TraceView } from "../api/schema";
import { align, moneyChange, numberChange } from "./compare";
import { difference } from "./diff";
import { run, totals, trace } from "./samples";

const view = (part: Partial<TraceView>): TraceView => ({
  trace: trace({ trace_id: "t" }),
  runs: [],
  charges: [],
  graph: { nodes: [], edges: [] },
  critical_path: [],
  saved_ms: null,
  truncated_runs: 0,
  ...part,
});
const nodes = (...names: string[]) => ({
  edges: [],
  nodes: names.map((node) => ({ node, executions: 1, errors: 0, duration_ms: 10, totals: totals({}) })),
});
const drawn = (a: TraceView, b: TraceView) =>
  align(a, b).map((pair) => `${pair.key} ${pair.a ? "a" : "-"}${pair.b ? "b" : "-"}`);

test("traces are aligned by node, each missing one where it stood", () => {
  const a = view({ graph: nodes("__start__", "intent", "web_search", "answer", "outer|inner") });
  const b = view({ graph: nodes("intent", "weather", "answer") });
  expect(drawn(a, b)).toEqual(["intent ab", "web_search a-", "weather -b", "answer ab"]);
});

test("without nodes the names below the root stand for them, added up", () => {
  const usd = (known: string) => totals({ llm_calls: 1, cost_usd: known, cost_known_usd: known });
  const a = view({
    runs: [
      run({ run_id: "r" }),
      run({ run_id: "x", name: "call", depth: 1, duration_ms: 5, subtree: usd("0.1") }),
      run({ run_id: "y", name: "call", depth: 1, duration_ms: 7, subtree: usd("0.2"), status: "error" }),
    ],
  });
  const [pair] = align(a, view({ graph: nodes("intent"), runs: [run({ run_id: "r", name: "alone" })] }));
  expect([pair?.key, pair?.a?.executions, pair?.a?.errors, pair?.a?.durationMs]).toEqual(["call", 2, 1, 12]);
  expect(pair?.a?.totals.cost_usd).toBe("0.3");
});

test("a change of money is exact, and unknown as soon as a part is", () => {
  const known = (usd: string) => totals({ llm_calls: 1, cost_usd: usd, cost_known_usd: usd });
  expect(moneyChange(known("0.1"), known("0.3"))).toBe("0.2");
  expect(moneyChange(known("0.3"), null)).toBe("-0.3");
  expect(moneyChange(known("0.3"), totals({ llm_calls: 1, unpriced_calls: 1 }))).toBeNull();
  expect(moneyChange(totals({}), known("0.5"))).toBe("0.5");
});

test("a number that one side lacks counts as nothing, one not known as unknown", () => {
  expect(numberChange(undefined, 5)).toBe(5);
  expect(numberChange(null, 5)).toBeNull();
});

test("two answers part at the words that differ", () => {
  const { a, b } = difference("강남역 11번 출구 앞", "강남역 3번 출구 앞");
  expect(a).toEqual([
    { text: "강남역 ", same: true },
    { text: "11번", same: false },
    { text: " 출구 앞", same: true },
  ]);
  expect(b.map((piece) => piece.text).join("")).toBe("강남역 3번 출구 앞");
});

test("equal answers are one piece, and very long ones are not told apart", () => {
  expect(difference("x", "x").a).toEqual([{ text: "x", same: true }]);
  const long = "word ".repeat(2_000);
  expect(difference(long, `${long}.`).a).toEqual([{ text: long, same: false }]);
});
