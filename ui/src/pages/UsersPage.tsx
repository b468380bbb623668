import { useQuery } from "@tanstack/react-query";
import { useParams, useSearch } from "@tanstack/react-router";
import { usersQuery } from "../api/queries";
import { Duration } from "../components/Figures";
import { ListPage } from "../components/ListPage";
import { Ago } from "../components/Moment";
import { Truncated } from "../components/States";
import { UsageTable } from "../components/UsageTable";
import { useWords } from "../i18n/useWords";
import { count } from "../model/format";
import { DEFAULT_RANGE } from "../model/time";

export function UsersPage() {
  const t = useWords();
  const { project } = useParams({ from: "/projects/$project/users" });
  const range = useSearch({ strict: false, select: (search) => search.range }) ?? DEFAULT_RANGE;
  const query = useQuery(usersQuery(project, range));
  return (
    <ListPage project={project} title={t("nav.users")} query={query} rows={query.data?.groups}>
      {(rows) => (
        <>
          {query.data?.truncated && <Truncated shown={rows.length} />}
          <UsageTable
            nameHead={t("traces.user")}
            heads={[
              { key: "traces", label: t("count.traces"), narrow: true },
              { key: "threads", label: t("nav.threads") },
              { key: "calls", label: t("count.llmCalls") },
              { key: "p95", label: t("count.p95") },
              { key: "last", label: t("groups.last") },
            ]}
            lines={rows.map((row) => ({
              key: row.key ?? "",
              name: row.key === null ? <span className="muted">{t("groups.noUser")}</span> : <strong>{row.key}</strong>,
              cells: [
                count(row.traces),
                count(row.threads),
                count(row.llm_calls),
                <Duration key="p95" ms={row.p95_ms} />,
                <Ago key="last" us={row.last_us} />,
              ],
              totals: row,
              share: row.share,
              errors: row.errors,
            }))}
          />
        </>
      )}
    </ListPage>
  );
}
