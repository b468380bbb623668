import { useVirtualizer } from "@tanstack/react-virtual";
import { type MouseEvent, useEffect, useMemo, useRef, useState } from "react";
import type { TraceView } from "../../api/schema";
import { TokenHeads } from "../../components/UsageTable";
import { useKeys } from "../../components/useKeys";
import { useWords } from "../../i18n/useWords";
import { duration, moneyDecimals, moneyFull } from "../../model/format";
import { type Axis, axisOf, branches, linesOf, neighbour, readClosed, spending, writeClosed } from "../../model/rows";
import { WaterfallRow } from "./WaterfallRow";

const ROW_PX = 28;
const TICK_MS = 200;

type Props = {
  view: TraceView;
  closed: Set<string>;
  /** The runs to show where a filter is set. */
  only: ReadonlySet<string> | null;
  /** Runs that match what is searched for. */
  found: ReadonlySet<string>;
  selected: string | undefined;
  onSelect: (run: string) => void;
  onClosed: (closed: Set<string>) => void;
};

/** Tree and waterfall on one row model. */
export function Waterfall({ view, closed, only, found, selected, onSelect, onClosed }: Props) {
  const t = useWords();
  const { runs, trace } = view;
  const nowMs = useNow(trace.start_us, trace.status === "pending");
  const axis = useMemo(() => axisOf(runs, nowMs), [runs, nowMs]);
  const shut = writeClosed(closed);
  const lines = useMemo(
    () => linesOf(runs, readClosed(shut, runs), axis, trace, nowMs, only),
    [runs, shut, axis, trace, nowMs, only],
  );
  const decimals = useMemo(() => moneyDecimals(runs.map((run) => run.subtree.cost_known_usd)), [runs]);
  const box = useRef<HTMLDivElement>(null);
  const list = useVirtualizer({
    count: lines.length,
    getScrollElement: () => box.current,
    estimateSize: () => ROW_PX,
    overscan: 8,
  });
  const toggle = (run: string) => {
    const next = new Set(closed);
    if (!next.delete(run)) next.add(run);
    onClosed(next);
  };
  const select = (run: string | undefined) => {
    if (run === undefined) return;
    onSelect(run);
  };
  const at = useMemo(
    () => (selected === undefined ? -1 : lines.findIndex((line) => line.run.run_id === selected)),
    [lines, selected],
  );
  useEffect(() => {
    if (at >= 0) list.scrollToIndex(at);
  }, [at, list]);
  const chosen = lines[at];
  useKeys({
    down: () => select(neighbour(lines, selected, 1)),
    up: () => select(neighbour(lines, selected, -1)),
    open: () => chosen && chosen.open !== null && toggle(chosen.run.run_id),
    expand: () => chosen?.open === false && toggle(chosen.run.run_id),
    collapse: () => (chosen?.open ? toggle(chosen.run.run_id) : select(chosen?.run.parent_run_id ?? undefined)),
  });
  const onClick = ({ target }: MouseEvent) => {
    const run = target instanceof Element && target.closest<HTMLElement>("[data-run]")?.dataset.run;
    if (run) (target.closest("[data-toggle]") ? toggle : onSelect)(run);
  };
  const all = useMemo(() => branches(runs), [runs]);
  return (
    <div
      ref={box}
      className="waterfall"
      role="treegrid"
      aria-label={t("trace.timeline")}
      aria-rowcount={lines.length + 1}
    >
      <div className="wf-grid wf-head" role="row">
        <span role="columnheader" className="wf-run-head">
          {t("trace.run")}
          {all.length > 0 && (
            <button
              type="button"
              className="quiet small"
              onClick={() => onClosed(closed.size > 0 ? new Set() : new Set(all))}
            >
              {closed.size > 0 ? t("trace.expandAll") : t("trace.collapseAll")}
            </button>
          )}
        </span>
        <span role="columnheader" aria-label={t("trace.timeline")} className="wf-axis">
          {axis.ticks.map((tick) => (
            <Tick key={tick} ms={tick} axis={axis} />
          ))}
        </span>
        <span role="columnheader" className="wf-tokens">
          <TokenHeads />
        </span>
        <span role="columnheader" className="right">
          {t("trace.cost")}
        </span>
        <span role="columnheader" className="right wf-share">
          {t("trace.share")}
        </span>
      </div>
      {/* biome-ignore lint/a11y/useKeyWithClickEvents: j, k, h, l and Enter are bound for the whole page */}
      <div className="wf-body" role="rowgroup" style={{ height: list.getTotalSize() }} onClick={onClick}>
        <div className="wf-grid wf-gridlines" aria-hidden="true">
          <span />
          <span className="wf-axis">
            {axis.ticks.map((tick) => (
              <i key={tick} style={{ left: `${(tick / axis.endMs) * 100}%` }} />
            ))}
          </span>
        </div>
        {list.getVirtualItems().map((item) => {
          const line = lines[item.index];
          return (
            line && (
              <WaterfallRow
                key={line.run.run_id}
                line={line}
                top={item.start}
                selected={line.run.run_id === selected}
                found={found.has(line.run.run_id)}
                decimals={decimals}
              />
            )
          );
        })}
      </div>
      <Spending view={view} axis={axis} />
    </div>
  );
}

function Tick({ ms, axis }: { ms: number; axis: Axis }) {
  const at = ms / axis.endMs;
  const figure = ms === 0 ? { value: "0", unit: "s" } : duration(ms);
  return (
    <span className={at > 0.93 ? "tick last" : "tick"} style={{ left: `${at * 100}%` }}>
      {figure.value} {figure.unit}
    </span>
  );
}

/** Cumulative cost under the waterfall: the same time axis, a step where each request ended. */
function Spending({ view, axis }: { view: TraceView; axis: Axis }) {
  const t = useWords();
  const steps = spending(view.charges, view.trace.start_us, axis);
  if (steps.length === 0) return null;
  let path = "M0,100";
  for (const step of steps) path += ` H${step.at * 100} V${100 - step.share * 100}`;
  path += " H100";
  return (
    <div className="wf-grid wf-spending" role="presentation">
      <span className="muted">{t("trace.cumulative")}</span>
      <span className="wf-axis">
        <svg viewBox="0 -4 100 108" preserveAspectRatio="none" aria-hidden="true">
          <path className="area" d={`${path} V100 H0 Z`} />
          <path className="line" d={path} />
        </svg>
      </span>
      <span className="num right wf-spent" title={t("trace.total")}>
        {moneyFull(view.trace.cost_known_usd)}
      </span>
    </div>
  );
}

/** Milliseconds since the trace began, ticking while it runs. */
function useNow(startUs: number, running: boolean): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    if (!running) return;
    const timer = window.setInterval(() => setNow(Date.now()), TICK_MS);
    return () => window.clearInterval(timer);
  }, [running]);
  return running ? Math.max(0, now - startUs / 1_000) : 0;
}
