import { expect, test } from "vitest";
import { explain } from "./explain";
import { charge } from "./samples";

const line = (token_class: string, count: string, rate_usd: string, usd: string, per = 1_000_000) => ({
  token_class,
  count,
  rate_usd,
  per,
  usd,
});
const intent = charge({
  cost_usd: "0.00025025",
  price_entry: "openai/gpt-5.2",
  cost_lines: [line("input", "47", "1.75", "0.00008225"), line("output", "12", "14", "0.000168")],
});
const location = charge({
  cost_usd: "0.002016",
  price_entry: "openai/gpt-5.2",
  cost_lines: [line("input", "128", "1.75", "0.000224"), line("output", "128", "14", "0.001792")],
});

test("one charge explains itself", () => {
  const { terms, usd } = explain([intent]);
  expect(terms.map((term) => [term.tokenClass, term.count, term.rateUsd, term.usd])).toEqual([
    ["input", "47", "1.75", "0.00008225"],
    ["output", "12", "14", "0.000168"],
  ]);
  expect(usd).toBe("0.00025025");
});

test("equal prices merge over charges and the sum stays exact", () => {
  const { terms, usd } = explain([intent, location]);
  expect(terms.map((term) => [term.tokenClass, term.count, term.usd])).toEqual([
    ["input", "175", "0.00030625"],
    ["output", "140", "0.00196"],
  ]);
  expect(usd).toBe("0.00226625");
});

test("a price per thousand tokens is shown per million, a meter keeps its unit", () => {
  const { terms } = explain([
    charge({
      cost_lines: [line("input", "10", "0.00175", "0.0000175", 1_000), line("web_search", "2", "0.01", "0.02", 1)],
    }),
  ]);
  expect(terms.map((term) => [term.rateUsd, term.per])).toEqual([
    ["1.75", 1_000_000],
    ["0.01", 1],
  ]);
});

test("another price entry is another line", () => {
  const cheaper = charge({ price_entry: "openai/gpt-5-mini", cost_lines: [line("input", "47", "1.75", "0.00008225")] });
  expect(explain([intent, cheaper]).terms).toHaveLength(3);
});

test("a charge without a price is listed, not dropped", () => {
  const unpriced = charge({ charge_key: "c9", cost_usd: null, cost_status: "unpriced", cost_reason: "model_unknown" });
  const result = explain([intent, unpriced]);
  expect(result.unpriced.map((row) => row.charge_key)).toEqual(["c9"]);
  expect(result.usd).toBe("0.00025025");
});
