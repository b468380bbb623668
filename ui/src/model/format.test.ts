import { expect, test } from "vitest";
import { count, duration, money, moneyDecimals, moneyFull, moneyIn, percent, tokens } from "./format";

test("tokens are written out up to 100 thousand, then shortened with the full value kept", () => {
  expect(tokens(1261)).toEqual({ value: "1,261", unit: "", full: "1,261" });
  expect(tokens(99_999).value).toBe("99,999");
  expect(tokens(124_345)).toEqual({ value: "124.3", unit: "k", full: "124,345" });
  expect(tokens(1_840_000)).toEqual({ value: "1.84", unit: "M", full: "1,840,000" });
  expect(count(9104)).toBe("9,104");
});

test("money shows two decimals above a cent and four digits below it", () => {
  expect(money("12.3141").value).toBe("$12.31");
  expect(money("1234.5").value).toBe("$1,234.50");
  expect(money("0.011284")).toEqual({ value: "$0.011", unit: "", full: "$0.011284" });
  expect(money("0.00025025").value).toBe("$0.0002503");
  expect(money("0.002016").value).toBe("$0.002016");
  expect(money("0").value).toBe("$0.00");
});

test("the full value is never rounded and has at least two decimals", () => {
  expect(moneyFull("0.00025025")).toBe("$0.00025025");
  expect(moneyFull("1234567.5")).toBe("$1,234,567.50");
  expect(moneyFull("-3")).toBe("-$3.00");
});

test("a column of money shares its decimals, and a crumb is not called nothing", () => {
  expect(moneyDecimals(["0.011284", "0.000250", null])).toBe(4);
  expect(moneyDecimals(["350.2", "0.1"])).toBe(2);
  expect(moneyDecimals(["0.0004"])).toBe(6);
  expect(moneyIn("0.00732375", 4).value).toBe("$0.0073");
  expect(moneyIn("0.00001", 4).value).toBe("<$0.0001");
  expect(moneyIn("0", 4).value).toBe("$0.0000");
});

test("durations change unit where the digits stop saying something", () => {
  expect(duration(0.4)).toEqual({ value: "0.4", unit: "ms", full: "0.400 ms" });
  expect(duration(18)).toEqual({ value: "18", unit: "ms", full: "18.0 ms" });
  expect(duration(99.6)).toMatchObject({ value: "0.10", unit: "s" });
  expect(duration(600)).toMatchObject({ value: "0.60", unit: "s" });
  expect(duration(1820)).toMatchObject({ value: "1.82", unit: "s" });
  expect(duration(12_340)).toMatchObject({ value: "12.3", unit: "s" });
  expect(duration(59_960)).toMatchObject({ value: "1 m 00", unit: "s" });
  expect(duration(125_000)).toMatchObject({ value: "2 m 05", unit: "s" });
  expect(duration(3_720_000)).toMatchObject({ value: "1 h 02", unit: "m" });
});

test("a share is whole only when it is whole", () => {
  expect(percent(1)).toBe("100 %");
  expect(percent(0.9999)).toBe(">99.9 %");
  expect(percent(0.992)).toBe("99.2 %");
  expect(percent(0.65)).toBe("65 %");
  expect(percent(0.004)).toBe("0.4 %");
  expect(percent(0.0001)).toBe("<0.1 %");
  expect(percent(0)).toBe("0 %");
});
