/** What a project's row asks for by itself, so that the list stands before they are there. */

import { useQuery } from "@tanstack/react-query";
import { Link } from "@tanstack/react-router";
import { coverageQuery, seriesQuery } from "../api/queries";
import { useWords } from "../i18n/useWords";
import { stacks } from "../model/dashboard";
import type { Range } from "../model/time";
import { keepRange } from "./Frame";
import { Spark } from "./Spark";

type Props = { project: string; range: Range };

/** Cost of a project over the range. */
export function Course({ project, range }: Props) {
  const t = useWords();
  const { data } = useQuery(seriesQuery(project, range, "none"));
  const values = data && stacks(data, "cost")[0]?.values;
  return <Spark values={values} label={t("worst.trend")} />;
}

/** Whether every call path of a project reports its usage, one click from the causes. */
export function CoverageTile({ project, range }: Props) {
  const t = useWords();
  const { data } = useQuery(coverageQuery(project, range));
  if (!data || data.paths.length === 0) return null;
  const silent = data.paths.length - data.reporting;
  return (
    <Link
      className={silent > 0 ? "tile bad" : "tile"}
      to="/projects/$project/coverage"
      params={{ project }}
      search={keepRange}
    >
      {silent > 0 ? t("coverage.silentPaths", { count: silent }) : t("coverage.pathsOk", { count: data.paths.length })}
    </Link>
  );
}
