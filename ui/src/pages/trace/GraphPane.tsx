import { useQuery } from "@tanstack/react-query";
import { lazy, Suspense, useMemo } from "react";
import { topologyQuery } from "../../api/queries";
import type { TraceView } from "../../api/schema";
import { Switch } from "../../components/Panel";
import { Empty, FailedPart, Skeleton } from "../../components/States";
import { useKeys } from "../../components/useKeys";
import { useWords } from "../../i18n/useWords";
import { HEATS, type Heat, isEnd, traceGraph } from "../../model/graph";

const Graph = lazy(() => import("../../components/graph/Graph"));

type Props = {
  view: TraceView;
  heat: Heat | undefined;
  node: string | undefined;
  onHeat: (heat: Heat | undefined) => void;
  onNode: (node: string | undefined) => void;
};

/** The graph of a trace above its timeline: choosing a node filters what stands below. */
export function GraphPane({ view, heat, node, onHeat, onNode }: Props) {
  const t = useWords();
  const { trace_id: id, project } = view.trace;
  const topology = useQuery(topologyQuery(project, id));
  const graph = useMemo(() => traceGraph(view, topology.data ?? null), [view, topology.data]);
  const steps = graph.nodes.filter((step) => !isEnd(step.id)).map((step) => step.id);
  const walk = (by: 1 | -1) => {
    const at = node === undefined ? -1 : steps.indexOf(node);
    const next = steps[at < 0 ? 0 : Math.min(Math.max(at + by, 0), steps.length - 1)];
    if (next !== undefined) onNode(next);
  };
  useKeys({ nextNode: () => walk(1), previousNode: () => walk(-1) });
  if (view.graph.nodes.length === 0) return <Empty title={t("graph.empty")} text={t("graph.emptyText")} />;
  const grey = graph.nodes.length > view.graph.nodes.length || graph.edges.length > view.graph.edges.length;
  const known = topology.data;
  return (
    <div className="graph-pane">
      <div className="graph-bar">
        <span className="muted">{t("graph.heat")}</span>
        <Switch
          label={t("graph.heat")}
          value={heat ?? "path"}
          choices={(["path", ...HEATS] as const).map((name) => ({ value: name, label: t(`graph.heats.${name}`) }))}
          onChoose={(name) => onHeat(name === "path" ? undefined : name)}
        />
        {heat && <span className="heat-scale" aria-hidden="true" />}
        <span className="spring" />
        {topology.error && !known && <FailedPart error={topology.error} retry={() => void topology.refetch()} />}
        {grey && known && (
          <span className="muted small-text">
            {known.source === "compiled" ? t("graph.compiled") : t("graph.observed", { count: known.traces })}
          </span>
        )}
      </div>
      <Suspense fallback={<Skeleton />}>
        <Graph graph={graph} heat={heat} chosen={node} onChoose={onNode} label={t("graph.label")} />
      </Suspense>
    </div>
  );
}
