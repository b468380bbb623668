import { expect, test } from "vitest";
import { draftForMissing, draftForPrice, emptyDraft, faultOf, faultsOf, nameOf, tomlOf } from "./override";

const FULL = {
  ...emptyDraft("2026-11-23"),
  name: "own",
  provider: "openai",
  models: 'ft:gpt "x", other',
  input_mtok: "1.75",
  output_mtok: "14",
  source: "contract\n2026",
};

test("a form is one entry of a price file, with texts escaped and empty fields left out", () => {
  expect(tomlOf(FULL)).toBe(
    [
      "[[price]]",
      'provider = "openai"',
      'models = ["ft:gpt \\"x\\"", "other"]',
      "rates = { input_mtok = 1.75, output_mtok = 14 }",
      'source = "contract\\u000a2026"',
      "checked = 2026-11-23",
      "",
    ].join("\n"),
  );
});

test("each field that would be refused says so", () => {
  expect(faultsOf(FULL)).toEqual({});
  expect(faultsOf({ ...FULL, name: "a b", input_mtok: "-1", output_mtok: "", valid_from: "tomorrow" })).toEqual({
    name: "name",
    input_mtok: "amount",
    output_mtok: "missing",
    valid_from: "day",
  });
});

test("a refusal goes to the field it names", () => {
  expect(faultOf("x:4: `checked` is missing; write a day without quotes")).toEqual({ field: "checked", line: 4 });
  expect(faultOf("x:2: not TOML: Invalid value")).toEqual({ field: "toml", line: 2 });
  expect(faultOf("there are 100 overrides")).toEqual({ field: "toml", line: null });
});

test("a model without a price comes with all but the money", () => {
  const missing = {
    project: "p",
    provider: "openai",
    model: "ft:gpt/x y",
    reason: "model_unknown",
    calls: 1,
    input_tokens: 1,
    output_tokens: 1,
    last_us: 0,
  };
  const draft = draftForMissing(missing, "2026-11-23");
  expect([draft.name, draft.provider, draft.models, draft.input_mtok]).toEqual([
    "ft-gpt-x-y",
    "openai",
    "ft:gpt/x y",
    "",
  ]);
  expect(nameOf("한글")).toBe("");
});

test("a model with a price starts from its base rates, not from those of a long context", () => {
  const rate = { per: 1_000_000, source: "s" };
  const rates = [
    { ...rate, key: "input_mtok", usd: "2.5", over: 200_000 },
    { ...rate, key: "input_mtok", usd: "1.25", over: null },
    { ...rate, key: "output_mtok", usd: "10", over: null },
  ];
  const draft = draftForPrice("google", "gemini-2.5-pro", rates, "2026-11-23");
  expect([draft.input_mtok, draft.cache_read_mtok, draft.output_mtok, draft.valid_from]).toEqual([
    "1.25",
    "",
    "10",
    "2026-11-23",
  ]);
});
