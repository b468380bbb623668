/** Users and threads: the same table of groups, with the figures that matter for each. */

import { useQuery } from "@tanstack/react-query";
import { Link, useParams, useSearch } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { threadsQuery, usersQuery } from "../api/queries";
import type { GroupRow } from "../api/schema";
import { Duration } from "../components/Figures";
import { keepRange } from "../components/Frame";
import { ListPage } from "../components/ListPage";
import { Ago } from "../components/Moment";
import { Truncated } from "../components/States";
import { type Head, UsageTable } from "../components/UsageTable";
import { useCourses } from "../components/useCourses";
import { useWords } from "../i18n/useWords";
import { count } from "../model/format";
import type { Value } from "../model/sort";
import { DEFAULT_RANGE } from "../model/time";

type Column = Head & { readonly value: (row: GroupRow) => Value; readonly cell: (row: GroupRow) => ReactNode };

export function UsersPage() {
  const t = useWords();
  const { project } = useParams({ from: "/projects/$project/users" });
  return (
    <GroupsPage
      project={project}
      by="user"
      title={t("nav.users")}
      nameHead={t("traces.user")}
      name={(key) => (key === null ? <span className="muted">{t("groups.noUser")}</span> : <strong>{key}</strong>)}
      columns={[
        counted("traces", t("count.traces"), (row) => row.traces, true),
        counted("threads", t("nav.threads"), (row) => row.threads),
        counted("calls", t("count.llmCalls"), (row) => row.llm_calls),
        { key: "p95", label: t("count.p95"), value: (row) => row.p95_ms, cell: (row) => <Duration ms={row.p95_ms} /> },
        { key: "last", label: t("groups.last"), value: (row) => row.last_us, cell: (row) => <Ago us={row.last_us} /> },
      ]}
    />
  );
}

export function ThreadsPage() {
  const t = useWords();
  const { project } = useParams({ from: "/projects/$project/threads" });
  return (
    <GroupsPage
      project={project}
      by="thread"
      title={t("nav.threads")}
      nameHead={t("groups.thread")}
      name={(key) => <ThreadName project={project} thread={key} />}
      columns={[
        counted("turns", t("groups.turns"), (row) => row.traces, true),
        counted("users", t("nav.users"), (row) => row.users),
        counted("calls", t("count.llmCalls"), (row) => row.llm_calls),
        {
          key: "first",
          label: t("groups.first"),
          value: (row) => row.first_us,
          cell: (row) => <Ago us={row.first_us} />,
        },
        { key: "last", label: t("groups.last"), value: (row) => row.last_us, cell: (row) => <Ago us={row.last_us} /> },
      ]}
    />
  );
}

const counted = (key: string, label: string, value: (row: GroupRow) => number, narrow = false): Column => ({
  key,
  label,
  narrow,
  value,
  cell: (row) => count(value(row)),
});

function ThreadName({ project, thread }: { project: string; thread: string | null }) {
  const t = useWords();
  if (thread === null) return <span className="muted">{t("groups.noThread")}</span>;
  return (
    <Link
      className="row-link"
      to="/projects/$project/threads/$threadId"
      params={{ project, threadId: thread }}
      search={keepRange}
    >
      {thread}
    </Link>
  );
}

type Props = {
  project: string;
  by: "user" | "thread";
  title: string;
  nameHead: string;
  name: (key: string | null) => ReactNode;
  columns: readonly Column[];
};

function GroupsPage({ project, by, title, nameHead, name, columns }: Props) {
  const range = useSearch({ strict: false, select: (search) => search.range }) ?? DEFAULT_RANGE;
  const query = useQuery({ ...(by === "user" ? usersQuery : threadsQuery)(project, range) });
  const courses = useCourses(project, range, by);
  return (
    <ListPage project={project} title={title} query={query} rows={query.data?.groups}>
      {(rows) => (
        <>
          {query.data?.truncated && <Truncated shown={rows.length} />}
          <UsageTable
            nameHead={nameHead}
            heads={columns}
            lines={rows.map((row) => ({
              key: row.key ?? "",
              name: name(row.key),
              cells: columns.map((column) => <span key={column.key}>{column.cell(row)}</span>),
              values: { name: row.key, ...Object.fromEntries(columns.map(({ key, value }) => [key, value(row)])) },
              course: courses.get(row.key ?? ""),
              explain: { by, key: row.key ?? "" },
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
