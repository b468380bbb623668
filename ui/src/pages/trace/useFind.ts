import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { findQuery } from "../../api/queries";
import type { TraceView } from "../../api/schema";
import { matches } from "../../model/find";

/** The runs that match: at once by what is on the page, then by what the server found in inputs and outputs. */
export function useFind(
  view: TraceView,
  text: string,
): { ids: readonly string[]; searching: boolean; truncated: boolean } {
  const asked = useQuery(findQuery(view.trace.project, view.trace.trace_id, text));
  const ids = useMemo(
    () => matches(view.runs, text, new Set(asked.data?.run_ids ?? [])),
    [view.runs, text, asked.data],
  );
  return { ids, searching: asked.isLoading, truncated: asked.data?.truncated ?? false };
}
