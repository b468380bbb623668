import { expect, test } from "vitest";
import { classOf, slices } from "./classes";
import { totals } from "./samples";

test("slices are disjoint and add up to the total", () => {
  const parts = slices(totals({ input_tokens: 520, cache_read_tokens: 128, output_tokens: 741, reasoning_tokens: 64 }));
  expect(parts).toEqual([
    { tokenClass: "cache_read", tokens: 128 },
    { tokenClass: "input", tokens: 392 },
    { tokenClass: "reasoning", tokens: 64 },
    { tokenClass: "output", tokens: 677 },
  ]);
  expect(parts.reduce((sum, part) => sum + part.tokens, 0)).toBe(1261);
});

test("a row without tokens has no slices", () => {
  expect(slices(totals({}))).toEqual([]);
});

test("every priced class has its family, a meter has none", () => {
  expect(classOf("input")).toBe("input");
  expect(classOf("cache_read_audio")).toBe("media");
  expect(classOf("cache_creation_30m")).toBe("cache_write");
  expect(classOf("prediction_rejected")).toBe("output");
  expect(classOf("web_search")).toBeNull();
});
