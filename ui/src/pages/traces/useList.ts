import { useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { useCallback, useMemo } from "react";
import { type Column, columnsOf, type Sort, sortOf } from "../../model/columns";
import type { Strip } from "../../model/strip";
import { DEFAULT_RANGE, type Range } from "../../model/time";
import type { TracesSearch } from "../../router";

const FROM = "/projects/$project/traces";

export type ListState = {
  readonly project: string;
  readonly range: Range;
  readonly filter: string;
  readonly sort: Sort;
  readonly strip: Strip;
  readonly columns: readonly Column[];
  readonly compact: boolean;
  readonly paused: boolean;
  readonly rail: boolean;
  /** Looked for in the runs; empty while the list shows traces. */
  readonly text: string;
  readonly search: TracesSearch;
  /** Changes parts of the address; one step back undoes it. */
  readonly set: (part: { [Part in keyof TracesSearch]?: TracesSearch[Part] | undefined }) => void;
};

/** What the address says of the list. */
export function useList(): ListState {
  const { project } = useParams({ from: FROM });
  const search = useSearch({ from: FROM });
  const navigate = useNavigate();
  const set = useCallback<ListState["set"]>(
    (part) =>
      void navigate({
        to: ".",
        search: (now) =>
          Object.fromEntries(
            Object.entries({ ...now, ...part }).filter(([, value]) => value !== undefined && value !== ""),
          ),
      }),
    [navigate],
  );
  const { range = DEFAULT_RANGE, filter = "", sort, strip = "count", cols, dense, live, rail, q = "" } = search;
  return useMemo(
    () => ({
      project,
      range,
      filter,
      sort: sortOf(sort),
      strip,
      columns: columnsOf(cols),
      compact: dense === "compact",
      paused: live === "off",
      rail: rail !== "off",
      text: q,
      search,
      set,
    }),
    [project, range, filter, sort, strip, cols, dense, live, rail, q, search, set],
  );
}
