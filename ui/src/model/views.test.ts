import { expect, test } from "vitest";
import { readViews, sameView, viewOf, withView } from "./views";

test("a view keeps what the list shows, and nothing of the page around it", () => {
  expect(viewOf({ filter: 'eq(a, "b")', range: "7d", run: "x", live: "off", dense: true })).toEqual({
    filter: 'eq(a, "b")',
    range: "7d",
  });
});

test("what was stored by another hand does no harm", () => {
  expect(readViews("{")).toEqual([]);
  expect(readViews(null)).toEqual([]);
  expect(readViews('{"name": "x"}')).toEqual([]);
  expect(
    readViews('[{"name": 3, "search": {}}, null, {"name": "slow", "search": {"sort": "-latency", "a": 1}}]'),
  ).toEqual([{ name: "slow", search: { sort: "-latency" } }]);
});

test("a name is given once, and the list is bounded", () => {
  const one = { name: "a", search: { range: "7d" } };
  const other = { name: "a", search: { range: "1h" } };
  expect(withView([one], other)).toEqual([other]);
  const many = Array.from({ length: 60 }, (_, index) => ({ name: String(index), search: {} }));
  expect(withView(many, one)).toHaveLength(50);
});

test("two views are the same when every part is", () => {
  expect(sameView({ range: "7d" }, { range: "7d" })).toBe(true);
  expect(sameView({ range: "7d" }, { range: "7d", sort: "-cost" })).toBe(false);
});
