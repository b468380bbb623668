import { expect, test } from "vitest";
import { difference, joinParts, type Repriced } from "./reprice";

const part = (day: string, before: string, after: string): Repriced => {
  const figures = { charges: 10, changed: 2, before_usd: before, after_usd: after, newly_priced: 1, newly_unpriced: 0 };
  return { ...figures, rows: [{ ...figures, day, provider: "openai", model: "m" }] };
};

test("a day told in two parts is one row, and the sums are exact", () => {
  const whole = joinParts(part("2026-11-22", "0.1", "0.3"), part("2026-11-22", "0.2", "0.4"));
  expect(whole.rows).toHaveLength(1);
  expect([whole.charges, whole.changed, whole.before_usd, whole.after_usd]).toEqual([20, 4, "0.3", "0.7"]);
});

test("the latest day stands first", () => {
  const whole = joinParts(part("2026-11-21", "0", "1"), part("2026-11-22", "0", "1"));
  expect(whole.rows.map((row) => row.day)).toEqual(["2026-11-22", "2026-11-21"]);
});

test("a difference may be less than nothing", () => {
  expect(difference({ before_usd: "1.5", after_usd: "1.25" })).toBe("-0.25");
  expect(difference({ before_usd: "0", after_usd: "2" })).toBe("2");
});
