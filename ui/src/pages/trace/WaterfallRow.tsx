import { memo } from "react";
import type { RunRow } from "../../api/schema";
import { Cost, Mark } from "../../components/Figures";
import { TokenParts } from "../../components/UsageTable";
import { useWords } from "../../i18n/useWords";
import { duration, percent } from "../../model/format";
import { knownCost, markOf } from "../../model/quality";
import type { Bar, Line } from "../../model/rows";

type Props = {
  line: Line;
  top: number;
  selected: boolean;
  found: boolean;
  decimals: number;
};

/** One run: its place in the tree, its bar on the axis, its tokens, money and share of the trace. */
export const WaterfallRow = memo(function WaterfallRow({ line, top, selected, found, decimals }: Props) {
  const t = useWords();
  const { run } = line;
  const pending = run.status === "pending";
  const quality = markOf(run.subtree);
  return (
    <div
      className={`wf-grid wf-row ${run.run_type} ${run.status}${run.critical ? " critical" : ""}${found ? " found" : ""}`}
      role="row"
      aria-level={run.depth + 1}
      aria-selected={selected}
      aria-expanded={line.open ?? undefined}
      tabIndex={-1}
      style={{ transform: `translateY(${top}px)` }}
      data-run={run.run_id}
    >
      <span role="gridcell" className="wf-name" style={{ paddingLeft: `${4 + Math.min(run.depth, 12) * 14}px` }}>
        {line.open === null ? (
          <span className="twisty" />
        ) : (
          <button
            type="button"
            className="twisty"
            tabIndex={-1}
            aria-label={line.open ? t("keys.collapse") : t("keys.expand")}
            data-toggle
          >
            {line.open ? "▾" : "▸"}
          </button>
        )}
        <i className={`kind ${run.is_node ? "node" : run.run_type}`} />
        <button
          type="button"
          className={`ellipsis name${run.is_node || run.depth === 0 ? " strong" : ""}`}
          title={run.name}
        >
          {run.name}
        </button>
        {run.models[0] && run.models[0] !== run.name && run.run_type === "llm" && (
          <span className="model ellipsis">{run.models[0]}</span>
        )}
        {run.parallel && (
          <abbr className="parallel" title={t("trace.parallel")}>
            ∥
          </abbr>
        )}
        {line.hidden > 0 && <span className="hidden-count">{t("trace.hidden", { count: line.hidden })}</span>}
      </span>
      <span role="gridcell" className="wf-axis">
        <RunBar run={run} bar={line.bar} />
      </span>
      <span role="gridcell" className="wf-tokens">
        {!pending && quality !== "missing" && <Mark quality={quality} />}
        <TokenParts totals={run.subtree} pending={pending} />
      </span>
      <span role="gridcell" className="right">
        <Cost
          totals={run.subtree}
          decimals={decimals}
          pending={pending}
          noted={knownCost(run.subtree).kind === "known"}
        />
      </span>
      <span role="gridcell" className="right num wf-share">
        {line.share === null ? "" : percent(line.share)}
      </span>
    </div>
  );
});

const LABEL_ROOM = 0.86;

/** The bar: waiting hatched up to the first token, then solid; a tool outlined; the time beside it. */
function RunBar({ run, bar }: { run: RunRow; bar: Bar }) {
  const t = useWords();
  const length = run.duration_ms === null ? null : duration(run.duration_ms);
  const label = length ? `${length.value} ${length.unit}` : t("trace.running");
  const waiting = bar.first === null ? 0 : bar.first - bar.left;
  const end = bar.left + bar.width;
  const ttft = run.ttft_ms === null ? null : duration(run.ttft_ms);
  const title = [
    label,
    ttft && t("trace.firstToken", { value: `${ttft.value} ${ttft.unit}` }),
    run.critical && t("trace.critical"),
    run.parallel && t("trace.parallel"),
  ];
  return (
    <>
      <span
        className={`bar${bar.running ? " running" : ""}`}
        title={title.filter(Boolean).join(" · ")}
        style={{ left: `${bar.left * 100}%`, width: `${bar.width * 100}%` }}
      >
        {bar.first !== null && bar.width > 0 && (
          <i className="waiting" style={{ width: `${(waiting / bar.width) * 100}%` }} />
        )}
      </span>
      {bar.first !== null && <i className="first-token" style={{ left: `${bar.first * 100}%` }} />}
      <span
        className={end > LABEL_ROOM ? "bar-label before num" : "bar-label num"}
        style={end > LABEL_ROOM ? { right: `${(1 - bar.left) * 100}%` } : { left: `${end * 100}%` }}
      >
        {end > LABEL_ROOM && bar.left < 1 - LABEL_ROOM ? "" : label}
      </span>
    </>
  );
}
