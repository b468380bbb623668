/** What pricing stored charges again would change, put together from the pages in which the server tells it. */

import type { RepriceResult, RepriceRow } from "../api/schema";
import { sumDecimals } from "./decimal";

export type Repriced = Omit<RepriceResult, "next" | "applied">;

const COUNTS = ["charges", "changed", "newly_priced", "newly_unpriced"] as const;
type Figures = Pick<RepriceRow, (typeof COUNTS)[number] | "before_usd" | "after_usd">;

function added<Row extends Figures>(a: Row, b: Figures): Row {
  const counts = Object.fromEntries(COUNTS.map((name) => [name, a[name] + b[name]]));
  const money = {
    before_usd: sumDecimals([a.before_usd, b.before_usd]),
    after_usd: sumDecimals([a.after_usd, b.after_usd]),
  };
  return { ...a, ...counts, ...money };
}

/** Two parts of one answer: a day and model that is in both is one row. The latest day first. */
export function joinParts(a: Repriced, b: Repriced): Repriced {
  const rows = new Map<string, RepriceRow>();
  for (const row of [...a.rows, ...b.rows]) {
    const key = `${row.day} ${row.provider} ${row.model}`;
    const known = rows.get(key);
    rows.set(key, known ? added(known, row) : row);
  }
  return { ...added(a, b), rows: [...rows.values()].sort((one, other) => (one.day < other.day ? 1 : -1)) };
}

/** After minus before, exactly. */
export function difference({ before_usd, after_usd }: { before_usd: string; after_usd: string }): string {
  return sumDecimals([after_usd, before_usd.startsWith("-") ? before_usd.slice(1) : `-${before_usd}`]);
}
