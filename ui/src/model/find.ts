/** Searching in a trace: what the page sees by itself, joined with what the server found in inputs and outputs. */

import type { RunRow } from "../api/schema";

/** Runs whose name, model or error holds the text, whatever its case. */
function holds(run: RunRow, text: string): boolean {
  return [run.name, run.error ?? "", ...run.models].some((field) => field.toLocaleLowerCase().includes(text));
}

/** Ids of the runs that match, in the order of the tree; nothing is searched for when the text is empty. */
export function matches(runs: readonly RunRow[], text: string, found: ReadonlySet<string>): string[] {
  const wanted = text.trim().toLocaleLowerCase();
  if (wanted === "") return [];
  return runs.filter((run) => found.has(run.run_id) || holds(run, wanted)).map((run) => run.run_id);
}

/** The match after or before the selected run in the tree, round and round; the first or last without one. */
export function nextMatch(
  ids: readonly string[],
  runs: readonly RunRow[],
  selected: string | undefined,
  by: 1 | -1,
): string | undefined {
  if (ids.length === 0) return undefined;
  const at = ids.indexOf(selected ?? "");
  if (at >= 0) return ids[(at + by + ids.length) % ids.length];
  const place = runs.findIndex((run) => run.run_id === selected);
  const order = new Map(runs.map((run, index) => [run.run_id, index]));
  const ahead = (id: string) => (order.get(id) ?? 0) > place;
  return by === 1 ? (ids.find(ahead) ?? ids[0]) : (ids.findLast((id) => !ahead(id)) ?? ids.at(-1));
}
