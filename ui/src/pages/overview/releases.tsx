import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { releasesQuery } from "../../api/queries";
import type { Series } from "../../api/schema";
import { useWords } from "../../i18n/useWords";
import { type ReleaseMark, releaseMarks } from "../../model/releases";
import type { Range } from "../../model/time";

type Begun = { readonly marks: readonly ReleaseMark[]; readonly truncated: boolean };

const NONE: readonly ReleaseMark[] = [];

/** Where releases begin in the buckets of a series, and whether more began than the server lists. */
export function useReleases(project: string, range: Range, series: Series | undefined): Begun {
  const { data } = useQuery(releasesQuery(project, range));
  const marks = useMemo(() => (data && series ? releaseMarks(series, data.releases) : NONE), [data, series]);
  return { marks, truncated: data?.truncated ?? false };
}

/** The entry of a chart's legend; none where no release begins. */
export function ReleaseLegend({ releases: { marks, truncated } }: { releases: Begun }) {
  const t = useWords();
  if (marks.length === 0) return null;
  return (
    <li className="muted">
      <i className="swatch line dotted" />
      <span title={truncated ? t("releases.truncated") : undefined}>
        {t("releases.began")}
        {truncated && " …"}
      </span>
    </li>
  );
}
