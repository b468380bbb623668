import { Link } from "@tanstack/react-router";
import { memo } from "react";
import type { TraceRow } from "../api/schema";
import { useWords } from "../i18n/useWords";
import { duration } from "../model/format";
import { Cost, Duration, Tokens } from "./Figures";
import { keepRange } from "./Frame";
import { Clock } from "./Moment";
import { StatusDot } from "./Status";
import { TokenBar } from "./TokenBar";

export type Scale = { readonly longest: number; readonly most: number; readonly decimals: number };
type Props = {
  row: TraceRow;
  project: string;
  scale: Scale;
  top: number;
  cursor: boolean;
  /** Marked for comparison. */
  marked: boolean;
  onMark: (traceId: string) => void;
};

/** One trace of the list. */
export const TraceLine = memo(function TraceLine({ row, project, scale, top, cursor, marked, onMark }: Props) {
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
          {row.name}
        </Link>
        <span className={row.error ? "preview bad" : "preview"}>{row.error?.split("\n")[0] ?? row.input_preview}</span>
      </span>
      <span role="cell" className="right muted">
        <Clock us={row.start_us} />
      </span>
      <span role="cell">
        <DurationBar row={row} longest={scale.longest} />
      </span>
      <span role="cell" className="bar-cell">
        <TokenBar totals={row} most={scale.most} />
        <Tokens value={row.total_tokens} />
      </span>
      <span role="cell" className="right">
        <Cost totals={row} decimals={scale.decimals} pending={row.status === "pending"} />
      </span>
      <span role="cell" className="chips">
        {row.models.map((model) => (
          <span key={model} className="chip">
            {model}
          </span>
        ))}
      </span>
      <span role="cell" className="chips">
        {row.tags.map((tag) => (
          <span key={tag} className="chip plain">
            {tag}
          </span>
        ))}
      </span>
      <span role="cell" className="ellipsis muted">
        {row.user_id}
      </span>
    </div>
  );
});

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
