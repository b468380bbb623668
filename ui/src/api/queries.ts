/** What the pages ask the server, with the keys under which the answers are kept. */

import { infiniteQueryOptions, keepPreviousData, type QueryClient, queryOptions } from "@tanstack/react-query";
import { NEWEST, type Sort } from "../model/columns";
import { ofStrip, type Strip } from "../model/strip";
import { type Range, windowBefore, windowOf, zoneOf } from "../model/time";
import { get } from "./client";

const PAGE = 50;

/** The window is worked out when the request leaves, so that "last hour" stays the last hour. */
const within = (range: Range) => windowOf(range, Date.now());

/** What a project is set to; changed on its settings page alone. */
export const settingsQuery = (project: string) =>
  queryOptions({
    queryKey: ["project", project, "settings"],
    queryFn: ({ signal }) => get("/everytoken/v1/projects/{project}/settings", { project }, signal),
    staleTime: 60_000,
    retry: false,
  });

/** Days are cut in the project's time zone; a reader who may not see its settings gets their own. */
async function zone(cache: QueryClient, project: string): Promise<string> {
  return zoneOf(await cache.ensureQueryData(settingsQuery(project)).catch(() => undefined));
}

/** What the server knows of itself; whether an agent is attached does not change while it runs. */
export const healthQuery = queryOptions({
  queryKey: ["health"],
  queryFn: ({ signal }) => get("/everytoken/v1/health", {}, signal),
  staleTime: Number.POSITIVE_INFINITY,
});

export const projectsQuery = (range: Range) =>
  queryOptions({
    queryKey: ["projects", range],
    queryFn: ({ signal }) => get("/everytoken/v1/projects", within(range), signal),
    placeholderData: keepPreviousData,
  });

export const summaryQuery = (project: string, range: Range) =>
  queryOptions({
    queryKey: ["project", project, "summary", range],
    queryFn: ({ signal }) => get("/everytoken/v1/projects/{project}/summary", { project, ...within(range) }, signal),
  });

/** The totals of the period before; nothing for all time. */
export const summaryBeforeQuery = (project: string, range: Range) =>
  queryOptions({
    queryKey: ["project", project, "summary", range, "before"],
    queryFn: ({ signal }) => {
      const before = windowBefore(range, Date.now()) ?? {};
      return get("/everytoken/v1/projects/{project}/summary", { project, ...before }, signal);
    },
    enabled: range !== "all",
  });

export type SeriesBy = "none" | "class" | "model" | "node" | "user" | "tag" | "thread" | "call_path" | "release";
export type ExplainBy = Exclude<SeriesBy, "class">;

/** Groups shown apart in a chart. */
const TOP = 7;

export const seriesQuery = (project: string, range: Range, by: SeriesBy, top = TOP) =>
  queryOptions({
    queryKey: ["project", project, "series", range, by, top],
    queryFn: async ({ signal, client }) => {
      const tz = await zone(client, project);
      return get("/everytoken/v1/projects/{project}/series", { project, by, tz, top, ...within(range) }, signal);
    },
    placeholderData: keepPreviousData,
  });

/** Charges over time in the period before, to lay under the present one. */
export const seriesBeforeQuery = (project: string, range: Range) =>
  queryOptions({
    queryKey: ["project", project, "series", range, "before"],
    queryFn: async ({ signal, client }) => {
      const before = windowBefore(range, Date.now()) ?? {};
      const tz = await zone(client, project);
      return get("/everytoken/v1/projects/{project}/series", { project, tz, ...before }, signal);
    },
    enabled: range !== "all",
  });

export type ContributionBy = "model" | "node" | "user" | "call_path" | "release";

export const contributionsQuery = (project: string, range: Range, by: ContributionBy) =>
  queryOptions({
    queryKey: ["project", project, "contributions", range, by],
    queryFn: ({ signal }) =>
      get("/everytoken/v1/projects/{project}/contributions", { project, by, ...within(range) }, signal),
    placeholderData: keepPreviousData,
    enabled: range !== "all",
  });

/** Two windows against each other; without `before`, the one of the same length just before. */
export const windowsQuery = (project: string, range: Range, before: Range | undefined, by: ContributionBy) =>
  queryOptions({
    queryKey: ["project", project, "contributions", range, by, before ?? "before"],
    queryFn: ({ signal }) => {
      const earlier = before === undefined ? null : within(before);
      const named = { before_from: earlier?.from, before_to: earlier?.to };
      return get(
        "/everytoken/v1/projects/{project}/contributions",
        { project, by, ...named, ...within(range) },
        signal,
      );
    },
    placeholderData: keepPreviousData,
    enabled: range !== "all",
  });

