import { useNavigate } from "@tanstack/react-router";
import { useVirtualizer } from "@tanstack/react-virtual";
import { type CSSProperties, type ReactNode, useCallback, useEffect, useMemo, useRef, useState } from "react";
import type { TraceRow } from "../../api/schema";
import { keepRange } from "../../components/Frame";
import { useKeys } from "../../components/useKeys";
import { useNarrow } from "../../components/useNarrow";
import { useWords } from "../../i18n/useWords";
import { type Column, nextOrder, SORTED_BY, tracksOf } from "../../model/columns";
import { moneyDecimals } from "../../model/format";
import { HEADS } from "./ColumnsMenu";
import { TraceLine } from "./TraceLine";
import type { ListState } from "./useList";

const ROW_PX = 28;
const COMPACT_PX = 24;
/** On a phone the question stands beneath the name. */
const TWO_LINES_PX = 46;
const AHEAD = 10;

type Props = {
  list: ListState;
  rows: readonly TraceRow[];
  /** Traces that have come and are not among the rows. */
  held: number;
  onFresh: () => void;
  more: boolean;
  loading: boolean;
  loadMore: () => void;
};

export function TraceList({ list: state, rows, held, onFresh, more, loading, loadMore }: Props) {
  const t = useWords();
  const { project, columns, compact } = state;
  const navigate = useNavigate();
  const box = useRef<HTMLDivElement>(null);
  const [at, setAt] = useState(-1);
  const narrow = useNarrow();
  const rowPx = narrow ? TWO_LINES_PX : compact ? COMPACT_PX : ROW_PX;
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
  const tracks = useMemo(() => tracksOf(columns), [columns]);
  const style = {
    "--tracks": tracks.columns,
    "--least": `${tracks.leastPx}px`,
    "--row": `${rowPx}px`,
  } as CSSProperties;
  const waiting = held > 0 ? held : newer;

  return (
    <div className="list-wrap" style={style}>
      {waiting > 0 && (
        <button
          type="button"
          className="newer"
          onClick={() => {
            if (held > 0) onFresh();
            box.current?.scrollTo({ top: 0 });
          }}
        >
          ↑ {t("traces.newer", { count: waiting })}
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
          <span role="columnheader" aria-label={t("list.fields.status")} />
          <span role="columnheader">{t("traces.name")}</span>
          {columns.map((column) => (
            <Head key={column} column={column} list={state}>
              {t(HEADS[column])}
            </Head>
          ))}
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
                  columns={columns}
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

export const NUMBERS: ReadonlySet<Column> = new Set(["started", "ttft", "cost", "calls", "runs"]);

/** The head of a column; one that the server sorts by sorts. */
function Head({ column, list: { sort, set }, children }: { column: Column; list: ListState; children: ReactNode }) {
  const t = useWords();
  const by = SORTED_BY[column];
  const className = `col-${column}${NUMBERS.has(column) ? " right" : ""}`;
  if (by === undefined) {
    return (
      <span role="columnheader" className={className}>
        {children}
      </span>
    );
  }
  const order = sort === by ? "ascending" : sort === `-${by}` ? "descending" : "none";
  return (
    <span role="columnheader" className={className} aria-sort={order}>
      <button
        type="button"
        className="sort"
        title={t("actions.sort")}
        onClick={() => set({ sort: nextOrder(sort, by) })}
      >
        {children}
        <span className="sort-mark" aria-hidden="true">
          {{ none: "", ascending: "↑", descending: "↓" }[order]}
        </span>
      </button>
    </span>
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
