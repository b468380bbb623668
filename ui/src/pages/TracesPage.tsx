import { useInfiniteQuery } from "@tanstack/react-query";
import { useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { useVirtualizer } from "@tanstack/react-virtual";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { tracesQuery } from "../api/queries";
import type { TraceRow } from "../api/schema";
import { keepRange } from "../components/Frame";
import { Empty, Failed, SkeletonRows } from "../components/States";
import { SummaryStrip } from "../components/SummaryStrip";
import { TraceLine } from "../components/TraceLine";
import { useKeys } from "../components/useKeys";
import { useNarrow } from "../components/useNarrow";
import { useWords } from "../i18n/useWords";
import { moneyDecimals } from "../model/format";
import { DEFAULT_RANGE } from "../model/time";

const ROW_PX = 28;
/** On a phone the question stands beneath the name. */
const TWO_LINES_PX = 46;
const AHEAD = 10;

export function TracesPage() {
  const t = useWords();
  const { project } = useParams({ from: "/projects/$project/traces" });
  const navigate = useNavigate();
  const range = useSearch({ strict: false, select: (search) => search.range }) ?? DEFAULT_RANGE;
  const list = useInfiniteQuery(tracesQuery(project, range));
  const rows = useMemo(() => list.data?.pages.flatMap((page) => page.traces), [list.data]);
  return (
    <div className="page fill">
      <h1 className="sr-only">{t("traces.title")}</h1>
      <SummaryStrip project={project} range={range} />
      {rows === undefined && list.error && <Failed error={list.error} retry={() => void list.refetch()} />}
      {rows === undefined && !list.error && <SkeletonRows count={16} />}
      {rows?.length === 0 && (
        <Empty title={t("traces.empty")} text={t("traces.emptyText")}>
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
      )}
      {rows !== undefined && rows.length > 0 && (
        <TraceList
          key={`${project} ${range}`}
          project={project}
          rows={rows}
          more={list.hasNextPage && !list.isFetchNextPageError}
          loadMore={() => void list.fetchNextPage()}
          loading={list.isFetching}
        />
      )}
    </div>
  );
}

type ListProps = { project: string; rows: readonly TraceRow[]; more: boolean; loading: boolean; loadMore: () => void };

function TraceList({ project, rows, more, loading, loadMore }: ListProps) {
  const t = useWords();
  const navigate = useNavigate();
  const box = useRef<HTMLDivElement>(null);
  const [at, setAt] = useState(-1);
  const rowPx = useNarrow() ? TWO_LINES_PX : ROW_PX;
  const list = useVirtualizer({
    count: rows.length,
    getScrollElement: () => box.current,
    estimateSize: () => rowPx,
    getItemKey: (index) => rows[index]?.trace_id ?? index,
    overscan: 12,
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: another row height makes all positions another
  useEffect(() => list.measure(), [list, rowPx]);
  const items = list.getVirtualItems();
  const last = items.at(-1)?.index ?? 0;
  useEffect(() => {
    if (more && !loading && last >= rows.length - AHEAD) loadMore();
  }, [more, loading, last, rows.length, loadMore]);

  const newer = useNewer(rows, box);
  const scale = useMemo(
    () => ({
      longest: Math.max(1, ...rows.map((row) => row.duration_ms ?? 0)),
      most: Math.max(1, ...rows.map((row) => row.total_tokens)),
      decimals: moneyDecimals(rows.map((row) => row.cost_known_usd)),
    }),
    [rows],
  );
  const [marked, setMarked] = useState<string>();
  const mark = useCallback(
    (id: string) => {
      if (marked === undefined || marked === id) setMarked(marked === id ? undefined : id);
      else {
        void navigate({
          to: "/projects/$project/compare",
          params: { project },
          search: (now) => ({ ...keepRange(now), a: marked, b: id }),
        });
      }
    },
    [marked, navigate, project],
  );
  const move = (to: number) => {
    setAt(to);
    list.scrollToIndex(to);
  };
  useKeys({
    down: () => move(Math.min(at + 1, rows.length - 1)),
    up: () => move(Math.max(at - 1, 0)),
    open: () => {
      const row = rows[at];
      if (row) {
        void navigate({
          to: "/projects/$project/traces/$traceId",
          params: { project, traceId: row.trace_id },
          search: keepRange,
        });
      }
    },
    mark: () => rows[at] && mark(rows[at].trace_id),
    close: () => setAt(-1),
  });

  return (
    <div className="list-wrap">
      {newer > 0 && (
        <button type="button" className="newer" onClick={() => box.current?.scrollTo({ top: 0 })}>
          ↑ {t("traces.newer", { count: newer })}
        </button>
      )}
      <div
        ref={box}
        className="list"
        role="table"
        aria-label={t("traces.title")}
        aria-rowcount={more ? -1 : rows.length + 1}
      >
        <div className="trace-grid list-head" role="row">
          <span role="columnheader" aria-label={t("count.errors")} />
          <span role="columnheader">{t("traces.name")}</span>
          <span role="columnheader" className="right">
            {t("traces.started")}
          </span>
          <span role="columnheader">{t("traces.duration")}</span>
          <span role="columnheader">{t("count.tokens")}</span>
          <span role="columnheader" className="right">
            {t("count.cost")}
          </span>
          <span role="columnheader">{t("traces.models")}</span>
          <span role="columnheader">{t("traces.tags")}</span>
          <span role="columnheader">{t("traces.user")}</span>
        </div>
        <div role="rowgroup" className="list-body" style={{ height: list.getTotalSize() }}>
          {items.map((item) => {
            const row = rows[item.index];
            return (
              row && (
                <TraceLine
                  key={item.key}
                  row={row}
                  project={project}
                  scale={scale}
                  top={item.start}
                  cursor={item.index === at}
                  marked={row.trace_id === marked}
                  onMark={mark}
                />
              )
            );
          })}
        </div>
        {!more && <p className="list-end muted">{t("traces.end", { count: rows.length })}</p>}
      </div>
    </div>
  );
}

/** How many traces came in above while the reader was scrolled down; none while at the top. */
function useNewer(rows: readonly TraceRow[], box: React.RefObject<HTMLDivElement | null>): number {
  const [seen, setSeen] = useState(rows[0]?.trace_id);
  const newest = rows[0]?.trace_id;
  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const atTop = () => element.scrollTop < ROW_PX && setSeen(newest);
    atTop();
    element.addEventListener("scroll", atTop, { passive: true });
    return () => element.removeEventListener("scroll", atTop);
  }, [newest, box]);
  return Math.max(
    0,
    rows.findIndex((row) => row.trace_id === seen),
  );
}