/** Releases that made calls, with their first call ever: where they begin on a chart. */
export const releasesQuery = (project: string, range: Range) =>
  queryOptions({
    queryKey: ["project", project, "releases", range],
    queryFn: ({ signal }) => get("/everytoken/v1/projects/{project}/releases", { project, ...within(range) }, signal),
    placeholderData: keepPreviousData,
  });

export const dearestQuery = (project: string, range: Range) =>
  queryOptions({
    queryKey: ["project", project, "dearest", range],
    queryFn: ({ signal }) => get("/everytoken/v1/projects/{project}/dearest", { project, ...within(range) }, signal),
  });

export const coverageQuery = (project: string, range: Range) =>
  queryOptions({
    queryKey: ["project", project, "coverage", range],
    queryFn: ({ signal }) => get("/everytoken/v1/projects/{project}/coverage", { project, ...within(range) }, signal),
  });

/** Alerts change by the clock, not by what one does here. */
const ALERTS_MS = 15_000;

export const alertsQuery = (project: string) =>
  queryOptions({
    queryKey: ["project", project, "alerts"],
    queryFn: ({ signal }) => get("/everytoken/v1/projects/{project}/alerts", { project }, signal),
    refetchInterval: ALERTS_MS,
  });

export const alertEventsQuery = (project: string) =>
  queryOptions({
    queryKey: ["project", project, "alerts", "events"],
    queryFn: ({ signal }) => get("/everytoken/v1/projects/{project}/alert-events", { project }, signal),
    refetchInterval: ALERTS_MS,
  });

export const modelsQuery = (project: string, range: Range) =>
  queryOptions({
    queryKey: ["project", project, "models", range],
    queryFn: ({ signal }) => get("/everytoken/v1/projects/{project}/models", { project, ...within(range) }, signal),
  });

export const usersQuery = (project: string, range: Range) =>
  queryOptions({
    queryKey: ["project", project, "users", range],
    queryFn: ({ signal }) => get("/everytoken/v1/projects/{project}/users", { project, ...within(range) }, signal),
  });

export const threadsQuery = (project: string, range: Range) =>
  queryOptions({
    queryKey: ["project", project, "threads", range],
    queryFn: ({ signal }) => get("/everytoken/v1/projects/{project}/threads", { project, ...within(range) }, signal),
  });

export const threadQuery = (project: string, threadId: string) =>
  queryOptions({
    queryKey: ["project", project, "thread", threadId],
    queryFn: ({ signal }) =>
      get("/everytoken/v1/projects/{project}/threads/{thread_id}", { project, thread_id: threadId }, signal),
  });

export const nodesQuery = (project: string, range: Range) =>
  queryOptions({
    queryKey: ["project", project, "nodes", range],
    queryFn: ({ signal }) => get("/everytoken/v1/projects/{project}/nodes", { project, ...within(range) }, signal),
  });

export const worstQuery = (project: string, range: Range, node: string) =>
  queryOptions({
    queryKey: ["project", project, "worst", range, node],
    queryFn: ({ signal }) =>
      get(
        "/everytoken/v1/projects/{project}/nodes/{node}/worst",
        { project, node, limit: 5, ...within(range) },
        signal,
      ),
    placeholderData: keepPreviousData,
  });

/** Which traces are listed, and in which order. */
export type Listed = { readonly filter?: string; readonly sort?: Sort };

export const tracesQuery = (project: string, range: Range, { filter = "", sort = NEWEST }: Listed = {}) =>
  infiniteQueryOptions({
    queryKey: ["project", project, "traces", range, filter, sort],
    queryFn: ({ signal, pageParam }) =>
      get(
        "/everytoken/v1/traces",
        {
          project,
          ...within(range),
          filter: filter || undefined,
          sort,
          cursor: pageParam ?? undefined,
          limit: PAGE,
        },
        signal,
      ),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next,
  });

/** The first page again, asked for while runs arrive: the live feed does not know what a filter keeps. */
export const headQuery = (project: string, range: Range, { filter = "", sort = NEWEST }: Listed) =>
  queryOptions({
    queryKey: ["project", project, "head", range, filter, sort],
    queryFn: ({ signal }) =>
      get(
        "/everytoken/v1/traces",
        { project, ...within(range), filter: filter || undefined, sort, limit: PAGE },
        signal,
      ),
    refetchInterval: LIVE_MS,
  });

/** Hits asked for at once. */
const HITS = 50;

/** Runs that hold a text. A page may be empty and yet not the last: the server looks back as far as it has time for. */
export const searchQuery = (project: string, range: Range, text: string) =>
  infiniteQueryOptions({
    queryKey: ["project", project, "search", range, text],
    queryFn: ({ signal, pageParam }) =>
      get(
        "/everytoken/v1/search",
        { project, q: text, ...within(range), cursor: pageParam ?? undefined, limit: HITS },
        signal,
      ),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next,
  });

