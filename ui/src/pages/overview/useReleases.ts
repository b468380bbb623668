import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { releasesQuery } from "../../api/queries";
import type { Series } from "../../api/schema";
import { type ReleaseMark, releaseMarks } from "../../model/releases";
import type { Range } from "../../model/time";

const NONE: readonly ReleaseMark[] = [];

/** Marks where releases begin in the buckets of a series, and whether there are more than were told. */
export function useReleases(project: string, range: Range, series: Series | undefined) {
  const { data } = useQuery(releasesQuery(project, range));
  const marks = useMemo(() => (data && series ? releaseMarks(series, data.releases) : NONE), [data, series]);
  return { marks, truncated: data?.truncated ?? false };
}
