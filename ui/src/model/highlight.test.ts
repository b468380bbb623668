import { expect, test } from "vitest";
import { pieces } from "./highlight";

const told = (text: string, wanted: string) =>
  pieces(text, wanted)
    .map((piece) => (piece.hit ? `[${piece.text}]` : piece.text))
    .join("");

test("every occurrence is marked, in any case", () => {
  expect(told("Pet bottle, PET cap, petal", "pet")).toBe("[Pet] bottle, [PET] cap, [pet]al");
});

test("a line break that was folded into a space is found", () => {
  expect(told("폐 건전지는 어디에", "폐\n건전지")).toBe("[폐 건전지]는 어디에");
});

test("signs are signs, not a pattern", () => {
  expect(told("costs $1.75 (net) or 1x75", "1.75 (net)")).toBe("costs $[1.75 (net)] or 1x75");
  expect(told("a\\b", "\\")).toBe("a[\\]b");
});

test("nothing wanted marks nothing", () => {
  expect(pieces("as it is", "  ")).toEqual([{ text: "as it is", hit: false }]);
});
