import { type InfiniteData, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useMemo, useState } from "react";
import { headQuery, tracesQuery } from "../../api/queries";
import type { TraceRow, Traces } from "../../api/schema";
import { NEWEST } from "../../model/columns";
import { mergeRows } from "../../model/pages";
import type { ListState } from "./useList";

export type Fresh = {
  readonly rows: readonly TraceRow[];
  /** Traces that have come and are not shown: the list stands still, or is ordered by something else. */
  readonly held: number;
  /** Shows them. */
  readonly take: () => void;
};

/** The rows to show. New ones join a live list that is newest first; elsewhere they are counted until asked for. */
export function useFresh(list: ListState, loaded: readonly TraceRow[] | undefined): Fresh {
  const { project, range, filter, sort, paused, set } = list;
  const cache = useQueryClient();
  const plain = filter === "" && sort === NEWEST;
  const asked = headQuery(project, range, { filter, sort });
  const head = useQuery({ ...asked, enabled: !plain && loaded !== undefined });
  const joins = !paused && sort === NEWEST;

  useEffect(() => {
    if (plain || !joins || head.data === undefined) return;
    const rows = new Map(head.data.traces.map((row) => [row.trace_id, row]));
    cache.setQueryData(
      tracesQuery(project, range, { filter, sort }).queryKey,
      (now: InfiniteData<Traces> | undefined) => {
        const pages = now && mergeRows(now.pages, rows);
        return pages ? { ...now, pages } : now;
      },
    );
  }, [plain, joins, head.data, cache, project, range, filter, sort]);

  const newest = useMemo(() => loaded?.reduce((most, row) => Math.max(most, row.start_us), 0), [loaded]);
  const [stopUs, setStopUs] = useState<number>();
  useEffect(() => {
    if (!paused) setStopUs(undefined);
    else if (newest !== undefined) setStopUs((now) => now ?? newest);
  }, [paused, newest]);

  return useMemo(() => {
    const all = loaded ?? [];
    const rows = paused && stopUs !== undefined ? all.filter((row) => row.start_us <= stopUs) : all;
    const known = new Set(all.map((row) => row.trace_id));
    const coming = joins ? [] : (head.data?.traces.filter((row) => !known.has(row.trace_id)) ?? []);
    return {
      rows,
      held: all.length - rows.length + coming.length,
      take: () => {
        if (paused) set({ live: undefined });
        if (sort !== NEWEST)
          void cache.resetQueries({ queryKey: tracesQuery(project, range, { filter, sort }).queryKey });
      },
    };
  }, [loaded, paused, stopUs, joins, head.data, set, sort, cache, project, range, filter]);
}
