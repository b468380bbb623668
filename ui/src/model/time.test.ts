import { expect, test } from "vitest";
import { ago, clock, isRange, rangeFromUs, zoneName } from "./time";

const NOW = Date.UTC(2026, 10, 22, 13, 0, 0);
const us = (ms: number) => ms * 1_000;

test("a range starts its length before now, all time has no start", () => {
  expect(rangeFromUs("1h", NOW)).toBe(us(NOW - 3_600_000));
  expect(rangeFromUs("7d", NOW)).toBe(us(NOW - 604_800_000));
  expect(rangeFromUs("all", NOW)).toBeUndefined();
  expect(isRange("24h")).toBe(true);
  expect(isRange("2y")).toBe(false);
});

test("age is told in the largest whole unit", () => {
  expect(ago(us(NOW - 2_000), NOW)).toBeNull();
  expect(ago(us(NOW - 42_000), NOW)).toEqual({ value: -42, unit: "second" });
  expect(ago(us(NOW - 119_000), NOW)).toEqual({ value: -1, unit: "minute" });
  expect(ago(us(NOW - 7_300_000), NOW)).toEqual({ value: -2, unit: "hour" });
  expect(ago(us(NOW - 200_000_000), NOW)).toEqual({ value: -2, unit: "day" });
  expect(ago(us(NOW + 60_000), NOW)).toBeNull();
});

test("a moment is written in the zone, with as much date as it needs", () => {
  expect(clock(us(NOW), NOW, "Asia/Seoul")).toBe("22:00:00");
  expect(clock(us(NOW - 86_400_000), NOW, "Asia/Seoul")).toBe("11-21 22:00:00");
  expect(clock(us(Date.UTC(2025, 11, 31, 23, 0, 5)), NOW, "UTC")).toBe("2025-12-31 23:00:05");
});

test("Seoul's zone is KST, others name themselves", () => {
  expect(zoneName("Asia/Seoul", NOW)).toBe("KST");
  expect(zoneName("UTC", NOW)).toBe("UTC");
});
