import { expect, test } from "vitest";
import { columnsOf, columnsText, nextOrder, sortOf, tracksOf } from "./columns";

test("an address names columns in any order, and unknown ones are left out", () => {
  expect(columnsOf("cost.nothing.started")).toEqual(["started", "cost"]);
  expect(columnsOf("none")).toEqual([]);
  expect(columnsText(columnsOf(undefined))).toBeUndefined();
  expect(columnsText(["cost", "started"])).toBe("started.cost");
  expect(columnsText([])).toBe("none");
});

test("the list is at least as wide as its columns", () => {
  expect(tracksOf(["started", "cost"])).toEqual({
    columns: "32px minmax(240px, 1fr) minmax(108px, 108px) minmax(140px, 140px)",
    leastPx: 520,
  });
});

test("a head sorts by the most, then the least, then lets go", () => {
  expect(nextOrder("-start", "cost")).toBe("-cost");
  expect(nextOrder("-cost", "cost")).toBe("cost");
  expect(nextOrder("cost", "cost")).toBeUndefined();
  expect(nextOrder("-start", "start")).toBe("start");
});

test("an order nobody knows is newest first", () => {
  expect([sortOf(undefined), sortOf("-cost"), sortOf("-colour")]).toEqual(["-start", "-cost", "-start"]);
});
