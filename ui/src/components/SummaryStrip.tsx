import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { summaryBeforeQuery, summaryQuery } from "../api/queries";
import { useWords } from "../i18n/useWords";
import { change } from "../model/dashboard";
import { count, duration, money, percent, tokens } from "../model/format";
import type { Range } from "../model/time";
import { Delta } from "./Delta";
import { Explained } from "./Explain";
import { Cost, Duration, QualityNote, TokenSum, Tokens, Unknown } from "./Figures";
import { Stat } from "./Stat";
import { FailedPart } from "./States";

const words = (figure: { value: string; unit: string }) => `${figure.value}${figure.unit && ` ${figure.unit}`}`;

/** The totals of a project over the range, on top of its lists. */
export function SummaryStrip({
  project,
  range,
  compare = false,
  children,
}: {
  project: string;
  range: Range;
  /** Show the change against the period before. */
  compare?: boolean;
  /** One more figure at the end. */
  children?: ReactNode;
}) {
  const t = useWords();
  const { data, error, refetch } = useQuery(summaryQuery(project, range));
  const asked = summaryBeforeQuery(project, range);
  const { data: before } = useQuery({ ...asked, enabled: compare && asked.enabled === true });
  if (!data && error) return <FailedPart error={error} retry={() => void refetch()} />;
  if (!data) return <div className="summary skeleton" aria-busy="true" />;
  const perTrace =
    data.traces > 0 ? (data.llm_calls / data.traces).toLocaleString("en-US", { maximumFractionDigits: 1 }) : null;
  return (
    <dl className="summary">
      <Stat label={t("count.cost")} note={<QualityNote totals={data} />}>
        {data.llm_calls === 0 ? (
          <Unknown />
        ) : (
          <Explained>
            <Cost totals={data} noted />
          </Explained>
        )}
        {before && (
          <Delta
            share={change(Number(data.cost_known_usd), Number(before.cost_known_usd))}
            before={money(before.cost_known_usd).value}
          />
        )}
      </Stat>
      <Stat
        label={t("count.tokens")}
        note={t("count.inOut", { input: words(tokens(data.input_tokens)), output: words(tokens(data.output_tokens)) })}
      >
        {data.llm_calls === 0 ? (
          <Tokens value={0} />
        ) : (
          <Explained>
            <TokenSum totals={data} />
          </Explained>
        )}
        {before && <Delta share={change(data.total_tokens, before.total_tokens)} before={count(before.total_tokens)} />}
      </Stat>
      <Stat label={t("count.traces")} note={`${t("count.runs")} ${count(data.runs)}`}>
        <span className="num">{count(data.traces)}</span>
        {before && <Delta share={change(data.traces, before.traces)} before={count(before.traces)} />}
      </Stat>
      <Stat label={t("count.llmCalls")} note={perTrace && t("count.perTrace", { value: perTrace })}>
        <span className="num">{count(data.llm_calls)}</span>
        {before && <Delta share={change(data.llm_calls, before.llm_calls)} before={count(before.llm_calls)} />}
      </Stat>
      <Stat
        label={t("count.p95")}
        note={data.p50_ms !== null && t("count.p50Note", { value: words(duration(data.p50_ms)) })}
      >
        <Duration ms={data.p95_ms} />
        {before && before.p95_ms !== null && (
          <Delta share={change(data.p95_ms, before.p95_ms)} before={words(duration(before.p95_ms))} />
        )}
      </Stat>
      <Stat
        label={t("count.errors")}
        note={data.traces > 0 && t("count.ofTraces", { count: data.traces, traces: count(data.traces) })}
      >
        <span className={data.errors > 0 ? "num bad" : "num"}>{count(data.errors)}</span>
        {compare && data.traces > 0 && <span className="delta num">{percent(data.errors / data.traces)}</span>}
      </Stat>
      {children}
    </dl>
  );
}
