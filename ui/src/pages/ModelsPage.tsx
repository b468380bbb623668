import { useQuery } from "@tanstack/react-query";
import { useParams, useSearch } from "@tanstack/react-router";
import { modelsQuery } from "../api/queries";
import { Duration } from "../components/Figures";
import { ListPage } from "../components/ListPage";
import { Cached } from "../components/NodeTable";
import { UsageTable } from "../components/UsageTable";
import { useCourses } from "../components/useCourses";
import { useWords } from "../i18n/useWords";
import { count } from "../model/format";
import { cachedShare } from "../model/quality";
import { DEFAULT_RANGE } from "../model/time";

export function ModelsPage() {
  const t = useWords();
  const { project } = useParams({ from: "/projects/$project/models" });
  const range = useSearch({ strict: false, select: (search) => search.range }) ?? DEFAULT_RANGE;
  const query = useQuery(modelsQuery(project, range));
  const courses = useCourses(project, range, "model");
  return (
    <ListPage project={project} title={t("nav.models")} query={query} rows={query.data?.models}>
      {(rows) => (
        <UsageTable
          nameHead={t("detail.model")}
          heads={[
            { key: "calls", label: t("count.llmCalls"), narrow: true },
            { key: "cached", label: t("models.cached") },
            { key: "ttft", label: t("models.ttft") },
            { key: "p50", label: t("count.p50") },
            { key: "p95", label: t("count.p95") },
          ]}
          lines={rows.map((row) => ({
            key: `${row.provider} ${row.model}`,
            name: (
              <>
                <strong>{row.model ?? t("models.unknown")}</strong>
                {row.provider && <span className="muted beside">{row.provider}</span>}
              </>
            ),
            cells: [
              count(row.llm_calls),
              <Cached key="cached" totals={row} />,
              <Duration key="ttft" ms={row.ttft_p50_ms} />,
              <Duration key="p50" ms={row.p50_ms} />,
              <Duration key="p95" ms={row.p95_ms} />,
            ],
            values: {
              name: row.model,
              calls: row.llm_calls,
              cached: cachedShare(row),
              ttft: row.ttft_p50_ms,
              p50: row.p50_ms,
              p95: row.p95_ms,
            },
            course: courses.get(row.model ?? ""),
            explain: { by: "model", key: row.model ?? "", provider: row.provider ?? "" },
            totals: row,
            share: row.share,
            errors: row.errors,
          }))}
        />
      )}
    </ListPage>
  );
}
