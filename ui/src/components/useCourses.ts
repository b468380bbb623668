import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { type SeriesBy, seriesQuery } from "../api/queries";
import { stacks } from "../model/dashboard";
import type { Range } from "../model/time";

/** As many as the server tells apart: the rest of a longer table has no course of its own. */
const TOP = 20;

/** Cost over the range of each of the dearest groups, by key. */
export function useCourses(project: string, range: Range, by: SeriesBy): ReadonlyMap<string, readonly number[]> {
  const { data } = useQuery(seriesQuery(project, range, by, TOP));
  return useMemo(
    () =>
      new Map(
        data?.by === by
          ? stacks(data, "cost")
              .filter((stack) => !stack.group.other)
              .map((stack) => [stack.group.key ?? "", stack.values])
          : [],
      ),
    [data, by],
  );
}
