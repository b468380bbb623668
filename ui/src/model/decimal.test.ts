import { expect, test } from "vitest";
import { plainDecimal, rescaleRate, sumDecimals } from "./decimal";

test("the four calls of the reference trace add up to the last digit", () => {
  expect(sumDecimals(["0.00025025", "0.002016", "0.00732375", "0.001694"])).toBe("0.011284");
});

test("nothing adds up to zero", () => {
  expect(sumDecimals([])).toBe("0");
});

test("a sum that floats get wrong stays exact", () => {
  expect(sumDecimals(["0.1", "0.2"])).toBe("0.3");
  expect(sumDecimals(["12345678901234567890.000000000001", "-0.000000000001"])).toBe("12345678901234567890");
});

test("exponents become plain text and trailing zeros go", () => {
  expect(plainDecimal("1E-7")).toBe("0.0000001");
  expect(plainDecimal("2.50")).toBe("2.5");
  expect(plainDecimal("1E+3")).toBe("1000");
  expect(plainDecimal("-.5")).toBe("-0.5");
});

test("a text that is no number is refused", () => {
  expect(() => plainDecimal("free")).toThrow("not a decimal: free");
  expect(() => plainDecimal("")).toThrow("not a decimal");
});

test("a rate per thousand is restated per million", () => {
  expect(rescaleRate("0.00175", 1_000, 1_000_000)).toBe("1.75");
  expect(rescaleRate("14", 1_000_000, 1_000_000)).toBe("14");
});
