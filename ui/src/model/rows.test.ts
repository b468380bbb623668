import { expect, test } from "vitest";
import { ancestors, axisOf, branches, linesOf, neighbour, readClosed, spending, subtreeIds, writeClosed } from "./rows";
import { charge, run, totals } from "./samples";

// chat ─ intent ─ llm1 · location ─ llm2, the second half of the trace still to come
const whole = totals({ llm_calls: 2, cost_known_usd: "0.01" });
const RUNS = [
  run({ run_id: "chat", depth: 0, duration_ms: 1820, subtree: whole }),
  run({ run_id: "intent", parent_run_id: "chat", depth: 1, duration_ms: 200 }),
  run({
    run_id: "llm1",
    parent_run_id: "intent",
    depth: 2,
    duration_ms: 200,
    ttft_ms: 91,
    subtree: totals({ llm_calls: 1, cost_usd: "0.0025", cost_known_usd: "0.0025" }),
  }),
  run({ run_id: "location", parent_run_id: "chat", depth: 1, offset_ms: 210, duration_ms: 600 }),
];
const AXIS = axisOf(RUNS, 0);
const none = new Set<string>();

test("all runs are visible in tree order and leaves cannot be closed", () => {
  const lines = linesOf(RUNS, none, AXIS, whole, 0);
  expect(lines.map((line) => [line.run.run_id, line.open])).toEqual([
    ["chat", true],
    ["intent", true],
    ["llm1", null],
    ["location", null],
  ]);
});

test("a closed run hides its descendants and says how many", () => {
  const lines = linesOf(RUNS, new Set(["intent"]), AXIS, whole, 0);
  expect(lines.map((line) => [line.run.run_id, line.hidden])).toEqual([
    ["chat", 0],
    ["intent", 1],
    ["location", 0],
  ]);
  expect(linesOf(RUNS, new Set(["chat", "intent"]), AXIS, whole, 0)).toHaveLength(1);
});

test("bars stand on the axis by their share of it", () => {
  const [chat, , llm1, location] = linesOf(RUNS, none, AXIS, whole, 0);
  expect(chat?.bar).toEqual({ left: 0, width: 1, first: null, running: false });
  expect(llm1?.bar.first).toBeCloseTo(91 / 1820);
  expect(location?.bar.left).toBeCloseTo(210 / 1820);
  expect(location?.bar.width).toBeCloseTo(600 / 1820);
});

test("the share of a run is its subtree's part of the known cost, and unknown without model calls", () => {
  const [, intent, llm1] = linesOf(RUNS, none, AXIS, whole, 0);
  expect(llm1?.share).toBe(0.25);
  expect(intent?.share).toBeNull();
});

test("the axis ends with the last run and its ticks are round", () => {
  expect(AXIS).toEqual({ endMs: 1820, ticks: [0, 500, 1000, 1500] });
  expect(axisOf([run({ run_id: "a", duration_ms: 2000 })], 0).ticks).toEqual([0, 500, 1000, 1500, 2000]);
  expect(axisOf([], 0)).toEqual({ endMs: 1, ticks: [0] });
});

test("a running run grows to now, and a child that outlives its parent widens the axis", () => {
  const running = [run({ run_id: "a", status: "pending", duration_ms: null })];
  const axis = axisOf(running, 640);
  expect(axis.endMs).toBe(640);
  expect(linesOf(running, none, axis, whole, 640)[0]?.bar).toEqual({ left: 0, width: 1, first: null, running: true });
  expect(
    axisOf([run({ run_id: "p", duration_ms: 10 }), run({ run_id: "c", offset_ms: 5, duration_ms: 20 })], 0).endMs,
  ).toBe(25);
});

test("j and k stay inside the visible lines", () => {
  const lines = linesOf(RUNS, new Set(["intent"]), AXIS, whole, 0);
  expect(neighbour(lines, "intent", 1)).toBe("location");
  expect(neighbour(lines, "location", 1)).toBe("location");
  expect(neighbour(lines, "chat", -1)).toBe("chat");
  expect(neighbour(lines, undefined, 1)).toBe("chat");
  expect(neighbour([], undefined, 1)).toBeUndefined();
});

test("ancestors lead from the root and a cycle ends", () => {
  expect(ancestors(RUNS, "llm1")).toEqual(["chat", "intent"]);
  expect(ancestors(RUNS, "chat")).toEqual([]);
  const loop = [run({ run_id: "a", parent_run_id: "b" }), run({ run_id: "b", parent_run_id: "a" })];
  expect(ancestors(loop, "a")).toEqual(["a", "b"]);
});

test("a subtree is the run and its descendants", () => {
  expect([...subtreeIds(RUNS, "intent")]).toEqual(["intent", "llm1"]);
  expect([...subtreeIds(RUNS, "chat")]).toHaveLength(4);
  expect(subtreeIds(RUNS, "gone").size).toBe(0);
});

test("closed branches survive the way through the address bar", () => {
  const runs = [
    run({ run_id: "019a0000-0000-7000-8000-0000000000aa" }),
    run({ run_id: "019a0000-0000-7000-8000-0000000000bb" }),
  ];
  const text = writeClosed(new Set([runs[1]?.run_id as string]));
  expect(text).toBe("000000bb");
  expect([...readClosed(text, runs)]).toEqual([runs[1]?.run_id]);
  expect(writeClosed(new Set())).toBeUndefined();
  expect(readClosed(undefined, runs).size).toBe(0);
});

test("close all closes every branch but the root", () => {
  expect(branches(RUNS)).toEqual(["intent"]);
});

test("spending steps up where a charge ends, in time order, to the whole", () => {
  const charges = [
    charge({ started_at: 1_000_000, duration_ms: 820, cost_usd: "0.006" }),
    charge({ started_at: 0, duration_ms: 182, cost_usd: "0.002" }),
    charge({ started_at: 0, duration_ms: 500, cost_usd: null }),
  ];
  expect(spending(charges, 0, AXIS)).toEqual([
    { at: 0.1, share: 0.25 },
    { at: 1, share: 1 },
  ]);
  expect(spending([], 0, AXIS)).toEqual([]);
});
