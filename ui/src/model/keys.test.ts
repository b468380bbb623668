import { expect, test } from "vitest";
import { KEYS, keyLabel, readKey } from "./keys";

test("a single key means its action", () => {
  expect(readKey("j", "")).toEqual({ action: "down", prefix: "" });
  expect(readKey("ArrowUp", "")).toEqual({ action: "up", prefix: "" });
  expect(readKey("z", "")).toEqual({ action: null, prefix: "" });
});

test("g waits for the place to go to, and forgets what is none", () => {
  expect(readKey("g", "")).toEqual({ action: null, prefix: "g" });
  expect(readKey("t", "g")).toEqual({ action: "traces", prefix: "" });
  expect(readKey("z", "g")).toEqual({ action: null, prefix: "" });
});

test("no key means two things", () => {
  const all = Object.values(KEYS).flat();
  expect(new Set(all).size).toBe(all.length);
  expect(keyLabel("Escape")).toBe("Esc");
});
