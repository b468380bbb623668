import { useQuery } from "@tanstack/react-query";
import { useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { nodesQuery } from "../../api/queries";
import { NodeTable } from "../../components/NodeTable";
import { Split } from "../../components/Split";
import { Empty, Failed, SkeletonRows } from "../../components/States";
import { SummaryStrip } from "../../components/SummaryStrip";
import { useCourses } from "../../components/useCourses";
import { useKeys } from "../../components/useKeys";
import { useWords } from "../../i18n/useWords";
import { DEFAULT_RANGE } from "../../model/time";
import { Worst } from "./Worst";

const FROM = "/projects/$project/nodes";

/** LangGraph nodes over the range; a chosen one shows its worst runs beside. */
export function NodesPage() {
  const t = useWords();
  const { project } = useParams({ from: FROM });
  const { range = DEFAULT_RANGE, node } = useSearch({ from: FROM });
  const navigate = useNavigate();
  const { data, error, refetch } = useQuery(nodesQuery(project, range));
  const courses = useCourses(project, range, "node");
  const choose = (next: string | undefined) =>
    void navigate({
      to: ".",
      replace: node !== undefined && next !== undefined,
      search: ({ node: _, ...rest }) => (next === undefined ? rest : { ...rest, node: next }),
    });
  const rows = data?.nodes ?? [];
  const walk = (by: 1 | -1) => {
    const at = rows.findIndex((row) => row.node === node);
    choose(rows[at < 0 ? 0 : Math.min(Math.max(at + by, 0), rows.length - 1)]?.node);
  };
  useKeys({ down: () => walk(1), up: () => walk(-1), close: () => choose(undefined) });
  const chosen = rows.find((row) => row.node === node);
  return (
    <div className="page fill">
      <h1 className="sr-only">{t("nodes.title")}</h1>
      {(data || !error) && <SummaryStrip project={project} range={range} />}
      {!data && error && <Failed error={error} retry={() => void refetch()} />}
      {!data && !error && <SkeletonRows count={8} />}
      {data && rows.length === 0 && <Empty title={t("nodes.empty")} text={t("nodes.emptyText")} />}
      {rows.length > 0 && (
        <Split
          detail={
            chosen && (
              <Worst
                project={project}
                range={range}
                node={chosen}
                course={courses.get(chosen.node)}
                onClose={() => choose(undefined)}
              />
            )
          }
        >
          <NodeTable
            timeHeads={[t("count.p50"), t("count.p95")]}
            chosen={node}
            onChoose={(next) => choose(next === node ? undefined : next)}
            lines={rows.map((row) => ({
              ...row,
              totals: row,
              times: [row.p50_ms, row.p95_ms],
              course: courses.get(row.node),
              explain: { by: "node", key: row.node },
            }))}
          />
        </Split>
      )}
    </div>
  );
}
