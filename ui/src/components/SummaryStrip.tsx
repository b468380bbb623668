import { useQuery } from "@tanstack/react-query";
import { summaryQuery } from "../api/queries";
import { useWords } from "../i18n/useWords";
import { count, duration, tokens } from "../model/format";
import type { Range } from "../model/time";
import { Cost, Duration, QualityNote, Tokens, Unknown } from "./Figures";
import { Stat } from "./Stat";

const words = (figure: { value: string; unit: string }) => `${figure.value}${figure.unit && ` ${figure.unit}`}`;

/** The totals of a project over the range, on top of its lists. */
export function SummaryStrip({ project, range }: { project: string; range: Range }) {
  const t = useWords();
  const { data } = useQuery(summaryQuery(project, range));
  if (!data) return <div className="summary skeleton" aria-busy="true" />;
  const perTrace =
    data.traces > 0 ? (data.llm_calls / data.traces).toLocaleString("en-US", { maximumFractionDigits: 1 }) : null;
  return (
    <dl className="summary">
      <Stat label={t("count.cost")} note={<QualityNote totals={data} />}>
        {data.llm_calls === 0 ? <Unknown /> : <Cost totals={data} noted />}
      </Stat>
      <Stat
        label={t("count.tokens")}
        note={t("count.inOut", { input: words(tokens(data.input_tokens)), output: words(tokens(data.output_tokens)) })}
      >
        <Tokens value={data.total_tokens} />
      </Stat>
      <Stat label={t("count.traces")} note={`${t("count.runs")} ${count(data.runs)}`}>
        <span className="num">{count(data.traces)}</span>
      </Stat>
      <Stat label={t("count.llmCalls")} note={perTrace && t("count.perTrace", { value: perTrace })}>
        <span className="num">{count(data.llm_calls)}</span>
      </Stat>
      <Stat
        label={t("count.p95")}
        note={data.p50_ms !== null && t("count.p50Note", { value: words(duration(data.p50_ms)) })}
      >
        <Duration ms={data.p95_ms} />
      </Stat>
      <Stat
        label={t("count.errors")}
        note={data.traces > 0 && t("count.ofTraces", { count: data.traces, traces: count(data.traces) })}
      >
        <span className={data.errors > 0 ? "num bad" : "num"}>{count(data.errors)}</span>
      </Stat>
    </dl>
  );
}
