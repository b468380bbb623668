import { expect, test } from "vitest";
import type { ReleaseRow, Series } from "../api/schema";
import { flagsOf, releaseMarks } from "./releases";
import { totals } from "./samples";

const SERIES: Series = {
  project: "p",
  by: "none",
  bucket: "hour",
  tz: "UTC",
  from_us: 5_000,
  to_us: 35_000,
  starts_us: [0, 10_000, 20_000, 30_000],
  grouped: 0,
  groups: [],
};

function release(name: string, first_us: number): ReleaseRow {
  return { ...totals({}), release: name, first_us, last_us: first_us };
}

const named = (rows: readonly ReleaseRow[]) => rows.map((row) => row.release);

test("a mark stands in the bucket in which a release made its first call, and holds all that began there", () => {
  const newestFirst = [release("1.3", 30_000), release("1.2", 19_999), release("1.1", 10_000), release("1.0", 0)];
  expect(releaseMarks(SERIES, newestFirst).map((mark) => [mark.index, named(mark.releases)])).toEqual([
    [0, ["1.0"]],
    [1, ["1.1", "1.2"]],
    [3, ["1.3"]],
  ]);
});

test("a release that was there before the chart begins, or comes after its end, has no mark", () => {
  expect(releaseMarks(SERIES, [release("late", 35_000), release("old", -1)])).toEqual([]);
});

test("marks that stand too close together become one flag, at the first of them", () => {
  const marks = releaseMarks(SERIES, [
    release("a", 0),
    release("b", 10_000),
    release("c", 20_000),
    release("d", 30_000),
  ]);
  const flags = flagsOf(marks, [10, 50, 89, 90], 80);
  expect(flags.map((flag) => [flag.x, named(flag.releases)])).toEqual([
    [10, ["a", "b", "c"]],
    [90, ["d"]],
  ]);
});

test("a chart that is not laid out yet has no flags", () => {
  const marks = releaseMarks(SERIES, [release("a", 0), release("b", 10_000)]);
  expect(flagsOf(marks, [], 80)).toEqual([]);
  expect(flagsOf(marks, [Number.NaN, 4], 80).map((flag) => flag.x)).toEqual([4]);
});
