import { useQuery } from "@tanstack/react-query";
import { Link, useParams } from "@tanstack/react-router";
import { threadQuery } from "../api/queries";
import type { ThreadView, TraceRow } from "../api/schema";
import { Copy } from "../components/Copy";
import { type Cell, Explained } from "../components/Explain";
import { Cost, Duration, QualityNote, TokenSum } from "../components/Figures";
import { keepRange } from "../components/Frame";
import { Clock } from "../components/Moment";
import { Failed, SkeletonRows, Truncated } from "../components/States";
import { StatusDot } from "../components/Status";
import { TokenBar } from "../components/TokenBar";
import { useWords } from "../i18n/useWords";
import { sumDecimals } from "../model/decimal";
import { count, moneyDecimals, moneyIn } from "../model/format";

/** One conversation, turn by turn, with what each turn cost and what it came to so far. */
export function ThreadPage() {
  const t = useWords();
  const { project, threadId } = useParams({ from: "/projects/$project/threads/$threadId" });
  const { data, error, refetch } = useQuery(threadQuery(project, threadId));
  const whole: Cell = { by: "thread", key: threadId, range: "all" };
  return (
    <div className="page">
      <header className="page-head thread-head">
        <h1 className="ellipsis">
          <span className="sr-only">{t("groups.thread")} </span>
          {threadId}
        </h1>
        <Copy text={threadId} label={t("actions.copyId")} />
        <span className="spring" />
        {data && (
          <>
            <span className="num">{t("groups.turnCount", { count: data.turns.length })}</span>
            <span>
              <Explained cell={whole}>
                <TokenSum totals={data.totals} />
              </Explained>{" "}
              <span className="unit">{t("count.tokens")}</span>
            </span>
            <strong>
              <Explained cell={whole}>
                <Cost totals={data.totals} full noted />
              </Explained>
            </strong>
            <QualityNote totals={data.totals} />
          </>
        )}
      </header>
      {!data && error && <Failed error={error} retry={() => void refetch()} />}
      {!data && !error && <SkeletonRows count={6} />}
      {data?.truncated && <Truncated shown={data.turns.length} />}
      {data && <Conversation view={data} />}
    </div>
  );
}

function Conversation({ view }: { view: ThreadView }) {
  const t = useWords();
  const most = Math.max(1, ...view.turns.map((turn) => turn.total_tokens));
  const decimals = moneyDecimals([view.totals.cost_known_usd]);
  const soFar = view.turns.map((_, index) =>
    sumDecimals(view.turns.slice(0, index + 1).map((turn) => turn.cost_known_usd)),
  );
  return (
    <ol className="turns" aria-label={t("groups.turns")}>
      {view.turns.map((turn, index) => (
        <li key={turn.trace_id} className="turn">
          <Said turn={turn} project={view.project} number={index + 1} />
          <dl className="turn-figures">
            <dt>{t("count.cost")}</dt>
            <dd>
              <Explained cell={{ traceId: turn.trace_id, range: "all" }}>
                <Cost totals={turn} decimals={decimals} pending={turn.status === "pending"} />
              </Explained>
            </dd>
            <dt>{t("groups.soFar")}</dt>
            <dd className="num muted">{moneyIn(soFar[index] ?? "0", decimals).value}</dd>
            <dt>{t("count.tokens")}</dt>
            <dd>
              <Explained cell={{ traceId: turn.trace_id, range: "all" }}>
                <TokenSum totals={turn} />
              </Explained>
            </dd>
            <dd className="turn-bar">
              <TokenBar totals={turn} most={most} />
            </dd>
            <dt>{t("traces.duration")}</dt>
            <dd>
              <Duration ms={turn.duration_ms} />
            </dd>
            <dt>{t("count.llmCalls")}</dt>
            <dd className="num">{count(turn.llm_calls)}</dd>
          </dl>
        </li>
      ))}
    </ol>
  );
}

function Said({ turn, project, number }: { turn: TraceRow; project: string; number: number }) {
  const t = useWords();
  return (
    <div className="turn-said">
      <p className="turn-head muted">
        <StatusDot status={turn.status} />
        <span className="num">{number}</span>
        <Link
          to="/projects/$project/traces/$traceId"
          params={{ project, traceId: turn.trace_id }}
          search={keepRange}
          className="ellipsis"
        >
          {turn.name}
        </Link>
        <Clock us={turn.start_us} />
        {turn.user_id && <span className="ellipsis">{turn.user_id}</span>}
      </p>
      {turn.input_preview && (
        <p className="said user">
          <span className="sr-only">{t("roles.user")}: </span>
          {turn.input_preview}
        </p>
      )}
      {turn.error ? (
        <p className="said failed bad">{turn.error.split("\n")[0]}</p>
      ) : (
        turn.output_preview && (
          <p className="said assistant">
            <span className="sr-only">{t("roles.assistant")}: </span>
            {turn.output_preview}
          </p>
        )
      )}
    </div>
  );
}
