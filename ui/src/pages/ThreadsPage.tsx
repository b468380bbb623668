import { useQuery } from "@tanstack/react-query";
import { Link, useParams, useSearch } from "@tanstack/react-router";
import { threadsQuery } from "../api/queries";
import { keepRange } from "../components/Frame";
import { ListPage } from "../components/ListPage";
import { Ago } from "../components/Moment";
import { Truncated } from "../components/States";
import { UsageTable } from "../components/UsageTable";
import { useWords } from "../i18n/useWords";
import { count } from "../model/format";
import { DEFAULT_RANGE } from "../model/time";

export function ThreadsPage() {
  const t = useWords();
  const { project } = useParams({ from: "/projects/$project/threads" });
  const range = useSearch({ strict: false, select: (search) => search.range }) ?? DEFAULT_RANGE;
  const query = useQuery(threadsQuery(project, range));
  const name = (key: string | null) =>
    key === null ? (
      <span className="muted">{t("groups.noThread")}</span>
    ) : (
      <Link
        className="row-link"
        to="/projects/$project/threads/$threadId"
        params={{ project, threadId: key }}
        search={keepRange}
      >
        {key}
      </Link>
    );
  return (
    <ListPage project={project} title={t("nav.threads")} query={query} rows={query.data?.groups}>
      {(rows) => (
        <>
          {query.data?.truncated && <Truncated shown={rows.length} />}
          <UsageTable
            nameHead={t("groups.thread")}
            heads={[
              { key: "turns", label: t("groups.turns"), narrow: true },
              { key: "users", label: t("nav.users") },
              { key: "calls", label: t("count.llmCalls") },
              { key: "first", label: t("groups.first") },
              { key: "last", label: t("groups.last") },
            ]}
            lines={rows.map((row) => ({
              key: row.key ?? "",
              name: name(row.key),
              cells: [
                count(row.traces),
                count(row.users),
                count(row.llm_calls),
                <Ago key="first" us={row.first_us} />,
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
