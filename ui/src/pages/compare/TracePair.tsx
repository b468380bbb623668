import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useSearch } from "@tanstack/react-router";
import { useMemo } from "react";
import { traceQuery } from "../../api/queries";
import type { TraceView } from "../../api/schema";
import { Explained } from "../../components/Explain";
import { Cost, Duration, QualityNote } from "../../components/Figures";
import { keepRange } from "../../components/Frame";
import { Clock } from "../../components/Moment";
import { Empty, Failed, SkeletonRows } from "../../components/States";
import { StatusDot } from "../../components/Status";
import { useWords } from "../../i18n/useWords";
import { align, moneyChange, numberChange, type Pair, type Side } from "../../model/compare";
import { count, duration, moneyDecimals } from "../../model/format";
import { Answers } from "./Answers";
import { Change, MoneyChange } from "./Change";
import { Picker } from "./Picker";

type Props = { project: string; a: string | undefined; b: string | undefined };

export function TracePair({ project, a, b }: Props) {
  const t = useWords();
  const [left, right] = [useTrace(project, a), useTrace(project, b)];
  return (
    <>
      <div className="compare-sides">
        <Head project={project} side="a" id={a} view={left.data} other={b} />
        <Head project={project} side="b" id={b} view={right.data} other={a} />
      </div>
      {[left, right].map(
        (asked, index) =>
          asked.error && (
            // biome-ignore lint/suspicious/noArrayIndexKey: the two sides have no other name
            <Failed key={index} error={asked.error} retry={() => void asked.refetch()} />
          ),
      )}
      {left.data && right.data && <Aligned a={left.data} b={right.data} />}
      {(a === undefined || b === undefined) && <Empty title={t("compare.pick")} text={t("compare.pickText")} />}
      {((left.isLoading && a !== undefined) || (right.isLoading && b !== undefined)) && <SkeletonRows count={6} />}
    </>
  );
}

const useTrace = (project: string, id: string | undefined) =>
  useQuery({ ...traceQuery(project, id ?? ""), enabled: id !== undefined });

type HeadProps = {
  project: string;
  side: "a" | "b";
  id: string | undefined;
  view: TraceView | undefined;
  other: string | undefined;
};

/** Which trace stands on a side, its sums, and another to put there instead. */
function Head({ project, side, id, view, other }: HeadProps) {
  const t = useWords();
  const trace = view?.trace;
  return (
    <section className="compare-side" aria-label={t(`compare.${side}`)}>
      <header>
        <span className="chip plain">{t(`compare.${side}`)}</span>
        {trace && id !== undefined ? (
          <>
            <StatusDot status={trace.status} />
            <Link
              className="ellipsis strong"
              to="/projects/$project/traces/$traceId"
              params={{ project, traceId: id }}
              search={keepRange}
            >
              {trace.name}
            </Link>
            <span className="muted">
              <Clock us={trace.start_us} />
            </span>
          </>
        ) : (
          <span className="muted">{id ?? t("compare.none")}</span>
        )}
        <span className="spring" />
        <Picker project={project} side={side} current={id} other={other} />
      </header>
      {trace && (
        <p className="compare-facts">
          <Duration ms={trace.duration_ms} />
          <span>
            <Explained cell={{ traceId: trace.trace_id, range: "all" }}>
              <span className="num">{count(trace.total_tokens)}</span>
            </Explained>{" "}
            <span className="muted">{t("count.tokens").toLowerCase()}</span>
          </span>
          <Explained cell={{ traceId: trace.trace_id, range: "all" }}>
            <Cost totals={trace} full noted />
          </Explained>
          <QualityNote totals={trace} />
        </p>
      )}
    </section>
  );
}

function Aligned({ a, b }: { a: TraceView; b: TraceView }) {
  const t = useWords();
  const navigate = useNavigate();
  const { node } = useSearch({ from: "/projects/$project/compare" });
  const pairs = useMemo(() => align(a, b), [a, b]);
  const whole: Pair = { key: t("trace.total"), a: sideOf(a), b: sideOf(b) };
  const chosen = pairs.find((pair) => pair.key === node);
  const decimals = moneyDecimals([a.trace.cost_known_usd, b.trace.cost_known_usd]);
  const line = (pair: Pair) => <Cells pair={pair} decimals={decimals} />;
  return (
    <>
      <div className="scroll">
        <table className="table compare-table">
          <thead>
            <tr>
              <th>{t("nodes.node")}</th>
              {(["trace.run", "count.tokens", "count.cost", "traces.duration"] as const).map((head) => (
                <th key={head} className="right" colSpan={3}>
                  {head === "trace.run" ? t("nodes.executions") : t(head)}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {pairs.map((pair) => (
              <tr key={pair.key} className={pair.key === node ? "cursor" : ""}>
                <td>
                  <button
                    type="button"
                    className="row-link"
                    aria-pressed={pair.key === node}
                    onClick={() =>
                      void navigate({
                        to: ".",
                        replace: true,
                        search: ({ node: was, ...rest }) => (was === pair.key ? rest : { ...rest, node: pair.key }),
                      })
                    }
                  >
                    {pair.key}
                  </button>
                </td>
                {line(pair)}
              </tr>
            ))}
          </tbody>
          <tfoot>
            <tr>
              <td>{whole.key}</td>
              {line(whole)}
            </tr>
          </tfoot>
        </table>
      </div>
      <Answers
        title={chosen ? t("compare.answersOf", { node: chosen.key }) : t("compare.answers")}
        a={{ view: a, runId: chosen ? chosen.a?.runId : a.runs[0]?.run_id }}
        b={{ view: b, runId: chosen ? chosen.b?.runId : b.runs[0]?.run_id }}
      />
    </>
  );
}

function sideOf(view: TraceView): Side {
  const { trace } = view;
  return {
    executions: trace.runs,
    errors: trace.error === null ? 0 : 1,
    totals: trace,
    durationMs: trace.duration_ms,
    runId: view.runs[0]?.run_id,
  };
}

/** Of each figure: on the left, on the right, and what it changed by. */
function Cells({ pair: { a, b }, decimals }: { pair: Pair; decimals: number }) {
  const signedMs = (ms: number) => {
    const figure = duration(ms);
    return `${figure.value} ${figure.unit}`;
  };
  return (
    <>
      <td className="right num">{a ? count(a.executions) : <Absent />}</td>
      <td className="right num">{b ? count(b.executions) : <Absent />}</td>
      <Change value={numberChange(a?.executions, b?.executions)} text={count} />
      <td className="right num">{a ? count(a.totals.total_tokens) : <Absent />}</td>
      <td className="right num">{b ? count(b.totals.total_tokens) : <Absent />}</td>
      <Change value={numberChange(a?.totals.total_tokens, b?.totals.total_tokens)} text={count} />
      <td className="right">{a ? <Cost totals={a.totals} decimals={decimals} /> : <Absent />}</td>
      <td className="right">{b ? <Cost totals={b.totals} decimals={decimals} /> : <Absent />}</td>
      <MoneyChange usd={moneyChange(a?.totals ?? null, b?.totals ?? null)} decimals={decimals} />
      <td className="right">{a ? <Duration ms={a.durationMs} /> : <Absent />}</td>
      <td className="right">{b ? <Duration ms={b.durationMs} /> : <Absent />}</td>
      <Change value={numberChange(a ? a.durationMs : undefined, b ? b.durationMs : undefined)} text={signedMs} />
    </>
  );
}

const Absent = () => <span className="faint">·</span>;
