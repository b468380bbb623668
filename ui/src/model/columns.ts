/** The columns of the trace list: which are shown, how wide they are, and what the server sorts them by. */

export const COLUMNS = [
  "started",
  "duration",
  "ttft",
  "tokens",
  "cost",
  "calls",
  "runs",
  "models",
  "tags",
  "user",
  "thread",
] as const;
export type Column = (typeof COLUMNS)[number];

const DEFAULT: readonly Column[] = ["started", "duration", "tokens", "cost", "models", "tags", "user"];

/** As a grid track; the least width in pixels says when the list begins to scroll sideways. */
const TRACKS: Record<Column, readonly [least: number, most: string]> = {
  started: [108, "108px"],
  duration: [130, "148px"],
  ttft: [72, "72px"],
  tokens: [130, "156px"],
  cost: [140, "140px"],
  calls: [56, "64px"],
  runs: [56, "64px"],
  models: [96, "160px"],
  tags: [80, "130px"],
  user: [72, "84px"],
  thread: [84, "130px"],
};
const STATUS_PX = 32;
const NAME_PX = 240;

/** The columns that an address names, in the order of the table; the usual ones where it names none. */
export function columnsOf(text: string | undefined): readonly Column[] {
  if (text === undefined) return DEFAULT;
  const named = new Set(text.split("."));
  return COLUMNS.filter((column) => named.has(column));
}

/** How an address names them; `undefined` for the usual ones. */
export function columnsText(shown: readonly Column[]): string | undefined {
  const text = COLUMNS.filter((column) => shown.includes(column)).join(".");
  return text === DEFAULT.join(".") ? undefined : text || "none";
}

export function tracksOf(shown: readonly Column[]): { readonly columns: string; readonly leastPx: number } {
  const tracks = shown.map((column) => `minmax(${TRACKS[column][0]}px, ${TRACKS[column][1]})`);
  return {
    columns: `${STATUS_PX}px minmax(${NAME_PX}px, 1fr) ${tracks.join(" ")}`.trim(),
    leastPx: shown.reduce((sum, column) => sum + TRACKS[column][0], STATUS_PX + NAME_PX),
  };
}

export const SORTS = ["start", "latency", "ttft", "tokens", "cost", "calls"] as const;
export type SortBy = (typeof SORTS)[number];
export type Sort = SortBy | `-${SortBy}`;
export const NEWEST: Sort = "-start";

export const SORTED_BY: Partial<Record<Column, SortBy>> = {
  started: "start",
  duration: "latency",
  ttft: "ttft",
  tokens: "tokens",
  cost: "cost",
  calls: "calls",
};

/** The order that an address names, newest first where it names none that there is. */
export function sortOf(text: string | undefined): Sort {
  const by = text?.replace(/^-/, "");
  return SORTS.includes(by as SortBy) ? (text as Sort) : NEWEST;
}

/** The most first, then the least, then newest first again. */
export function nextOrder(now: Sort, by: SortBy): Sort | undefined {
  const next = now === `-${by}` ? by : now === by ? NEWEST : (`-${by}` as const);
  return next === NEWEST ? undefined : next;
}
