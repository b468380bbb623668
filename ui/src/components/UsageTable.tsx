import { useNavigate, useSearch } from "@tanstack/react-router";
import { type ReactNode, useMemo } from "react";
import type { Totals } from "../api/schema";
import { useWords } from "../i18n/useWords";
import { count, moneyDecimals, percent, tokens } from "../model/format";
import { knownCost } from "../model/quality";
import { nextSort, readSort, sorted, type Value } from "../model/sort";
import { type Cell, Explained } from "./Explain";
import { Cost, Num, Unknown } from "./Figures";
import { Spark } from "./Spark";
import { TokenBar } from "./TokenBar";

export type UsageLine = {
  readonly key: string;
  readonly name: ReactNode;
  /** Figures of this table alone, in the order of its heads. */
  readonly cells: readonly ReactNode[];
  readonly totals: Totals;
  readonly share: number | null;
  readonly errors: number;
  /** What it is sorted by under each head of this table alone, and under `name`. */
  readonly values: Readonly<Record<string, Value>>;
  /** Cost over the range, where it is known. */
  readonly course?: readonly number[] | undefined;
  /** What its cost is the sum of, where that can be explained. */
  readonly explain?: Cell | undefined;
};
/** A column of this table alone; `narrow` ones are shown on a phone too. */
export type Head = { readonly key: string; readonly label: string; readonly narrow?: boolean };

/** What stands under the heads that every such table has. */
function sortValue(line: UsageLine, key: string): Value {
  const known = knownCost(line.totals);
  if (key === "tokens") return line.totals.quality.missing === line.totals.llm_calls ? null : line.totals.total_tokens;
  if (key === "cost" || key === "share") return known.kind === "known" ? Number(known.usd) : null;
  return key === "errors" ? line.errors : line.values[key];
}

/** Who spent what: a name, figures of its own, then tokens by class, cost, share and errors, alike on every page. */
export function UsageTable({
  nameHead,
  heads,
  lines,
  chosen,
}: {
  nameHead: string;
  heads: readonly Head[];
  lines: readonly UsageLine[];
  chosen?: string | undefined;
}) {
  const t = useWords();
  const { sort = undefined } = useSearch({ strict: false });
  const rows = useMemo(() => sorted(lines, readSort(sort), sortValue), [lines, sort]);
  const trend = lines.some((line) => line.course !== undefined);
  const most = Math.max(1, ...lines.map((line) => line.totals.total_tokens));
  const decimals = moneyDecimals(lines.map((line) => line.totals.cost_known_usd));
  return (
    <div className="scroll">
      <table className="table nodes">
        <thead>
          <tr>
            <SortHead id="name">{nameHead}</SortHead>
            {heads.map((head) => (
              <SortHead key={head.key} id={head.key} className={head.narrow ? "right" : "right wide-only"}>
                {head.label}
              </SortHead>
            ))}
            {trend && <th className="wide-only trend-col">{t("overview.trend")}</th>}
            <SortHead id="tokens" className="wide-only bar-col">
              {t("count.tokens")}
            </SortHead>
            <th className="right tokens-col">
              <TokenHeads />
            </th>
            <SortHead id="cost" className="right">
              {t("count.cost")}
            </SortHead>
            <SortHead id="share" className="share-col">
              {t("nodes.share")}
            </SortHead>
            <SortHead id="errors" className="right wide-only">
              {t("count.errors")}
            </SortHead>
          </tr>
        </thead>
        <tbody>
          {rows.map((line) => (
            <tr key={line.key} className={line.key === chosen ? "cursor" : ""}>
              <td>{line.name}</td>
              {heads.map((head, index) => (
                <td key={head.key} className={head.narrow ? "right num" : "right num wide-only"}>
                  {line.cells[index]}
                </td>
              ))}
              {trend && (
                <td className="wide-only trend-col">
                  <Spark values={line.course} />
                </td>
              )}
              <td className="wide-only bar-col">
                <TokenBar totals={line.totals} most={most} />
              </td>
              <td className="right tokens-col">
                <Told line={line}>
                  <TokenParts totals={line.totals} />
                </Told>
              </td>
              <td className="right">
                <Told line={line}>
                  <Cost totals={line.totals} decimals={decimals} />
                </Told>
              </td>
              <td className="share-col">
                {line.share !== null && knownCost(line.totals).kind === "known" && <Share share={line.share} />}
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

/** A figure that explains itself, where its line can be explained and has calls at all. */
function Told({ line, children }: { line: UsageLine; children: ReactNode }) {
  if (line.explain === undefined || line.totals.llm_calls === 0) return children;
  return <Explained cell={line.explain}>{children}</Explained>;
}

/** The head of a column that sorts: the most first, then the least, then as the server gave them. */
function SortHead({ id, className = "", children }: { id: string; className?: string; children: ReactNode }) {
  const t = useWords();
  const navigate = useNavigate();
  const { sort } = useSearch({ strict: false });
  const now = readSort(sort);
  const order = now?.key !== id ? "none" : now.rising ? "ascending" : "descending";
  const onSort = () =>
    void navigate({
      to: ".",
      replace: true,
      search: ({ sort: was, ...rest }) => {
        const next = nextSort(was, id);
        return next === undefined ? rest : { ...rest, sort: next };
      },
    });
  return (
    <th className={className} aria-sort={order}>
      <button type="button" className="sort" onClick={onSort} title={t("actions.sort")}>
        {children}
        <span className="sort-mark" aria-hidden="true">
          {{ none: "", ascending: "↑", descending: "↓" }[order]}
        </span>
      </button>
    </th>
  );
}

/** A share as a number and a bar that starts where the bars of the other rows start. */
export function Share({ share }: { share: number }) {
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
