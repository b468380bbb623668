import { expect, test } from "vitest";
import { matches, nextMatch } from "./find";
import { run } from "./samples";

const runs = [
  run({ run_id: "a", name: "Chat" }),
  run({ run_id: "b", name: "call", models: ["gpt-5.2"] }),
  run({ run_id: "c", name: "tool", error: "TimeoutError" }),
  run({ run_id: "d", name: "chat again" }),
];

test("names, models and errors are searched in any case, inputs and outputs by the server", () => {
  expect(matches(runs, "CHAT", new Set())).toEqual(["a", "d"]);
  expect(matches(runs, "gpt", new Set(["d"]))).toEqual(["b", "d"]);
  expect(matches(runs, "timeout", new Set())).toEqual(["c"]);
  expect(matches(runs, " ", new Set(["a"]))).toEqual([]);
});

test("the next match goes on from the selected run and comes round", () => {
  expect(nextMatch(["a", "d"], runs, undefined, 1)).toBe("a");
  expect(nextMatch(["a", "d"], runs, "a", 1)).toBe("d");
  expect(nextMatch(["a", "d"], runs, "d", 1)).toBe("a");
  expect(nextMatch(["a", "d"], runs, "b", 1)).toBe("d");
  expect(nextMatch(["a", "d"], runs, "b", -1)).toBe("a");
  expect(nextMatch([], runs, "b", 1)).toBeUndefined();
});
