import type { Totals } from "../api/schema";
import { useWords } from "../i18n/useWords";
import { count, moneyDecimals, percent, tokens } from "../model/format";
import { Cost, Duration, Num, Unknown } from "./Figures";
import { TokenBar } from "./TokenBar";

export type NodeLine = {
  readonly node: string;
  readonly executions: number;
  readonly errors: number;
  readonly totals: Totals;
  readonly share: number | null;
  /** One duration for a single trace, p50 and p95 over many. */
  readonly times: readonly (number | null)[];
};

/** LangGraph nodes with the charges made inside them, over a project or in one trace. */
export function NodeTable({
  lines,
  timeHeads,
  chosen,
  onChoose,
}: {
  lines: readonly NodeLine[];
  timeHeads: readonly string[];
  chosen?: string | undefined;
  onChoose?: (node: string) => void;
}) {
  const t = useWords();
  const most = Math.max(1, ...lines.map((line) => line.totals.total_tokens));
  const decimals = moneyDecimals(lines.map((line) => line.totals.cost_known_usd));
  return (
    <div className="scroll">
      <table className="table nodes">
        <thead>
          <tr>
            <th>{t("nodes.node")}</th>
            <th className="right">{t("nodes.executions")}</th>
            <th className="right wide-only">{t("count.llmCalls")}</th>
            {timeHeads.map((head) => (
              <th key={head} className="right wide-only">
                {head}
              </th>
            ))}
            <th className="wide-only bar-col">{t("count.tokens")}</th>
            <th className="right tokens-col">
              <TokenHeads />
            </th>
            <th className="right">{t("count.cost")}</th>
            <th className="share-col">{t("nodes.share")}</th>
            <th className="right wide-only">{t("count.errors")}</th>
          </tr>
        </thead>
        <tbody>
          {lines.map((line) => (
            <tr key={line.node} className={line.node === chosen ? "cursor" : ""}>
              <td>
                {onChoose ? (
                  <button type="button" className="row-link" onClick={() => onChoose(line.node)}>
                    {line.node}
                  </button>
                ) : (
                  <strong>{line.node}</strong>
                )}
              </td>
              <td className="right num">{count(line.executions)}</td>
              <td className="right num wide-only">
                {line.totals.llm_calls === 0 ? (
                  <span className="faint">{t("quality.noLlm")}</span>
                ) : (
                  count(line.totals.llm_calls)
                )}
              </td>
              {timeHeads.map((head, index) => (
                <td key={head} className="right wide-only">
                  <Duration ms={line.times[index] ?? null} />
                </td>
              ))}
              <td className="wide-only bar-col">
                <TokenBar totals={line.totals} most={most} />
              </td>
              <td className="right tokens-col">
                <TokenParts totals={line.totals} />
              </td>
              <td className="right">
                <Cost totals={line.totals} decimals={decimals} />
              </td>
              <td className="share-col">
                {line.share !== null && line.totals.llm_calls > 0 && <Share share={line.share} />}
              </td>
              <td className={line.errors > 0 ? "right num bad wide-only" : "right num faint wide-only"}>
                {line.errors > 0 ? count(line.errors) : "·"}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** A share as a number and a bar that starts where the bars of the other rows start. */
function Share({ share }: { share: number }) {
  return (
    <span className="share">
      <span className="num">{percent(share)}</span>
      <span className="share-track">
        <i style={{ width: `${share * 100}%` }} />
      </span>
    </span>
  );
}

const PARTS = ["input_tokens", "cache_read_tokens", "output_tokens", "reasoning_tokens"] as const;

/** `in · cached · out · reasoning`, each in a column of its own. */
export function TokenParts({ totals, pending = false }: { totals: Totals; pending?: boolean }) {
  if (totals.llm_calls === 0) return <span className="token-parts" />;
  if (totals.quality.missing === totals.llm_calls) return pending ? <span className="faint">…</span> : <Unknown />;
  return (
    <span className="token-parts">
      {PARTS.map((part) => (
        <span key={part} className={totals[part] === 0 ? "faint" : ""}>
          <Num figure={tokens(totals[part])} />
        </span>
      ))}
    </span>
  );
}

const HEADS = ["input", "cache_read", "output", "reasoning"] as const;

/** The heads of those columns; their swatches are the legend of every token bar. */
export function TokenHeads() {
  const t = useWords();
  return (
    <span className="token-parts">
      {HEADS.map((head) => (
        <span key={head} title={t(`tokenClass.${head}`)}>
          <i className={`swatch tc-${head}`} />
          {t(`tokenShort.${head}`)}
        </span>
      ))}
    </span>
  );
}
