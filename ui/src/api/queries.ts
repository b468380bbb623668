/** What the pages ask the server, with the keys under which the answers are kept. */

import { infiniteQueryOptions, keepPreviousData, queryOptions } from "@tanstack/react-query";
import { type Range, rangeFromUs } from "../model/time";
import { get } from "./client";

const PAGE = 50;

/** The window is worked out when the request leaves, so that "last hour" stays the last hour. */
function windowOf(range: Range): { from: number | undefined } {
  return { from: rangeFromUs(range, Date.now()) };
}

export const projectsQuery = (range: Range) =>
  queryOptions({
    queryKey: ["projects", range],
    queryFn: ({ signal }) => get("/everytoken/v1/projects", windowOf(range), signal),
    placeholderData: keepPreviousData,
  });

export const summaryQuery = (project: string, range: Range) =>
  queryOptions({
    queryKey: ["project", project, "summary", range],
    queryFn: ({ signal }) => get("/everytoken/v1/projects/{project}/summary", { project, ...windowOf(range) }, signal),
  });

export const nodesQuery = (project: string, range: Range) =>
  queryOptions({
    queryKey: ["project", project, "nodes", range],
    queryFn: ({ signal }) => get("/everytoken/v1/projects/{project}/nodes", { project, ...windowOf(range) }, signal),
  });

export const tracesQuery = (project: string, range: Range) =>
  infiniteQueryOptions({
    queryKey: ["project", project, "traces", range],
    queryFn: ({ signal, pageParam }) =>
      get(
        "/everytoken/v1/traces",
        { project, ...windowOf(range), cursor: pageParam ?? undefined, limit: PAGE },
        signal,
      ),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next,
  });

export const traceQuery = (project: string, traceId: string) =>
  queryOptions({
    queryKey: ["project", project, "trace", traceId],
    queryFn: ({ signal }) => get("/everytoken/v1/traces/{trace_id}", { trace_id: traceId, project }, signal),
  });

export const runQuery = (project: string, traceId: string, runId: string) =>
  queryOptions({
    queryKey: ["project", project, "run", traceId, runId],
    queryFn: ({ signal }) =>
      get("/everytoken/v1/traces/{trace_id}/runs/{run_id}", { trace_id: traceId, run_id: runId, project }, signal),
    placeholderData: keepPreviousData,
  });
