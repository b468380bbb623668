/** How figures are written: the number, its muted unit, and the full value for the hover. */

import { plainDecimal } from "./decimal";

export type Figure = { readonly value: string; readonly unit: string; readonly full: string };

const WHOLE = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
const MILLION = 1_000_000;
const COMPACT_FROM = 100_000;

function grouped(value: number, decimals: number): string {
  return value.toLocaleString("en-US", { minimumFractionDigits: decimals, maximumFractionDigits: decimals });
}

/** A count in full: `1,261`. */
export function count(value: number): string {
  return WHOLE.format(value);
}

/** Tokens: `1,261`; above 100 thousand `124.3 k`, `1.84 M`. */
export function tokens(value: number): Figure {
  const full = count(value);
  if (value < COMPACT_FROM) return { value: full, unit: "", full };
  if (value < MILLION) return { value: grouped(value / 1_000, 1), unit: "k", full };
  if (value < 1_000 * MILLION) return { value: grouped(value / MILLION, 2), unit: "M", full };
  return { value: grouped(value / (1_000 * MILLION), 2), unit: "B", full };
}

/** Money in full: `$0.011284`, never rounded. */
export function moneyFull(usd: string): string {
  const [whole = "0", fraction = ""] = plainDecimal(usd).split(".");
  const sign = whole.startsWith("-") ? "-" : "";
  return `${sign}$${BigInt(whole.replace("-", "")).toLocaleString("en-US")}.${fraction.padEnd(2, "0")}`;
}

/** Money at a glance: two significant decimals from a cent up, four significant digits below, both without noise. */
export function money(usd: string): Figure {
  const value = Number(usd);
  const size = Math.abs(value);
  const full = moneyFull(usd);
  if (size === 0 || size >= 0.1) return { value: `$${grouped(value, 2)}`, unit: "", full };
  if (size >= 0.01) return { value: `$${grouped(value, 3)}`, unit: "", full };
  const decimals = Math.min(12, 3 - Math.floor(Math.log10(size)));
  return { value: `$${grouped(value, decimals).replace(/0+$/, "")}`, unit: "", full };
}

/** Decimals that keep a column of money aligned and its largest value readable to three digits or more. */
export function moneyDecimals(values: readonly (string | null)[]): number {
  const largest = Math.max(0, ...values.map((value) => Math.abs(Number(value ?? 0))));
  if (largest >= 100 || largest === 0) return 2;
  if (largest >= 0.01) return 4;
  return 6;
}

/** Money in a column with `decimals` places; what would round to nothing is `<$0.0001`, for it is not nothing. */
export function moneyIn(usd: string, decimals: number): Figure {
  const value = Number(usd);
  const least = 10 ** -decimals;
  const shown = value > 0 && value < least / 2 ? `<$${least.toFixed(decimals)}` : `$${grouped(value, decimals)}`;
  return { value: shown, unit: "", full: moneyFull(usd) };
}

/** Money with its sign: `+$1.20`, `−$0.30`, `$0.00`; in a column with the places of the column. */
export function signedMoney(usd: string, decimals?: number): string {
  const size = usd.replace(/^-/, "");
  const shown = (decimals === undefined ? money(size) : moneyIn(size, decimals)).value;
  const value = Number(usd);
  return value === 0 ? shown : `${value > 0 ? "+" : "−"}${shown}`;
}

/** A duration: `18 ms`, `0.60 s`, `12.3 s`, `2 m 05 s`, `1 h 02 m`. */
export function duration(ms: number): Figure {
  const full = `${grouped(ms, ms < 10 ? 3 : 1)} ms`;
  if (ms < 10) return { value: grouped(ms, ms === 0 ? 0 : 1), unit: "ms", full };
  if (ms < 99.5) return { value: grouped(ms, 0), unit: "ms", full };
  if (ms < 9_995) return { value: grouped(ms / 1_000, 2), unit: "s", full };
  if (ms < 59_950) return { value: grouped(ms / 1_000, 1), unit: "s", full };
  const seconds = Math.round(ms / 1_000);
  const two = (part: number) => String(part).padStart(2, "0");
  if (seconds < 3_600) return { value: `${Math.floor(seconds / 60)} m ${two(seconds % 60)}`, unit: "s", full };
  return { value: `${Math.floor(seconds / 3_600)} h ${two(Math.floor((seconds % 3_600) / 60))}`, unit: "m", full };
}

/** A share of 0 to 1: `65 %`, `0.4 %`, and never `100 %` or `0 %` for what is only nearly so. */
export function percent(share: number): string {
  const value = share * 100;
  if (share === 0 || share === 1) return `${value} %`;
  if (value < 0.1) return "<0.1 %";
  if (value > 99.9) return ">99.9 %";
  return `${grouped(value, value < 10 || value > 99 ? 1 : 0)} %`;
}
