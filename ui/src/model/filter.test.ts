import { describe, expect, test } from "vitest";
import type { FilterLanguage } from "../api/schema";
import {
  asFilter,
  completed,
  completions,
  conditions,
  faultAt,
  placeOf,
  withBounds,
  withCondition,
  withoutCondition,
} from "./filter";

const LANGUAGE: FilterLanguage = {
  operators: ["and", "or", "not", "search", "has", "eq", "gt"],
  fields: [
    { name: "status", kind: "text", operators: ["eq"], values: ["success", "error"] },
    { name: "latency", kind: "seconds", operators: ["eq", "gt"], values: [] },
    { name: "model", kind: "tags", operators: ["has", "eq"], values: [] },
    { name: "is_root", kind: "truth", operators: ["eq"], values: [] },
  ],
  searched: ["inputs", "outputs"],
  example: "",
};
const VALUES = new Map([["model", [{ value: 'gpt "x"', traces: 3, filter: "" }]]]);
const labels = (text: string) => completions(placeOf(text, text.length), LANGUAGE, VALUES).map(({ label }) => label);
const pick = (text: string, label: string) => {
  const place = placeOf(text, text.length);
  const found = completions(place, LANGUAGE, VALUES).find((one) => one.label === label);
  return found && completed(text, text.length, place, found)[0];
};

describe("joining", () => {
  test("conditions are told apart outside of texts and lists alone", () => {
    expect(conditions('and(eq(name, "a), b"), in(model, ["x", "y"]))')).toEqual([
      'eq(name, "a), b")',
      'in(model, ["x", "y"])',
    ]);
    expect(conditions("or(a(1), b(2))")).toEqual(["or(a(1), b(2))"]);
    expect(conditions(" ")).toEqual([]);
  });
  test("a condition is added once and can be taken out again", () => {
    const one = withCondition("", 'eq(status, "error")');
    const two = withCondition(one, 'eq(model, "m")');
    expect([one, two]).toEqual(['eq(status, "error")', 'and(eq(status, "error"), eq(model, "m"))']);
    expect(withCondition(two, 'eq(model, "m")')).toBe(two);
    expect(withoutCondition(two, 'eq(status, "error")')).toBe('eq(model, "m")');
    expect(withoutCondition(one, one)).toBe("");
  });
  test("a half-typed filter is kept whole rather than torn apart", () => {
    expect(withCondition("and(eq(a, 1)", "b(2)")).toBe("and(and(eq(a, 1), b(2))");
  });
  test("new bounds of a field replace its old ones", () => {
    const filter = withBounds(
      'and(eq(status, "error"), gte(total_cost, 1), lt(total_cost, 2))',
      "total_cost",
      0.5,
      0.75,
    );
    expect(filter).toBe('and(eq(status, "error"), gte(total_cost, 0.5), lt(total_cost, 0.75))');
    expect(withBounds("", "total_cost", 0.0000005, 1)).toBe("and(gte(total_cost, 0.0000005), lt(total_cost, 1))");
  });
  test("plain words are a search, a call is left as it is", () => {
    expect(asFilter(' say "hi" ')).toBe('search("say \\"hi\\"")');
    expect(asFilter("eq(a, 1)")).toBe("eq(a, 1)");
    expect(asFilter("  ")).toBe("");
  });
});

describe("completion", () => {
  test("where a condition is due, fields come before operators", () => {
    expect(labels("")).toEqual([
      "status",
      "latency",
      "model",
      "is_root",
      "and(…)",
      "or(…)",
      "not(…)",
      "search(…)",
      "has(…)",
      "eq(…)",
      "gt(…)",
    ]);
    expect(labels("and(eq(status, 1), l")).toEqual(["latency", "model"]);
  });
  test("inside of an operator only its fields are offered", () => {
    expect(labels("gt(")).toEqual(["latency"]);
    expect(labels("search(in")).toEqual(["inputs"]);
  });
  test("values come from the project, then from the language, and are escaped", () => {
    expect(pick("eq(model, g", 'gpt "x"')).toBe('eq(model, "gpt \\"x\\"")');
    expect(labels('eq(status, "e')).toEqual(["error", "success"]);
    expect(labels("eq(is_root, ")).toEqual(["true", "false"]);
    expect(labels('search(inputs, "')).toEqual([]);
  });
  test("a field chosen where a condition is due brings its operator along", () => {
    expect(pick("and(lat", "latency")).toBe("and(gt(latency, ");
    expect(pick("and(eq(a, 1), st", "status")).toBe("and(eq(a, 1), eq(status, ");
  });
  test("what stands behind the caret is not doubled", () => {
    const text = 'eq(status, "e")';
    const place = placeOf(text, 13);
    expect(completed(text, 13, place, { label: "", note: "", insert: '"error")', open: false })).toEqual([
      'eq(status, "error")',
      19,
    ]);
  });
});

test("the word at fault is underlined whole, and a position beyond the end underlines nothing", () => {
  expect(faultAt("gt(latncy, 2)", 3)).toEqual({ before: "gt(", fault: "latncy", after: ", 2)" });
  expect(faultAt("gt(", 3)).toEqual({ before: "gt(", fault: "", after: "" });
});
