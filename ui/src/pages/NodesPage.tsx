import { useQuery } from "@tanstack/react-query";
import { useParams, useSearch } from "@tanstack/react-router";
import { nodesQuery } from "../api/queries";
import { NodeTable } from "../components/NodeTable";
import { Empty, Failed, SkeletonRows } from "../components/States";
import { SummaryStrip } from "../components/SummaryStrip";
import { useWords } from "../i18n/useWords";
import { DEFAULT_RANGE } from "../model/time";

export function NodesPage() {
  const t = useWords();
  const { project } = useParams({ from: "/projects/$project/nodes" });
  const range = useSearch({ strict: false, select: (search) => search.range }) ?? DEFAULT_RANGE;
  const { data, error, refetch } = useQuery(nodesQuery(project, range));
  return (
    <div className="page fill">
      <h1 className="sr-only">{t("nodes.title")}</h1>
      <SummaryStrip project={project} range={range} />
      {!data && error && <Failed error={error} retry={() => void refetch()} />}
      {!data && !error && <SkeletonRows count={8} />}
      {data?.nodes.length === 0 && <Empty title={t("nodes.empty")} text={t("nodes.emptyText")} />}
      {data && data.nodes.length > 0 && (
        <NodeTable
          timeHeads={[t("count.p50"), t("count.p95")]}
          lines={data.nodes.map((row) => ({ ...row, totals: row, times: [row.p50_ms, row.p95_ms] }))}
        />
      )}
    </div>
  );
}
