import { useNavigate, useSearch } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { useWords } from "../i18n/useWords";
import { DEFAULT_RANGE } from "../model/time";
import { Empty, Failed, SkeletonRows } from "./States";
import { SummaryStrip } from "./SummaryStrip";

type Asked = { error: Error | null; refetch: () => Promise<unknown> };

/** A page of one table under the project's totals, with its loading, failed and empty states. */
export function ListPage<Row>({
  project,
  title,
  query,
  rows,
  children,
}: {
  project: string;
  title: string;
  query: Asked;
  rows: readonly Row[] | undefined;
  children: (rows: readonly Row[]) => ReactNode;
}) {
  const range = useSearch({ strict: false, select: (search) => search.range }) ?? DEFAULT_RANGE;
  return (
    <div className="page fill">
      <h1 className="sr-only">{title}</h1>
      {(rows || !query.error) && <SummaryStrip project={project} range={range} />}
      {!rows && query.error && <Failed error={query.error} retry={() => void query.refetch()} />}
      {!rows && !query.error && <SkeletonRows count={8} />}
      {rows?.length === 0 && <NoCalls />}
      {rows && rows.length > 0 && children(rows)}
    </div>
  );
}

/** No LLM call in the range: what to do, and a wider range one click away. */
export function NoCalls() {
  const t = useWords();
  const navigate = useNavigate();
  const range = useSearch({ strict: false, select: (search) => search.range }) ?? DEFAULT_RANGE;
  return (
    <Empty title={t("empty.calls")} text={t("empty.callsText")}>
      {range !== "all" && (
        <button
          type="button"
          className="button"
          onClick={() => void navigate({ to: ".", search: (now) => ({ ...now, range: "all" as const }) })}
        >
          {t("actions.showAll")}
        </button>
      )}
    </Empty>
  );
}
