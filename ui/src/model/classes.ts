/** Token classes: one order and one colour everywhere, disjoint, so that a bar adds up to the total. */

import type { Totals } from "../api/schema";

export type TokenClass = "input" | "cache_read" | "cache_write" | "output" | "reasoning" | "tool_use" | "media";
export type Slice = { readonly tokenClass: TokenClass; readonly tokens: number };

/** The disjoint parts of a row's tokens, in the fixed order, without the empty ones. */
export function slices(totals: Totals): Slice[] {
  const { input_tokens, cache_read_tokens, output_tokens, reasoning_tokens } = totals;
  const all: Slice[] = [
    { tokenClass: "cache_read", tokens: Math.min(cache_read_tokens, input_tokens) },
    { tokenClass: "input", tokens: Math.max(input_tokens - cache_read_tokens, 0) },
    { tokenClass: "reasoning", tokens: Math.min(reasoning_tokens, output_tokens) },
    { tokenClass: "output", tokens: Math.max(output_tokens - reasoning_tokens, 0) },
  ];
  return all.filter((slice) => slice.tokens > 0);
}

/** The colour family of a priced class or meter as the API names it (`cache_read_audio`, `cache_creation_30m`, ...). */
export function classOf(name: string): TokenClass | null {
  if (name.includes("audio") || name.includes("image") || name.includes("video")) return "media";
  if (name.startsWith("cache_read")) return "cache_read";
  if (name.startsWith("cache_creation") || name.startsWith("cache_write")) return "cache_write";
  if (name === "input" || name === "output" || name === "reasoning" || name === "tool_use") return name;
  if (name.startsWith("prediction")) return "output";
  return null;
}
