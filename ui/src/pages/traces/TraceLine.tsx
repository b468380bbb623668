import { Link } from "@tanstack/react-router";
import { memo, type ReactNode } from "react";
import type { TraceRow } from "../../api/schema";
import { Explained } from "../../components/Explain";
import { Cost, Duration, TokenSum } from "../../components/Figures";
import { keepRange } from "../../components/Frame";
import { Clock } from "../../components/Moment";
import { StatusDot } from "../../components/Status";
import { TokenBar } from "../../components/TokenBar";
import { useWords } from "../../i18n/useWords";
import type { Column } from "../../model/columns";
import { count, duration } from "../../model/format";

export type Scale = { readonly longest: number; readonly most: number; readonly decimals: number };
type Props = {
  row: TraceRow;
  project: string;
  columns: readonly Column[];
  scale: Scale;
  top: number;
  cursor: boolean;
  /** Marked for comparison. */
  marked: boolean;
  onMark: (traceId: string) => void;
};

/** One trace of the list. */
export const TraceLine = memo(function TraceLine(props: Props) {
  const { row, project, columns, scale, top, cursor, marked, onMark } = props;
  const t = useWords();
  return (
    <div
      className={`trace-grid list-row${cursor ? " cursor" : ""}`}
      role="row"
      style={{ transform: `translateY(${top}px)` }}
    >
      <span role="cell">
        <StatusDot status={row.status} />
        <button
          type="button"
          className="mark-trace"
          aria-pressed={marked}
          aria-label={t("compare.mark")}
          title={`${t("compare.mark")} (x)`}
          onClick={() => onMark(row.trace_id)}
        />
      </span>
      <span role="cell" className="ellipsis">
        <Link
          className="row-link"
          to="/projects/$project/traces/$traceId"
          params={{ project, traceId: row.trace_id }}
          search={keepRange}
        >
          <bdi>{row.name}</bdi>
        </Link>
        {row.rootless && (
          <span className="tag outlined rootless" title={t("list.rootlessHelp")}>
            {t("list.rootless")}
          </span>
        )}
        <span className={row.error ? "preview bad" : "preview"}>
          <bdi>{row.error?.split("\n")[0] ?? row.input_preview}</bdi>
        </span>
      </span>
      {columns.map((column) => {
        const { className, cell } = CELLS[column];
        return (
          <span key={column} role="cell" className={`col-${column} ${className}`}>
            {cell(row, scale, project)}
          </span>
        );
      })}
    </div>
  );
});

type Cell = { readonly className: string; readonly cell: (row: TraceRow, scale: Scale, project: string) => ReactNode };

const CELLS: Record<Column, Cell> = {
  started: { className: "right muted", cell: (row) => <Clock us={row.start_us} /> },
  duration: { className: "", cell: (row, scale) => <DurationBar row={row} longest={scale.longest} /> },
  ttft: { className: "right", cell: (row) => <Duration ms={row.ttft_ms} /> },
  tokens: {
    className: "bar-cell",
    cell: (row, scale) => (
      <>
        <TokenBar totals={row} most={scale.most} />
        <Told row={row}>
          <TokenSum totals={row} />
        </Told>
      </>
    ),
  },
  cost: {
    className: "right",
    cell: (row, scale) => (
      <Told row={row}>
        <Cost totals={row} decimals={scale.decimals} pending={row.status === "pending"} />
      </Told>
    ),
  },
  calls: { className: "right num", cell: (row) => count(row.llm_calls) },
  runs: { className: "right num", cell: (row) => count(row.runs) },
  models: { className: "chips", cell: (row) => chips(row.models, "chip") },
  tags: { className: "chips", cell: (row) => chips(row.tags, "chip plain") },
  user: { className: "ellipsis muted", cell: (row) => <bdi>{row.user_id}</bdi> },
  thread: {
    className: "ellipsis",
    cell: (row, _, project) =>
      row.thread_id && (
        <Link
          className="cell-link"
          to="/projects/$project/threads/$threadId"
          params={{ project, threadId: row.thread_id }}
          search={keepRange}
        >
          {row.thread_id}
        </Link>
      ),
  },
};

/** A figure of the trace that explains itself; its calls may have begun before the range of the list. */
function Told({ row, children }: { row: TraceRow; children: ReactNode }) {
  if (row.llm_calls === 0) return children;
  return <Explained cell={{ traceId: row.trace_id, range: "all" }}>{children}</Explained>;
}

const chips = (names: readonly string[], className: string) =>
  names.map((name) => (
    <span key={name} className={className}>
      {name}
    </span>
  ));

function DurationBar({ row, longest }: { row: TraceRow; longest: number }) {
  const t = useWords();
  if (row.duration_ms === null) return <span className="bar-cell running-text">{t("status.pending")}</span>;
  const ttft = row.ttft_ms === null ? null : duration(row.ttft_ms);
  const title = ttft ? t("traces.ttft", { value: `${ttft.value} ${ttft.unit}` }) : undefined;
  return (
    <span className="bar-cell" title={title}>
      <span className="time-bar">
        <i style={{ width: `${(row.duration_ms / longest) * 100}%` }} />
        {row.ttft_ms !== null && <b style={{ left: `${(row.ttft_ms / longest) * 100}%` }} />}
      </span>
      <Duration ms={row.duration_ms} />
    </span>
  );
}
