import { expect, test } from "vitest";
import type { CoverageCause, CoverageRow } from "../api/schema";
import { partsOf, pathState } from "./coverage";
import { totals } from "./samples";

function cause(kind: string, calls: number): CoverageCause {
  return {
    code: "c",
    kind,
    calls,
    first_us: 0,
    last_us: 0,
    models: [],
    release: null,
    trace_ids: [],
    text: "",
    snippet: null,
  };
}

function path(part: Partial<CoverageRow>): CoverageRow {
  return { ...totals({}), call_path: "openai.chat", reports: true, first_us: 0, last_us: 0, causes: [], ...part };
}

test("a path without usage is silent, one without a price is unpriced, a failed call is no fault", () => {
  expect(pathState(path({ reports: false, causes: [cause("usage", 1)] }))).toBe("silent");
  expect(pathState(path({ causes: [cause("price", 1)] }))).toBe("unpriced");
  expect(pathState(path({ causes: [cause("none", 1)] }))).toBe("reports");
});

test("the parts of the bar add up to the calls", () => {
  const row = path({
    llm_calls: 10,
    quality: { exact: 7, partial: 1, estimated: 0, missing: 2 },
    causes: [cause("price", 3), cause("usage", 3)],
  });
  expect(partsOf(row)).toEqual([
    { part: "exact", calls: 4 },
    { part: "partial", calls: 1 },
    { part: "missing", calls: 2 },
    { part: "unpriced", calls: 3 },
  ]);
});
