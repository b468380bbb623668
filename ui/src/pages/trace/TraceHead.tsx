import { Link } from "@tanstack/react-router";
import type { ReactNode } from "react";
import type { TraceView } from "../../api/schema";
import { Copy } from "../../components/Copy";
import { Explained } from "../../components/Explain";
import { Cost, Duration, QualityNote } from "../../components/Figures";
import { keepRange } from "../../components/Frame";
import { Clock } from "../../components/Moment";
import { StatusDot } from "../../components/Status";
import { useWords } from "../../i18n/useWords";
import { count, duration } from "../../model/format";
import { VIEWS, type View } from "../../router";

type Props = {
  view: TraceView;
  current: View;
  onView: (view: View) => void;
  /** The search box. */
  children: ReactNode;
};

/** The header line of a trace: what it was, how long, how many tokens, how much, and what parallelism saved. */
export function TraceHead({ view, current, onView, children }: Props) {
  const t = useWords();
  const { trace, saved_ms: saved, truncated_runs: truncated } = view;
  const pending = trace.status === "pending";
  const silent = trace.llm_calls > 0 && trace.quality.missing === trace.llm_calls;
  const saving = saved === null ? null : duration(saved);
  return (
    <header className="trace-head">
      <div className="trace-title">
        <Link
          to="/projects/$project/traces"
          params={{ project: trace.project }}
          search={keepRange}
          className="muted crumb"
        >
          {t("nav.traces")}
        </Link>
        <span className="faint">/</span>
        <StatusDot status={trace.status} />
        <h1 className="ellipsis" title={trace.name}>
          {trace.name}
        </h1>
        <span className="muted start">
          <Clock us={trace.start_us} />
        </span>
        <span className="spring" />
        <Link
          className="quiet"
          to="/projects/$project/compare"
          params={{ project: trace.project }}
          search={(now) => ({ ...keepRange(now), a: trace.trace_id })}
        >
          {t("compare.open")}
        </Link>
        <Copy text={trace.trace_id} label={t("actions.copyId")} />
      </div>
      <div className="trace-facts">
        <span className="fact big">
          {trace.duration_ms === null ? <em>{t("trace.running")}</em> : <Duration ms={trace.duration_ms} />}
        </span>
        {trace.ttft_ms !== null && (
          <span className="fact" title={t("trace.ttftHelp")}>
            <span className="muted">{t("detail.ttft")}</span> <Duration ms={trace.ttft_ms} />
          </span>
        )}
        <span className="fact">
          <Told trace={trace}>
            <strong className="num">{silent ? "—" : count(trace.total_tokens)}</strong>
          </Told>{" "}
          <span className="muted">{t("count.tokens").toLowerCase()}</span>
          {!silent && (
            <span className="muted num">
              {" "}
              {t("count.inOut", { input: count(trace.input_tokens), output: count(trace.output_tokens) })}
            </span>
          )}
        </span>
        <span className="fact">
          {trace.llm_calls === 0 ? (
            <span className="muted">{t("quality.noLlm")}</span>
          ) : (
            <Told trace={trace}>
              <Cost totals={trace} full noted pending={pending} />
            </Told>
          )}
          <QualityNote totals={trace} pending={pending} />
        </span>
        {saving && saved !== null && saved > 0 && (
          <span className="fact saved">{t("trace.saved", { value: `${saving.value} ${saving.unit}` })}</span>
        )}
        {truncated > 0 && (
          <span className="fact warn">
            {t("trace.truncated", { shown: count(view.runs.length), all: count(view.runs.length + truncated) })}
          </span>
        )}
        <span className="spring" />
        {children}
        <div className="tabs" role="tablist" aria-label={t("trace.run")}>
          {VIEWS.map((name) => (
            <button key={name} type="button" role="tab" aria-selected={name === current} onClick={() => onView(name)}>
              {t(`trace.${name}`)}
            </button>
          ))}
        </div>
      </div>
    </header>
  );
}

/** A figure of the whole trace that explains itself, whatever the range. */
function Told({ trace, children }: { trace: TraceView["trace"]; children: ReactNode }) {
  if (trace.llm_calls === 0) return children;
  return <Explained cell={{ traceId: trace.trace_id, range: "all" }}>{children}</Explained>;
}
