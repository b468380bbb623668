/** The order of a table, as the address bar holds it: `cost` falling, `-cost` rising. */

export type Sort = { readonly key: string; readonly rising: boolean };
export type Value = number | string | null | undefined;

export function readSort(text: string | undefined): Sort | null {
  if (!text) return null;
  return text.startsWith("-") ? { key: text.slice(1), rising: true } : { key: text, rising: false };
}

/** What a click on the head of a column makes of the order: falling, rising, then the order of the server. */
export function nextSort(now: string | undefined, key: string): string | undefined {
  if (now === key) return `-${key}`;
  return now === `-${key}` ? undefined : key;
}

/** Rows in that order; what is not known stands last either way, and equal rows keep their places. */
export function sorted<Row>(rows: readonly Row[], sort: Sort | null, value: (row: Row, key: string) => Value): Row[] {
  if (sort === null) return [...rows];
  return [...rows].sort((a, b) => compare(value(a, sort.key), value(b, sort.key), sort.rising));
}

function compare(a: Value, b: Value, rising: boolean): number {
  const [noA, noB] = [a === null || a === undefined, b === null || b === undefined];
  if (noA || noB) return noA === noB ? 0 : noA ? 1 : -1;
  const order =
    typeof a === "string" || typeof b === "string" ? String(a).localeCompare(String(b)) : Number(a) - Number(b);
  return rising ? order : -order;
}