/** Sums over many traces are asked for so often while one looks, not with every run that arrives. */
const LIVE_MS = 10_000;
/** Values listed of each facet. */
const FACET_VALUES = 20;

export const facetsQuery = (project: string, range: Range, filter: string) =>
  queryOptions({
    queryKey: ["project", project, "facets", range, filter],
    queryFn: ({ signal }) =>
      get(
        "/everytoken/v1/projects/{project}/facets",
        { project, ...within(range), filter: filter || undefined, limit: FACET_VALUES },
        signal,
      ),
    placeholderData: keepPreviousData,
    refetchInterval: LIVE_MS,
  });

/** Bars of a distribution: as many as a wide screen tells apart. */
const BARS = 48;

export const distributionQuery = (project: string, range: Range, filter: string, strip: Strip) =>
  queryOptions({
    queryKey: ["project", project, "distribution", range, filter, ofStrip(strip)],
    queryFn: async ({ signal, client }) => {
      const tz = await zone(client, project);
      const of = ofStrip(strip);
      return get(
        "/everytoken/v1/projects/{project}/distributions",
        { project, ...within(range), filter: filter || undefined, of, buckets: BARS, tz },
        signal,
      );
    },
    placeholderData: keepPreviousData,
    refetchInterval: LIVE_MS,
  });

/** Fields and operators of the filter language; they change with a release of the server. */
export const languageQuery = queryOptions({
  queryKey: ["filter", "fields"],
  queryFn: ({ signal }) => get("/everytoken/v1/filter/fields", {}, signal),
  staleTime: Number.POSITIVE_INFINITY,
});

/** Why a number is as it is: of all charges of the window, of one value of a dimension, or of a trace. */
export const explainQuery = (
  project: string,
  range: Range,
  { by = "none", key = "", traceId, provider }: { by?: ExplainBy; key?: string; traceId?: string; provider?: string },
) =>
  queryOptions({
    queryKey: ["project", project, "explain", range, by, key, traceId, provider],
    queryFn: ({ signal }) =>
      get("/everytoken/v1/explain", { project, by, key, trace_id: traceId, provider, ...within(range) }, signal),
  });

const FIRST_RUNS = 500;

export const traceQuery = (project: string, traceId: string) =>
  queryOptions({
    queryKey: ["project", project, "trace", traceId],
    queryFn: ({ signal }) => get("/everytoken/v1/traces/{trace_id}", { trace_id: traceId, project }, signal),
  });

/** The first runs of a trace: a trace of 10,000 shows rows while the rest is on its way. */
export const traceStartQuery = (project: string, traceId: string) =>
  queryOptions({
    queryKey: ["project", project, "trace", traceId, "start"],
    queryFn: ({ signal }) =>
      get("/everytoken/v1/traces/{trace_id}", { trace_id: traceId, project, limit: FIRST_RUNS }, signal),
  });

/** The trace that began last, if there is one. */
export const newestTraceQuery = (project: string) =>
  queryOptions({
    queryKey: ["project", project, "newest"],
    queryFn: async ({ signal }) =>
      (await get("/everytoken/v1/traces", { project, limit: 1 }, signal)).traces[0]?.trace_id ?? null,
    staleTime: Number.POSITIVE_INFINITY,
  });

/** Whether the server has heard of a trace that begins just now. */
export const begunQuery = (project: string, traceId: string) =>
  queryOptions({
    queryKey: ["project", project, "begun", traceId],
    queryFn: async ({ signal }) => {
      const { traces } = await get("/everytoken/v1/traces", { project, limit: 20 }, signal);
      return traces.some((trace) => trace.trace_id === traceId);
    },
    staleTime: Number.POSITIVE_INFINITY,
  });

/** What the trace's graph may do beside what it did. It changes with a release of the app, not while one looks. */
export const topologyQuery = (project: string, traceId: string) =>
  queryOptions({
    queryKey: ["project", project, "topology", traceId],
    queryFn: ({ signal }) => get("/everytoken/v1/traces/{trace_id}/topology", { trace_id: traceId, project }, signal),
    staleTime: Number.POSITIVE_INFINITY,
  });

/** Runs of a trace that hold a text in what they carried. */
export const findQuery = (project: string, traceId: string, text: string) =>
  queryOptions({
    queryKey: ["project", project, "find", traceId, text],
    queryFn: ({ signal }) =>
      get("/everytoken/v1/traces/{trace_id}/search", { trace_id: traceId, project, q: text }, signal),
    enabled: text.trim() !== "",
  });

export const runQuery = (project: string, traceId: string, runId: string) =>
  queryOptions({
    queryKey: ["project", project, "run", traceId, runId],
    queryFn: ({ signal }) =>
      get("/everytoken/v1/traces/{trace_id}/runs/{run_id}", { trace_id: traceId, run_id: runId, project }, signal),
    placeholderData: keepPreviousData,
  });
