import { expect, test } from "vitest";
import type { TraceRow, Traces } from "../api/schema";
import { mergeRows } from "./pages";
import { trace } from "./samples";

const page = (rows: TraceRow[], next: string | null = null): Traces => ({ traces: rows, next });
const at = (trace_id: string, start_us: number, part: Partial<TraceRow> = {}) => trace({ trace_id, start_us, ...part });
const rows = (...list: TraceRow[]) => new Map(list.map((row) => [row.trace_id, row]));
const ids = (pages: Traces[] | null) => pages?.map((one) => one.traces.map((row) => row.trace_id));
const OLD = [page([at("d", 40), at("c", 30)], "2"), page([at("b", 20)], "3")];

test("a new trace comes first and a known one is updated in place", () => {
  const merged = mergeRows(OLD, rows(at("e", 50), at("c", 30, { status: "error" })));
  expect(ids(merged)).toEqual([["e", "d", "c"], ["b"]]);
  expect(merged?.[0]?.traces[2]?.status).toBe("error");
  expect(merged?.[0]?.next).toBe("2");
});

test("a trace that arrives late goes where its start says", () => {
  expect(ids(mergeRows(OLD, rows(at("x", 25))))).toEqual([
    ["d", "c"],
    ["x", "b"],
  ]);
});

test("a trace older than the loaded pages waits for its page, unless there is none to come", () => {
  expect(ids(mergeRows(OLD, rows(at("a", 10))))).toEqual([["d", "c"], ["b"]]);
  expect(ids(mergeRows([page([at("b", 20)])], rows(at("a", 10))))).toEqual([["b", "a"]]);
  expect(ids(mergeRows([page([])], rows(at("a", 10))))).toEqual([["a"]]);
});

test("what was loaded is left as it was", () => {
  mergeRows(OLD, rows(at("e", 50)));
  expect(ids(OLD)).toEqual([["d", "c"], ["b"]]);
});

test("a list that grew too long starts over", () => {
  const many = rows(...Array.from({ length: 5_001 }, (_, index) => at(`t${index}`, 100 + index)));
  expect(mergeRows([page([])], many)).toBeNull();
});
