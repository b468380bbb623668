import type { Totals } from "../api/schema";
import { useWords } from "../i18n/useWords";
import { count } from "../model/format";
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
        ...timeHeads.map((label) => ({ key: label, label })),
      ]}
      chosen={chosen}
      lines={lines.map((line) => ({
        key: line.node,
        name: name(line.node),
        cells: [count(line.executions), <Calls key="calls" totals={line.totals} />, ...line.times.map(duration)],
        totals: line.totals,
        share: line.share,
        errors: line.errors,
      }))}
    />
  );
}

const duration = (ms: number | null, index: number) => <Duration key={index} ms={ms} />;

function Calls({ totals }: { totals: Totals }) {
  const t = useWords();
  if (totals.llm_calls === 0) return <span className="faint">{t("quality.noLlm")}</span>;
  return count(totals.llm_calls);
}
