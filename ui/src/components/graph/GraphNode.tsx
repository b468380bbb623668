import { Handle, type NodeProps, Position } from "@xyflow/react";
import { memo } from "react";
import { useWords } from "../../i18n/useWords";
import { slices } from "../../model/classes";
import { type GraphNode as Drawn, isEnd, shortName } from "../../model/graph";
import { Cost, Duration, Tokens } from "../Figures";

export type NodeData = {
  node: Drawn;
  heat: number | undefined;
  dimmed: boolean;
  chosen: boolean;
  onChoose: ((id: string) => void) | undefined;
};

/** One node: its name, how often it ran, its tokens by class, its time and money. Not taken: a grey outline. */
export const GraphNode = memo(function GraphNode({ data }: NodeProps & { data: NodeData }) {
  return (
    <>
      <Handle type="target" position={Position.Left} isConnectable={false} />
      {isEnd(data.node.id) ? <End node={data.node} /> : <Step {...data} />}
      <Handle type="source" position={Position.Right} isConnectable={false} />
    </>
  );
});

function End({ node }: { node: Drawn }) {
  const t = useWords();
  const name = node.id === "__start__" ? t("graph.start") : t("graph.end");
  return <span className={node.executions > 0 ? "gn-end taken" : "gn-end"}>{name}</span>;
}

function Step({ node, heat, dimmed, chosen, onChoose }: NodeData) {
  const t = useWords();
  const taken = node.executions > 0;
  const state = [
    "gn",
    taken ? "taken" : "untaken",
    node.running > 0 && "running",
    node.errors > 0 && "failed",
    node.critical && "critical",
    dimmed && "dimmed",
    chosen && "chosen",
  ];
  const nested = node.id.includes("|") ? node.id.slice(0, node.id.lastIndexOf("|")).replaceAll("|", " › ") : null;
  return (
    <button
      type="button"
      className={state.filter(Boolean).join(" ")}
      style={heat === undefined ? undefined : ({ "--heat": `${Math.round(heat * 100)}%` } as React.CSSProperties)}
      aria-pressed={chosen}
      data-node={node.id}
      title={[node.id, node.critical && t("trace.critical"), !taken && t("graph.untaken")].filter(Boolean).join(" · ")}
      onClick={() => onChoose?.(node.id)}
    >
      <span className="gn-head">
        {nested !== null && <span className="gn-outer ellipsis">{nested} ›</span>}
        <strong className="ellipsis">{shortName(node.id)}</strong>
        {node.errors > 0 && (
          <span className="gn-errors" title={t("graph.errors", { count: node.errors })}>
            ! {node.errors}
            <span className="sr-only">{t("graph.errors", { count: node.errors })}</span>
          </span>
        )}
        {node.executions > 1 && (
          <span className="gn-times num" title={t("graph.executions", { count: node.executions })}>
            ×{node.executions.toLocaleString("en-US")}
          </span>
        )}
      </span>
      {taken ? <Figures node={node} /> : <span className="gn-figures faint">{t("graph.untaken")}</span>}
    </button>
  );
}

function Figures({ node }: { node: Drawn }) {
  const t = useWords();
  const { totals } = node;
  const called = totals !== null && totals.llm_calls > 0;
  return (
    <>
      <span className="gn-bar" aria-hidden="true">
        {called &&
          slices(totals).map((slice) => (
            <i
              key={slice.tokenClass}
              className={`tc-${slice.tokenClass}`}
              style={{ width: `${(slice.tokens / Math.max(1, totals.total_tokens)) * 100}%` }}
            />
          ))}
      </span>
      <span className="gn-figures">
        {node.running > 0 ? <em>{t("trace.running")}</em> : <Duration ms={node.durationMs} />}
        {called ? (
          <>
            <Tokens value={totals.total_tokens} />
            <Cost totals={totals} noted pending={node.running > 0} />
          </>
        ) : (
          <span className="faint">{t("quality.noLlm")}</span>
        )}
      </span>
    </>
  );
}
