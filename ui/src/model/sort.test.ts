import { expect, test } from "vitest";
import { nextSort, readSort, sorted, type Value } from "./sort";

const rows = [{ n: 2 }, { n: null }, { n: 10 }, { n: 1 }];
const order = (text: string | undefined) =>
  sorted(rows, readSort(text), (row: { n: number | null }): Value => row.n).map((row) => row.n);

test("numbers are sorted as numbers, and what is not known stands last either way", () => {
  expect(order("n")).toEqual([10, 2, 1, null]);
  expect(order("-n")).toEqual([1, 2, 10, null]);
});

test("without an order, rows stay as the server gave them", () => {
  expect(order(undefined)).toEqual([2, null, 10, 1]);
});

test("a head clicked thrice gives the server's order back", () => {
  expect(nextSort(undefined, "cost")).toBe("cost");
  expect(nextSort("cost", "cost")).toBe("-cost");
  expect(nextSort("-cost", "cost")).toBeUndefined();
  expect(nextSort("-cost", "errors")).toBe("errors");
});
