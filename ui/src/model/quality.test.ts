import { expect, test } from "vitest";
import { costShare, exactShare, knownCost, markOf, sumTotals } from "./quality";
import { totals } from "./samples";

const quality = (part: Partial<Record<"exact" | "partial" | "estimated" | "missing", number>>) => ({
  exact: 0,
  partial: 0,
  estimated: 0,
  missing: 0,
  ...part,
});

test("a total is exact only when every charge is", () => {
  expect(markOf(totals({ llm_calls: 4, quality: quality({ exact: 4 }) }))).toBe("exact");
  expect(markOf(totals({ llm_calls: 4, quality: quality({ exact: 3, missing: 1 }) }))).toBe("partial");
  expect(markOf(totals({ llm_calls: 4, quality: quality({ partial: 4 }) }))).toBe("partial");
  expect(markOf(totals({ llm_calls: 1, quality: quality({ estimated: 1 }) }))).toBe("estimated");
  expect(markOf(totals({ llm_calls: 2, quality: quality({ missing: 2 }) }))).toBe("missing");
});

test("a row without model calls carries no mark and no money", () => {
  expect(markOf(totals({}))).toBeNull();
  expect(knownCost(totals({}))).toEqual({ kind: "none" });
});

test("unknown money is unknown, not zero", () => {
  expect(knownCost(totals({ llm_calls: 2, cost_usd: null, unpriced_calls: 2 }))).toEqual({
    kind: "unknown",
    unpriced: 2,
  });
  expect(knownCost(totals({ llm_calls: 3, cost_usd: null, cost_known_usd: "0.5", unpriced_calls: 1 }))).toEqual({
    kind: "known",
    usd: "0.5",
    unpriced: 1,
  });
});

test("a call that is free costs a known zero", () => {
  expect(knownCost(totals({ llm_calls: 1, cost_usd: "0" }))).toEqual({ kind: "known", usd: "0", unpriced: 0 });
});

test("the exact share counts charges", () => {
  expect(exactShare(totals({ quality: quality({ exact: 124, partial: 1 }) }))).toBe(0.992);
  expect(exactShare(totals({}))).toBeNull();
});

test("a share needs a whole that costs something", () => {
  expect(costShare(totals({ cost_known_usd: "0.25" }), totals({ cost_known_usd: "1" }))).toBe(0.25);
  expect(costShare(totals({ cost_known_usd: "0" }), totals({ cost_known_usd: "0" }))).toBeNull();
});

test("one unpriced part makes the sum unknown and keeps what is known", () => {
  const sum = sumTotals([
    totals({ llm_calls: 1, input_tokens: 47, cost_usd: "0.1", cost_known_usd: "0.1", quality: quality({ exact: 1 }) }),
    totals({ llm_calls: 1, input_tokens: 3, cost_usd: null, unpriced_calls: 1, quality: quality({ exact: 1 }) }),
  ]);
  expect(sum).toMatchObject({
    llm_calls: 2,
    input_tokens: 50,
    cost_usd: null,
    cost_known_usd: "0.1",
    unpriced_calls: 1,
  });
  expect(sum.quality.exact).toBe(2);
});
