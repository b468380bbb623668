import { expect, test } from "vitest";
import { ago, bucketLabel, clock, isRange, ownZone, rangeOf, windowBefore, windowOf, zoneName, zoneOf } from "./time";

const NOW = Date.UTC(2026, 10, 22, 13, 0, 0);
const us = (ms: number) => ms * 1_000;

test("a range starts its length before now, all time has no start", () => {
  expect(windowOf("15m", NOW)).toEqual({ from: us(NOW - 900_000), to: undefined });
  expect(windowOf("7d", NOW).from).toBe(us(NOW - 604_800_000));
  expect(windowOf("all", NOW).from).toBeUndefined();
  expect(isRange("24h")).toBe(true);
  expect(isRange("2y")).toBe(false);
});

test("two moments are a range that stays, the second after the first", () => {
  const range = rangeOf(NOW - 60_000, NOW);
  expect(range).toBe("1795352340000-1795352400000");
  expect(isRange(range)).toBe(true);
  expect(windowOf(range, NOW + 99)).toEqual({ from: us(NOW - 60_000), to: us(NOW) });
  expect(isRange("1795352400000-1795352340000")).toBe(false);
  expect(isRange("5-9")).toBe(false);
});

test("the period before is as long and ends where this one begins", () => {
  expect(windowBefore("1h", NOW)).toEqual({ from: us(NOW - 7_200_000), to: us(NOW - 3_600_000) });
  expect(windowBefore(rangeOf(NOW - 60_000, NOW), NOW + 5)).toEqual({ from: us(NOW - 120_000), to: us(NOW - 60_000) });
  expect(windowBefore("all", NOW)).toBeNull();
});

test("a bucket is named as short as its length allows", () => {
  const at = us(NOW);
  expect(bucketLabel(at, "minute", "Asia/Seoul")).toBe("22:00");
  expect(bucketLabel(at, "hour", "UTC")).toBe("11-22 13:00");
  expect(bucketLabel(at, "day", "UTC")).toBe("11-22");
  expect(bucketLabel(at, "month", "UTC")).toBe("2026-11");
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

test("a project's zone is its own when it was set, else the reader's", () => {
  expect(zoneOf({ time_zone: "Asia/Seoul" })).toBe("Asia/Seoul");
  expect(zoneOf({ time_zone: "UTC" })).toBe(ownZone());
  expect(zoneOf(undefined)).toBe(ownZone());
});
