import { expect, test } from "vitest";
import { daysOf, isZone, keyState, linesOf, namesOf, shortened } from "./settings";

test("nothing typed keeps for ever, and what is no number of days is refused", () => {
  expect([daysOf(" "), daysOf("30"), daysOf("0"), daysOf("1.5"), daysOf("36501"), daysOf("x")]).toEqual([
    null,
    30,
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
});

test("keeping for less time removes something; keeping for longer, or for ever, does not", () => {
  expect([
    shortened(null, 30),
    shortened(30, 7),
    shortened(30, 30),
    shortened(30, null),
    shortened(30, undefined),
  ]).toEqual([true, true, false, false, false]);
});

test("time zones are names, not offsets", () => {
  expect([isZone("Asia/Seoul"), isZone("UTC"), isZone("Asia/Soul"), isZone("+09:00"), isZone("")]).toEqual([
    true,
    true,
    false,
    false,
    false,
  ]);
});

test("patterns stand one a line, blanks inside of them kept; names stand between commas", () => {
  expect(linesOf("a b \n\n\\d+")).toEqual(["a b ", "\\d+"]);
  expect(namesOf(" eco2, ,other,eco2")).toEqual(["eco2", "other"]);
});

test("a key that was revoked is revoked, expired or not", () => {
  expect(keyState({ revoked_us: 1, expires_us: 1 }, 5)).toBe("revoked");
  expect(keyState({ revoked_us: null, expires_us: 5_000 }, 5)).toBe("expired");
  expect(keyState({ revoked_us: null, expires_us: 5_001 }, 5)).toBe("valid");
});
