import { useQuery } from "@tanstack/react-query";
import { useParams, useSearch } from "@tanstack/react-router";
import type { ReactNode } from "react";
import { type ExplainBy, explainQuery } from "../api/queries";
import type { Explanation } from "../api/schema";
import type { en } from "../i18n/en";
import { useWords } from "../i18n/useWords";
import { classOf } from "../model/classes";
import { rescaleRate } from "../model/decimal";
import { count, moneyFull } from "../model/format";
import { DEFAULT_RANGE, type Range } from "../model/time";
import { Opens } from "./Opens";
import { Failed, Skeleton } from "./States";

export type Cell = {
  readonly by?: ExplainBy;
  /** Value of the dimension; empty for the calls that do not say. */
  readonly key?: string;
  readonly traceId?: string;
  /** Of several that serve one model; empty for the calls that do not say. */
  readonly provider?: string;
  /** Another than that of the page. */
  readonly project?: string;
  /** Another window than that of the page. */
  readonly range?: Range;
};

/** A number of the present project and range that explains itself when clicked. */
export function Explained({ cell = {}, children }: { cell?: Cell; children: ReactNode }) {
  const t = useWords();
  return (
    <Opens named trigger={children} label={t("trace.explain")} className="explain" opened="explanation">
      <ExplainedCell cell={cell} />
    </Opens>
  );
}

/** The arithmetic behind a number: class × count × price, the prices' sources, and what it leaves out. */
export function ExplainedCell({ cell: { range: own, project: other, ...cell } }: { cell: Cell }) {
  const { project: here = "" } = useParams({ strict: false });
  const project = other ?? here;
  const range = useSearch({ strict: false, select: (search) => search.range }) ?? DEFAULT_RANGE;
  const { data, error, refetch } = useQuery(explainQuery(project, own ?? range, cell));
  if (!data) return error ? <Failed error={error} retry={() => void refetch()} /> : <Skeleton />;
  return <Lines data={data} />;
}

const MTOK = 1_000_000;

function Lines({ data }: { data: Explanation }) {
  const t = useWords();
  return (
    <>
      <h2>{t("explain.of", { count: data.llm_calls, calls: count(data.llm_calls) })}</h2>
      <TokensTold data={data} />
      <div className="scroll-x">
        <table className="arithmetic">
          <tbody>
            {data.rows.map((row) => (
              <tr key={`${row.token_class} ${row.rate_usd} ${row.price_entry} ${row.price_source}`}>
                <td className="num right" title={t("explain.calls", { calls: count(row.calls) })}>
                  {count(Number(row.count))}
                </td>
                <td>
                  <ClassName name={row.token_class} />
                </td>
                <td className="num rate">
                  × {moneyFull(row.per > 1 ? rescaleRate(row.rate_usd, row.per, MTOK) : row.rate_usd)}
                  {row.per > 1 && <span className="unit"> {t("detail.perMtok")}</span>}
                </td>
                <td className="num right">= {moneyFull(row.usd)}</td>
                <td className="faint" title={row.price_source ?? undefined}>
                  {row.price_entry}
                </td>
              </tr>
            ))}
            {data.rest_usd !== "0" && <Rest words={t("explain.rest")} usd={data.rest_usd} />}
            {data.rounding_usd !== "0" && <Rest words={t("explain.rounding")} usd={data.rounding_usd} />}
          </tbody>
          {data.rows.length > 0 && (
            <tfoot>
              <tr>
                <td />
                <td colSpan={2}>{t("trace.total")}</td>
                <td className="num right">
                  <strong>{moneyFull(data.cost_known_usd)}</strong>
                </td>
                <td className="faint">{data.rows[0]?.price_source}</td>
              </tr>
            </tfoot>
          )}
        </table>
      </div>
      <Notes data={data} />
    </>
  );
}

const INCLUSIVE = [
  ["input_tokens", "cache_read_tokens", "input", "cache_read"],
  ["output_tokens", "reasoning_tokens", "output", "reasoning"],
] as const;

/** The token count as the sum it is: input and output, each with the part that it includes. */
function TokensTold({ data }: { data: Explanation }) {
  const t = useWords();
  if (data.quality.missing === data.llm_calls) return null;
  return (
    <p className="explain-tokens num">
      {INCLUSIVE.map(([whole, part, wholeClass, partClass], index) => (
        <span key={whole}>
          {index > 0 && " + "}
          {count(data[whole])} <span className="muted">{t(`tokenClass.${wholeClass}`)}</span>
          {data[part] > 0 && (
            <span className="muted">
              {" "}
              ({t("explain.including", { value: count(data[part]), part: t(`tokenClass.${partClass}`) })})
            </span>
          )}
        </span>
      ))}
      {" = "}
      <strong>{count(data.total_tokens)}</strong> <span className="muted">{t("count.tokens").toLowerCase()}</span>
    </p>
  );
}

type Kind = keyof typeof en.explain.notes;
type Reason = keyof typeof en.reasons;

function Notes({ data }: { data: Explanation }) {
  const t = useWords();
  if (data.notes.length === 0) return null;
  return (
    <ul className="explain-notes warn small-text">
      {data.notes.map((note) => (
        <li key={`${note.kind} ${note.code}`}>
          <strong className="num">{count(note.calls)}</strong>{" "}
          {t(`explain.notes.${note.kind as Kind}`, { defaultValue: note.kind })}
          {note.code && `: ${t(`reasons.${note.code as Reason}`, { defaultValue: note.code.replaceAll("_", " ") })}`}
        </li>
      ))}
    </ul>
  );
}

function Rest({ words, usd }: { words: string; usd: string }) {
  return (
    <tr className="muted">
      <td />
      <td colSpan={2}>{words}</td>
      <td className="num right">= {moneyFull(usd)}</td>
      <td />
    </tr>
  );
}

function ClassName({ name }: { name: string }) {
  const t = useWords();
  const family = classOf(name);
  return (
    <>
      <i className={`swatch ${family ? `tc-${family}` : "meter"}`} />
      {family && family === name ? t(`tokenClass.${family}`) : name.replaceAll("_", " ")}
    </>
  );
}
