import type { Totals } from "../api/schema";
import { useWords } from "../i18n/useWords";
import { count, percent } from "../model/format";
import { cachedShare } from "../model/quality";
import type { Cell } from "./Explain";
import { Duration } from "./Figures";
import { UsageTable } from "./UsageTable";

export type NodeLine = {
  readonly node: string;
  readonly executions: number;
  readonly errors: number;
  readonly totals: Totals;
  readonly share: number | null;
  /** One duration for a single trace, p50 and p95 over many. */
  readonly times: readonly (number | null)[];
  readonly course?: readonly number[] | undefined;
  readonly explain?: Cell | undefined;
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
  const name = (node: string) =>
    onChoose ? (
      <button type="button" className="row-link" onClick={() => onChoose(node)}>
        {node}
      </button>
    ) : (
      <strong>{node}</strong>
    );
  return (
    <UsageTable
      nameHead={t("nodes.node")}
      heads={[
        { key: "executions", label: t("nodes.executions"), narrow: true },
        { key: "calls", label: t("count.llmCalls") },
        { key: "cached", label: t("models.cached") },
        ...timeHeads.map((label) => ({ key: label, label })),
      ]}
      chosen={chosen}
      lines={lines.map((line) => ({
        key: line.node,
        name: name(line.node),
        cells: [
          count(line.executions),
          <Calls key="calls" totals={line.totals} />,
          <Cached key="cached" totals={line.totals} />,
          ...line.times.map(duration),
        ],
        values: {
          name: line.node,
          executions: line.executions,
          calls: line.totals.llm_calls,
          cached: cachedShare(line.totals),
          ...Object.fromEntries(timeHeads.map((label, index) => [label, line.times[index]])),
        },
        course: line.course,
        explain: line.explain,
        totals: line.totals,
        share: line.share,
        errors: line.errors,
      }))}
    />
  );
}

const duration = (ms: number | null, index: number) => <Duration key={index} ms={ms} />;

/** Part of the input that came from the provider's cache. */
export function Cached({ totals }: { totals: Totals }) {
  const share = cachedShare(totals);
  return share === null ? null : <span className={share === 0 ? "faint" : ""}>{percent(share)}</span>;
}

function Calls({ totals }: { totals: Totals }) {
  const t = useWords();
  if (totals.llm_calls === 0) return <span className="faint">{t("quality.noLlm")}</span>;
  return count(totals.llm_calls);
}
