/** The live feed: when the server says that a trace moved, what is on screen is brought up to date. */

import { type InfiniteData, type QueryClient, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { NEWEST } from "../model/columns";
import { mergeRows, updateRows } from "../model/pages";
import type { TraceRow, Traces } from "./schema";

export type LiveState = "live" | "connecting" | "off";

/** `gap` stands for events that are no longer kept; a `trace` event carries the trace as the list shows it. */
type LiveEvent = { type: "gap" } | { type: "trace"; trace_id: string; row: TraceRow };

/** A burst of events becomes one refresh; a single one shows at once. */
const QUIET_MS = 400;

/** Follows one project, or all of them where none is chosen. */
export function useLive(project: string | undefined): LiveState {
  const cache = useQueryClient();
  const [state, setState] = useState<LiveState>("connecting");
  useEffect(() => {
    const query = project === undefined ? "" : `?project=${encodeURIComponent(project)}`;
    const source = new EventSource(`/everytoken/v1/live${query}`);
    let rows = new Map<string, TraceRow>();
    let missed = false;
    let timer = 0;
    let restUntil = 0;
    const refresh = async () => {
      const [changed, all] = [rows, missed];
      rows = new Map();
      missed = false;
      await Promise.all([
        cache.invalidateQueries({ queryKey: ["projects"] }),
        project !== undefined && all && cache.invalidateQueries({ queryKey: ["project", project] }),
        project !== undefined && !all && refreshProject(cache, project, changed),
      ]);
      timer = 0;
      restUntil = Date.now() + QUIET_MS;
      if (rows.size > 0 || missed) schedule();
    };
    const schedule = () => {
      if (timer === 0) timer = window.setTimeout(() => void refresh(), Math.max(0, restUntil - Date.now()));
    };
    source.onmessage = (message: MessageEvent<string>) => {
      const event = JSON.parse(message.data) as LiveEvent;
      if (event.type === "trace") rows.set(event.trace_id, event.row);
      else missed = true;
      schedule();
    };
    source.onopen = () => setState("live");
    source.onerror = () => setState(source.readyState === EventSource.CLOSED ? "off" : "connecting");
    return () => {
      window.clearTimeout(timer);
      source.close();
    };
  }, [cache, project]);
  return state;
}

/** What is asked again when any trace moved; only what is on screen is really asked for. */
const SUMS = "summary series contributions dearest coverage nodes models users threads thread explain".split(" ");

/** Lists take the rows as they came; sums and the opened trace are asked for again. */
async function refreshProject(cache: QueryClient, project: string, rows: ReadonlyMap<string, TraceRow>): Promise<void> {
  for (const { queryKey } of cache.getQueryCache().findAll({ queryKey: ["project", project, "traces"] })) {
    const list = cache.getQueryData<InfiniteData<Traces, string | null>>(queryKey);
    if (!list) continue;
    const [filter, sort] = queryKey.slice(4);
    // What a filter keeps and where another order puts it, the server says when it is asked for the first page again.
    const plain = (filter ?? "") === "" && (sort ?? NEWEST) === NEWEST;
    const pages = plain ? mergeRows(list.pages, rows) : updateRows(list.pages, rows);
    if (pages) cache.setQueryData(queryKey, { ...list, pages });
    else await cache.resetQueries({ queryKey });
  }
  const asked = [
    ...SUMS.map((name) => [name]),
    ...[...rows.keys()].flatMap((id) => [
      ["trace", id],
      ["run", id],
    ]),
  ];
  await Promise.all(asked.map((rest) => cache.invalidateQueries({ queryKey: ["project", project, ...rest] })));
}
