import { useQuery } from "@tanstack/react-query";
import { Link, useNavigate, useParams, useSearch } from "@tanstack/react-router";
import { useMemo } from "react";
import { ApiError } from "../../api/client";
import { traceQuery, traceStartQuery } from "../../api/queries";
import type { TraceView } from "../../api/schema";
import { keepRange } from "../../components/Frame";
import { NodeTable } from "../../components/NodeTable";
import { Split } from "../../components/Split";
import { Empty, Failed, FailedPart, SkeletonRows } from "../../components/States";
import { useKeys } from "../../components/useKeys";
import { useWords } from "../../i18n/useWords";
import { nextMatch } from "../../model/find";
import { runsOfNode } from "../../model/graph";
import { costShare } from "../../model/quality";
import { ancestors, readClosed, writeClosed } from "../../model/rows";
import type { TraceSearch } from "../../router";
import { Detail } from "./Detail";
import { GraphPane } from "./GraphPane";
import { SearchBox } from "./SearchBox";
import { TraceHead } from "./TraceHead";
import { useFind } from "./useFind";
import { Waterfall } from "./Waterfall";

const FROM = "/projects/$project/traces/$traceId";

export function TracePage() {
  const t = useWords();
  const { project, traceId } = useParams({ from: FROM });
  const { data: start, error, refetch } = useQuery(traceStartQuery(project, traceId));
  const isLarge = start !== undefined && start.truncated_runs > 0;
  const rest = useQuery({ ...traceQuery(project, traceId), enabled: isLarge });
  const data = isLarge ? (rest.data ?? start) : start;
  if (data) {
    return (
      <>
        {rest.error && !rest.data && <FailedPart error={rest.error} retry={() => void rest.refetch()} />}
        <Loaded view={data} />
      </>
    );
  }
  if (error instanceof ApiError && error.status === 404) {
    return (
      <Empty title={t("trace.notFound")} text={t("trace.notFoundText")}>
        <Link className="button" to="/projects/$project/traces" params={{ project }} search={keepRange}>
          {t("trace.toList")}
        </Link>
      </Empty>
    );
  }
  if (error) return <Failed error={error} retry={() => void refetch()} />;
  return <SkeletonRows count={14} />;
}

function Loaded({ view }: { view: TraceView }) {
  const { project } = useParams({ from: FROM });
  const search = useSearch({ from: FROM });
  const navigate = useNavigate();
  const { runs } = view;
  const text = search.q ?? "";
  const find = useFind(view, text);
  const found = useMemo(() => new Set(find.ids), [find.ids]);
  const closed = readClosed(search.closed, runs);
  const chosen = runs.find((run) => run.run_id === search.run);
  const only = useMemo(() => (search.node === undefined ? null : runsOfNode(runs, search.node)), [runs, search.node]);
  const show = (part: Partial<Record<keyof TraceSearch, string | undefined>>, replace = true) =>
    void navigate({
      to: ".",
      replace,
      search: (now) =>
        Object.fromEntries(Object.entries({ ...now, ...part }).filter(([, value]) => value !== undefined)),
    });
  const select = (run: string | undefined) => show({ run }, search.run !== undefined && run !== undefined);
  const step = (by: 1 | -1) => {
    const at = runs.findIndex((run) => run.run_id === search.run);
    reveal(runs[at < 0 ? 0 : Math.min(Math.max(at + by, 0), runs.length - 1)]?.run_id);
  };
  const reveal = (run: string | undefined) => {
    if (run === undefined) return;
    for (const id of ancestors(runs, run)) closed.delete(id);
    show({ run, closed: writeClosed(closed) });
  };
  useKeys({
    previousRun: () => step(-1),
    nextRun: () => step(1),
    close: () => {
      if (search.run !== undefined) select(undefined);
      else if (search.node !== undefined) show({ node: undefined });
      else void navigate({ to: "/projects/$project/traces", params: { project }, search: keepRange });
    },
  });
  return (
    <div className="trace-page">
      <TraceHead
        view={view}
        current={search.view ?? "timeline"}
        onView={(next) => show({ view: next === "timeline" ? undefined : next })}
      >
        <SearchBox
          text={text}
          found={find.ids.length}
          more={find.truncated}
          at={find.ids.indexOf(search.run ?? "")}
          searching={find.searching}
          onText={(q) => show({ q: q === "" ? undefined : q })}
          onStep={(by) => reveal(nextMatch(find.ids, runs, search.run, by))}
        />
      </TraceHead>
      <Split
        detail={
          chosen && (
            <Detail
              key={chosen.run_id}
              run={chosen}
              view={view}
              tab={search.tab ?? "overview"}
              onTab={(tab) => show({ tab: tab === "overview" ? undefined : tab })}
              onClose={() => select(undefined)}
            />
          )
        }
      >
        {search.view === "nodes" ? (
          <TraceNodes view={view} chosen={chosen?.node ?? undefined} onChoose={(run) => select(run)} />
        ) : (
          <div className="trace-views">
            {search.view === "graph" && (
              <GraphPane
                view={view}
                heat={search.heat}
                node={search.node}
                onHeat={(heat) => show({ heat })}
                onNode={(node) => show({ node })}
              />
            )}
            {search.node !== undefined && <NodeFilter node={search.node} onClear={() => show({ node: undefined })} />}
            <Waterfall
              view={view}
              closed={closed}
              only={only}
              found={found}
              selected={search.run}
              onSelect={select}
              onClosed={(next) => show({ closed: writeClosed(next) })}
            />
          </div>
        )}
      </Split>
    </div>
  );
}

/** Says that a node filters what is below, and lifts it. */
function NodeFilter({ node, onClear }: { node: string; onClear: () => void }) {
  const t = useWords();
  return (
    <p className="node-filter" role="status">
      {t("graph.only", { node: node.replaceAll("|", " › ") })}
      <button type="button" className="quiet small" onClick={onClear}>
        {t("graph.all")}
      </button>
    </p>
  );
}

function TraceNodes({
  view,
  chosen,
  onChoose,
}: {
  view: TraceView;
  chosen: string | undefined;
  onChoose: (run: string) => void;
}) {
  const t = useWords();
  const lines = view.graph.nodes
    .filter((node) => !node.node.startsWith("__"))
    .map((node) => ({ ...node, share: costShare(node.totals, view.trace), times: [node.duration_ms] }));
  if (lines.length === 0) return <Empty title={t("nodes.empty")} text={t("nodes.emptyText")} />;
  return (
    <NodeTable
      timeHeads={[t("traces.duration")]}
      lines={lines}
      chosen={chosen}
      onChoose={(node) => {
        const run = view.runs.find((row) => row.is_node && row.node === node);
        if (run) onChoose(run.run_id);
      }}
    />
  );
}
