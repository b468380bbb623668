/** How well a number is known, and what may be shown of it. */

import type { Totals } from "../api/schema";
import { sumDecimals } from "./decimal";

export type Quality = "exact" | "partial" | "estimated" | "missing";
export const QUALITIES: readonly Quality[] = ["exact", "partial", "estimated", "missing"];

/** The mark before a total: the least certain kind that takes part in it; `null` where no model was called. */
export function markOf(totals: Totals): Quality | null {
  if (totals.llm_calls === 0) return null;
  const { exact, partial, estimated, missing } = totals.quality;
  if (missing > 0 && exact + partial + estimated === 0) return "missing";
  if (estimated > 0 && exact + partial === 0) return "estimated";
  return missing + estimated + partial > 0 ? "partial" : "exact";
}

/** Share of charges with exact usage, 0 to 1; `null` without charges. */
export function exactShare(totals: Totals): number | null {
  const { exact, partial, estimated, missing } = totals.quality;
  const all = exact + partial + estimated + missing;
  return all === 0 ? null : exact / all;
}

/** Part of the input that came from the provider's cache, 0 to 1; `null` where no input is known. */
export function cachedShare(totals: Totals): number | null {
  return totals.input_tokens > 0 ? totals.cache_read_tokens / totals.input_tokens : null;
}

export type KnownCost =
  | { readonly kind: "none" }
  | { readonly kind: "unknown"; readonly unpriced: number }
  | { readonly kind: "known"; readonly usd: string; readonly unpriced: number };

/** What a row may say about money: nothing (no model called), unknown (none priced), or what is known. */
export function knownCost(totals: Totals): KnownCost {
  if (totals.llm_calls === 0) return { kind: "none" };
  if (totals.cost_usd !== null) return { kind: "known", usd: totals.cost_usd, unpriced: 0 };
  if (totals.unpriced_calls >= totals.llm_calls) return { kind: "unknown", unpriced: totals.unpriced_calls };
  return { kind: "known", usd: totals.cost_known_usd, unpriced: totals.unpriced_calls };
}

/** Share of `part` in `whole` by known cost, 0 to 1; `null` when the whole costs nothing that is known. */
export function costShare(part: Totals, whole: Totals): number | null {
  const all = Number(whole.cost_known_usd);
  return all > 0 ? Number(part.cost_known_usd) / all : null;
}

/** Several rows as one: counts add up, money adds up exactly, and is unknown as soon as one part is. */
export function sumTotals(rows: readonly Totals[]): Totals {
  const add = (pick: (row: Totals) => number) => rows.reduce((sum, row) => sum + pick(row), 0);
  const unpriced = add((row) => row.unpriced_calls);
  const known = sumDecimals(rows.map((row) => row.cost_known_usd));
  return {
    llm_calls: add((row) => row.llm_calls),
    input_tokens: add((row) => row.input_tokens),
    output_tokens: add((row) => row.output_tokens),
    total_tokens: add((row) => row.total_tokens),
    cache_read_tokens: add((row) => row.cache_read_tokens),
    reasoning_tokens: add((row) => row.reasoning_tokens),
    cost_usd: unpriced > 0 ? null : known,
    cost_known_usd: known,
    unpriced_calls: unpriced,
    quality: {
      exact: add((row) => row.quality.exact),
      partial: add((row) => row.quality.partial),
      estimated: add((row) => row.quality.estimated),
      missing: add((row) => row.quality.missing),
    },
  };
}
